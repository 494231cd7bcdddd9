// Losses that a person has seen: the badge tells only of those since. Kept in the browser, for one
// start of the daemon, from which all counts begin anew.

const KEY = "zibrato.acknowledged";

/** Return of `counts`, {rejected, dropped}, those that came after what was acknowledged. */
export function unacknowledged(counts, started, acknowledged) {
  if (acknowledged?.started !== started) return counts;
  const since = (fate) => Math.max(0, counts[fate] - (acknowledged[fate] ?? 0));
  return { rejected: since("rejected"), dropped: since("dropped") };
}

/** Return what was acknowledged last, or null. */
export function readAcknowledged(storage = globalThis.localStorage) {
  try {
    return JSON.parse(storage.getItem(KEY));
  } catch {
    return null; // storage is off, or holds something else
  }
}

/** Remember that these counts, since the daemon's start, were seen. */
export function acknowledge(counts, started, storage = globalThis.localStorage) {
  try {
    storage.setItem(KEY, JSON.stringify({ started, ...counts }));
  } catch {
    // storage is off: the badge stays
  }
}
