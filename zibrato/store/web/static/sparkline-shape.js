// The shape of a sparkline, computed from a series' newest values.

/** Return {runs, last}: stretches without a gap as lists of [index, height], heights from 0 (bottom)
 * to 1 (top), and the height of the newest value or null. A counter counts 0 in its gaps,
 * unless it `hasGaps`. */
export function sparklineShape(kind, values, hasGaps = kind !== "counter") {
  const began = values.findIndex((value) => value !== null);
  if (began < 0) return { runs: [], last: null };
  const shown = hasGaps ? values : values.map((value, i) => (i < began ? null : (value ?? 0)));
  const heights = shown.map(heightIn(kind, shown.filter((value) => value !== null)));
  return { runs: runs(heights), last: heights.at(-1) };
}

/** Return the function from a value to its height. A gauge takes all of the height; a counter or
 * timer so much that it looks calm where it is steady. What never changes is in the middle, or at
 * the bottom where it is 0. */
function heightIn(kind, values) {
  const high = Math.max(...values);
  const lowest = Math.min(...values);
  const base = kind === "gauge" ? lowest : Math.max(Math.min(0, lowest), lowest - 1.5 * (high - lowest));
  if (high === base) return (value) => (value === null ? null : value === 0 ? 0 : 0.5);
  return (value) => (value === null ? null : (value - base) / (high - base));
}

function runs(heights) {
  const all = [];
  heights.forEach((height, index) => {
    if (height === null) return;
    if (index > 0 && heights[index - 1] !== null) all.at(-1).push([index, height]);
    else all.push([[index, height]]);
  });
  return all;
}
