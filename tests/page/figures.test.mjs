import assert from "node:assert/strict";
import { test } from "node:test";

import { figures } from "../../zibrato/store/web/static/figures.js";

const RANGE = { start: 0, end: 100 };
const shown = (...args) => Object.fromEntries(figures(...args));

test("a counter's mean rate is over the time since it began", () => {
  const merged = { sum: [null, null, 30, null, 90], count: [null, null, 3, null, 9] };
  const plot = { times: [0, 20, 40, 60, 80], resolution: 20, merged, series: [] };
  assert.deepEqual(shown("counter", "number", plot, null, RANGE), {
    Total: "120",
    "Mean rate": "2/s", // in 60 s
    "Peak rate": "4.5/s",
    Increments: "12",
  });
});

test("a total is written in the metric's unit", () => {
  const plot = (sum) => ({ times: [0], resolution: 100, merged: { sum: [sum], count: [1] }, series: [] });
  const written = shown("counter", "number jobs", plot(1234), null, RANGE);
  assert.deepEqual([written.Total, written["Mean rate"]], ["1,234 jobs", "12.3 jobs/s"]);
  assert.equal(shown("counter", "bytes", plot(2048), null, RANGE).Total, "2 KiB");
});

test("a large total is shortened, and none is none", () => {
  const plot = (sum) => ({ times: [0], resolution: 100, merged: { sum: [sum], count: [sum && 1] }, series: [] });
  assert.equal(shown("counter", "number", plot(12_345_678), null, RANGE).Total, "12.3 M");
  assert.deepEqual(shown("counter", "number", plot(null), null, RANGE), {
    Total: "–",
    "Mean rate": "–",
    "Peak rate": "–",
    Increments: "0",
  });
});

const merged = { count: [2, null, 2], sum: [0.2, null, 0.6], min: [0.05, null, 0.1], max: [0.15, null, 0.5] };

test("a timer's percentiles say when they are estimates", () => {
  const plot = { times: [0, 1, 2], resolution: 1, merged, series: [] };
  const exact = shown("timer", "seconds", plot, { p50: 0.1, p95: 0.2, p99: 0.3, exact: true }, RANGE);
  assert.deepEqual(exact, { p50: "100 ms", p95: "200 ms", p99: "300 ms", Max: "500 ms", Mean: "200 ms", Timings: "4" });
  assert.equal(shown("timer", "bytes", plot, null, RANGE).Measurements, "4");
  const estimated = shown("timer", "seconds", plot, { p50: 0.1, p95: 0.2, p99: 0.3, exact: false }, RANGE);
  assert.equal(estimated.p50, "≈ 100 ms");
  assert.equal(shown("timer", "seconds", plot, null, RANGE).p50, "–");
});

test("a gauge has its last reading, several their last mean", () => {
  const plot = { times: [0, 1, 2], resolution: 1, merged, series: [{ last: [1, 7, null] }] };
  const alone = shown("gauge", "number", plot, null, RANGE);
  assert.deepEqual(alone, { Last: "7", Min: "0.05", Mean: "0.2", Max: "0.5", Readings: "4" });
  const several = shown("gauge", "number", { ...plot, series: [{ last: [] }, { last: [] }] }, null, RANGE);
  assert.equal(several["Last mean"], "0.3");
});

test("a running total's mean rate is over the time between its readings", () => {
  const merged = { sum: [null, 20, 60, null, null], count: [null, 0, 1, null, null] };
  const plot = { times: [0, 20, 40, 60, 80], resolution: 20, merged, series: [], running: true };
  assert.deepEqual(shown("counter", "number", plot, null, RANGE), {
    Total: "80",
    "Mean rate": "2/s",
    "Peak rate": "3/s",
    Readings: "1",
  });
});
