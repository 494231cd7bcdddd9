import assert from "node:assert/strict";
import { test } from "node:test";

import { rangePercentiles } from "../../zibrato/store/web/static/percentiles.js";

const merged = { p50: [1], p95: [2], p99: [3] };
const heat = { bounds: [1, 10, 100], counts: [[25, 10], null, [25, 40]] };

test("what the store merged over the range is exact", () => {
  assert.deepEqual(rangePercentiles({ times: [100], merged }, heat, 100), { p50: 1, p95: 2, p99: 3, exact: true });
});

test("several points, or one that begins before the range, are not the range's", () => {
  for (const overall of [{ times: [100, 110], merged }, { times: [90], merged }, null])
    assert.equal(rangePercentiles(overall, heat, 100).exact, false);
});

test("an estimate lies within its bucket, by the logarithm", () => {
  const { p50, p95, p99 } = rangePercentiles(null, heat, 0); // 50 below 10, 50 from 10 to 100
  assert.equal(p50, 10);
  assert.ok(Math.abs(p95 - 10 ** 1.9) < 1e-9);
  assert.ok(Math.abs(p99 - 10 ** 1.98) < 1e-9);
});

test("without a heat map, or with nothing in it, nothing is known", () => {
  assert.equal(rangePercentiles(null, null, 0), null);
  assert.equal(rangePercentiles(null, { bounds: [], counts: [null] }, 0), null);
  assert.equal(rangePercentiles(null, { bounds: [1, 2], counts: [[0]] }, 0).p50, null);
});

test("an estimate does not jump over empty buckets", () => {
  assert.equal(rangePercentiles(null, { bounds: [1, 10, 100, 1000], counts: [[50, 0, 50]] }, 0).p50, 10);
});
