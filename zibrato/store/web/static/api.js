// What the daemon answers under /data.

async function get(path, parameters, signal) {
  const query = new URLSearchParams(parameters).toString();
  const response = await fetch(query ? `${path}?${query}` : path, { signal, cache: "no-store" });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
  return response.json();
}

const PATIENCE = 60_000; // milliseconds

export const series = () => get("/data/series", {}, AbortSignal.timeout(PATIENCE));

export const health = () => get("/data/health", {});

export const plot = (ids, start, end, points, signal) =>
  get("/data/plot", { ids: ids.join(","), start, end, points }, signal);

export const annotations = (start, end, signal) => get("/data/annotations", { start, end }, signal);
