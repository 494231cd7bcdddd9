// The page's state is the URL's fragment: every view can be linked to and gone back to.

const DEFAULTS = {
  q: "",
  level: "",
  source: "",
  tag: "",
  own: "",
  sort: "name",
  range: "", // one that fits
  from: "",
  to: "",
  mode: "rate",
  split: "",
  stat: "p95",
  log: "",
};

/** Return the state that a fragment such as `#/plot/timer/render?range=300` stands for. */
export function parse(fragment) {
  const [path, query = ""] = fragment.replace(/^#\/?/, "").split("?", 2);
  const [view, kind, ...rest] = path.split("/").map(decoded);
  const state = { ...DEFAULTS, view: "list", kind: "", name: "" };
  if (view === "plot" && rest.length) Object.assign(state, { view, kind, name: rest.join("/") });
  else if (view === "health") state.view = view;
  for (const [name, value] of new URLSearchParams(query)) if (name in DEFAULTS) state[name] = value;
  return state;
}

/** Return the fragment of `state`, which holds only what differs from the defaults. */
export function format(state) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(DEFAULTS))
    if (state[name] !== value) parameters.set(name, state[name]);
  const path = state.view === "plot" ? `plot/${state.kind}/${encodeURIComponent(state.name)}` : state.view;
  const query = parameters.toString();
  return `#/${path === "list" ? "" : path}${query ? `?${query}` : ""}`;
}

export const read = () => parse(location.hash);

/** Go to `state`: with `push` as an entry of its own in the history, else in place of the newest. */
export function go(state, push) {
  const fragment = format(state);
  if (fragment === (location.hash || "#/")) return;
  history[push ? "pushState" : "replaceState"](null, "", fragment);
  dispatchEvent(new Event("route"));
}

/** Call `run` whenever the state changes, whoever changed it. */
export function watch(run) {
  addEventListener("route", run);
  addEventListener("popstate", run);
  addEventListener("hashchange", run);
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a stray % is not worth an error
  }
}
