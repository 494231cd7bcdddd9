// The time range that a plot opens with where none was chosen: one that fits the age of its data.

import { RANGES } from "./times.js";

const DEFAULT = 3600;
const AIR = 1.05; // what lies at the very edge is not seen

const shortest = (seconds) => (RANGES.find(([range]) => range >= seconds * AIR) ?? RANGES.at(-1))[0];

/** Return the range, in seconds, that shows what was last measured at `seen`; an hour if it was within
 * that, or at no time that is known. */
export const rangeUpTo = (seen, now) => (seen ? Math.max(DEFAULT, shortest(now - seen)) : DEFAULT);

/** Return the range that shows all of `times`, the starts of what the plot of `range` has up to `end`:
 * it is never a longer one. */
export function narrowedRange(range, times, end) {
  return times.length ? Math.min(range, shortest(end - times[0])) : range;
}
