import assert from "node:assert/strict";
import { test } from "node:test";

import { summary } from "../../zibrato/store/web/static/summary.js";

const a = { last: 2, rate: 1, seen: 10, spark: [1, null, null] };
const b = { last: 6, rate: null, seen: 30, spark: [5, null, 8] };

test("one series is its own summary", () => {
  assert.deepEqual(summary({ shown: "timer", series: [a] }), { ...a, bound: "" });
});

test("counters add up", () => {
  assert.deepEqual(summary({ shown: "counter", series: [a, b] }), { last: 8, rate: 1, seen: 30, spark: [6, null, 8], bound: "" });
});

test("a timer's percentile is at most the greatest", () => {
  assert.deepEqual(summary({ shown: "timer", series: [a, b] }), { last: 6, rate: 1, seen: 30, spark: [5, null, 8], bound: "≤ " });
});

test("gauges have a mean and no rate", () => {
  assert.deepEqual(summary({ shown: "gauge", series: [a, b] }), { last: 4, rate: null, seen: 30, spark: [3, null, 8], bound: "" });
});

test("a series without a value counts for nothing", () => {
  const silent = { last: null, rate: 0, seen: 0, spark: [null, null, null] };
  assert.equal(summary({ shown: "gauge", series: [a, silent] }).last, 2);
  assert.equal(summary({ shown: "gauge", series: [silent, silent] }).last, null);
});
