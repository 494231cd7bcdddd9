import assert from "node:assert/strict";
import { test } from "node:test";

import { narrowedRange, rangeUpTo } from "../../zibrato/store/web/static/fitting-range.js";

const NOW = 1_700_000_000;
const DAY = 86400;

test("a plot reaches back to what was last measured", () => {
  const reaches = (age) => rangeUpTo(NOW - age, NOW);
  assert.deepEqual([0, 40, 3000, 3600].map(reaches), [3600, 3600, 3600, 21600]);
  assert.deepEqual([2 * DAY, 8 * DAY, 400 * DAY].map(reaches), [7 * DAY, 30 * DAY, 365 * DAY]);
  assert.equal(rangeUpTo(0, NOW), 3600); // never seen
});

test("a plot of what is young is not an hour that is mostly empty", () => {
  const narrowed = (age) => narrowedRange(3600, [NOW - age, NOW - 1], NOW);
  assert.deepEqual([1, 40, 250, 299, 301, 3599, 5000].map(narrowed), [300, 300, 300, 3600, 3600, 3600, 3600]);
  assert.equal(narrowedRange(3600, [], NOW), 3600);
  assert.equal(narrowedRange(7 * DAY, [NOW - 2 * DAY], NOW), 7 * DAY);
});
