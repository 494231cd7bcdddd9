import assert from "node:assert/strict";
import { test } from "node:test";

import { alignedRange, withGaps } from "../../zibrato/store/web/static/time-grid.js";

test("a range is widened to whole intervals", () => {
  assert.deepEqual(alignedRange({ start: 1003, end: 1297 }, 100, 10), { start: 1000, end: 1300, points: 30 });
});

test("a step is a whole number of intervals, at most about as many as asked for", () => {
  const { start, end, points } = alignedRange({ start: 0, end: 3600 }, 250, 10); // 14.4 s at least
  assert.equal((end - start) / points, 20);
  assert.ok(points <= 250);
});

test("a long step is a multiple of what the store keeps", () => {
  for (const [seconds, unit] of [[86400, 60], [7 * 86400, 900], [90 * 86400, 3600]]) {
    const { start, end, points } = alignedRange({ start: 1_700_000_000, end: 1_700_000_000 + seconds }, 600, 10);
    const step = (end - start) / points;
    assert.equal(step % unit, 0, `${seconds}: ${step}`);
    assert.equal(start % step, 0);
  }
});

test("a short range has one step at least", () => {
  assert.deepEqual(alignedRange({ start: 23, end: 27 }, 100, 10), { start: 20, end: 30, points: 1 });
});

const answer = {
  resolution: 10,
  times: [100, 110, 140],
  series: [{ id: 7, sum: [1, 2, 3], p50: [4, null, 6] }],
  merged: { sum: [1, 2, 3] },
  heat: { bounds: [1, 2], counts: [[1], [2], [3]] },
};

test("what is missing becomes a gap in every column", () => {
  const plot = withGaps(answer, 10);
  assert.deepEqual(plot.times, [100, 110, 120, 130, 140]);
  assert.deepEqual(plot.series, [{ id: 7, sum: [1, 2, null, null, 3], p50: [4, null, null, null, 6] }]);
  assert.deepEqual(plot.merged, { sum: [1, 2, null, null, 3] });
  assert.deepEqual(plot.heat, { bounds: [1, 2], counts: [[1], [2], null, null, [3]] });
  assert.deepEqual([plot.running, withGaps({ ...answer, running: true }, 10).running], [false, true]);
});

test("a step is at least an interval; the newer of two in one slot stays, unless it is null", () => {
  const plot = withGaps({ ...answer, resolution: 1, times: [100, 104, 120], heat: null }, 10);
  assert.equal(plot.resolution, 10);
  assert.deepEqual(plot.times, [100, 110, 120]);
  assert.deepEqual(plot.series[0].sum, [2, null, 3]);
  assert.deepEqual(plot.series[0].p50, [4, null, 6]);
  assert.equal(plot.heat, null);
});

test("no answer is no plot", () => {
  const plot = withGaps({ resolution: 60, times: [], series: [], merged: { sum: [] }, heat: null }, 10);
  assert.deepEqual([plot.times, plot.merged.sum], [[], []]);
});
