import assert from "node:assert/strict";
import { test } from "node:test";

import { drawnKind, isSplit, means, plotSeries } from "../../zibrato/store/web/static/plot-series.js";

const STATE = { split: "", mode: "rate", stat: "p95", log: "" };
const many = (count) => Array.from({ length: count }, (_, index) => ({ id: index, name: "m", source: `web-${index}`, tags: {} }));
const metric = (kind, count) => ({ kind, name: "m", series: many(count) });

/** Return an answer of /data/plot at times 0, 10, 20 with these columns in every series. */
const answer = (count, columns) => ({
  resolution: 10,
  times: [0, 10, 20],
  series: many(count).map(({ id }) => ({ id, ...columns })),
  merged: columns,
});
const labels = ({ series }) => series.map(({ label }) => label);

test("few series of a counter or gauge are drawn one by one, unless the state says otherwise", () => {
  assert.equal(isSplit(metric("gauge", 1), { ...STATE, split: "each" }), false);
  assert.equal(isSplit(metric("gauge", 2), STATE), true);
  assert.equal(isSplit(metric("gauge", 12), STATE), true);
  assert.equal(isSplit(metric("gauge", 13), STATE), false);
  assert.equal(isSplit(metric("timer", 2), STATE), false);
  assert.equal(isSplit(metric("timer", 2), { ...STATE, split: "each" }), true);
  assert.equal(isSplit(metric("counter", 2), { ...STATE, split: "merged" }), false);
});

test("a counter is a rate: no increment is 0 once it has begun, and a gap before", () => {
  const data = plotSeries(metric("counter", 1), answer(1, { sum: [null, 50, null] }), STATE, 100);
  assert.deepEqual(data.series[0].values, [null, 5, 0]);
  assert.equal(data.series[0].label, "rate");
  assert.equal(data.stepped, false);
});

test("the newest bucket of a rate is divided by what has passed of it, and the future is a gap", () => {
  const counter = answer(1, { sum: [50, 20, 7] });
  assert.deepEqual(plotSeries(metric("counter", 1), counter, STATE, 14).series[0].values, [5, 5, null]);
});

test("a counter's sums are steps", () => {
  const data = plotSeries(metric("counter", 1), answer(1, { sum: [50, null, 7] }), { ...STATE, mode: "interval" }, 100);
  assert.deepEqual(data.series[0].values, [50, 0, 7]);
  assert.equal(data.series[0].label, "count");
  assert.equal(data.stepped, true);
});

test("a timer has its percentiles in a band from min to max", () => {
  const columns = { min: [1, 1, 1], max: [9, 9, 9], p50: [2, 2, 2], p95: [3, 3, 3], p99: [4, 4, 4] };
  const data = plotSeries(metric("timer", 3), answer(3, columns), STATE, 100);
  assert.deepEqual(labels(data), ["max", "p99", "p95", "p50", "min"]);
  const [[upper, lower]] = data.bands;
  assert.deepEqual([labels(data)[upper - 1], labels(data)[lower - 1]], ["max", "min"]);
  assert.deepEqual(data.series.map(({ edge }) => Boolean(edge)), [true, false, false, false, true]);
});

test("a gauge shows its last readings, and several merged their mean", () => {
  const columns = { count: [2, 0, 4], sum: [10, 0, 8], min: [1, 1, 1], max: [9, 9, 9], last: [6, null, 7] };
  const alone = plotSeries(metric("gauge", 1), answer(1, columns), STATE, 100);
  assert.deepEqual([alone.series[1].label, alone.series[1].values], ["last", [6, null, 7]]);
  const merged = plotSeries(metric("gauge", 2), answer(2, columns), { ...STATE, split: "merged" }, 100);
  assert.deepEqual([merged.series[1].label, merged.series[1].values], ["mean", [5, null, 2]]);
  assert.deepEqual(means(columns), [5, null, 2]);
});

test("series one by one are in the order of their labels, numbers as numbers, in repeating colours", () => {
  const data = plotSeries(metric("gauge", 12), answer(12, { last: [1, 2, 3] }), STATE, 100);
  assert.deepEqual(labels(data), many(12).map(({ source }) => source));
  assert.deepEqual(data.series.slice(7, 10).map(({ color }) => color), ["--series-8", "--series-1", "--series-2"]);
  assert.equal(data.omitted, 0);
});

test("at most 40 series are drawn, and how many are left out is said", () => {
  const data = plotSeries(metric("gauge", 45), answer(45, { last: [1] }), { ...STATE, split: "each" }, 100);
  assert.deepEqual([data.series.length, data.omitted], [40, 5]);
});

test("series that the filters leave out are not drawn", () => {
  const filtered = { ...metric("gauge", 3), series: many(3).slice(1) };
  assert.deepEqual(labels(plotSeries(filtered, answer(3, { last: [1] }), STATE, 100)), ["web-1", "web-2"]);
});

test("timers one by one show the percentile that is chosen, or the maximum", () => {
  const split = { ...STATE, split: "each" };
  const columns = { p50: [2], p95: [3], p99: [4], max: [9] };
  const values = (stat) => plotSeries(metric("timer", 2), answer(2, columns), { ...split, stat }, 100).series[0].values;
  assert.deepEqual([values("p50"), values("p99"), values("max")], [[2], [4], [9]]);
});

test("a logarithmic scale has no place for 0, and a counter has no such scale", () => {
  const log = { ...STATE, log: "1" };
  const gauge = plotSeries(metric("gauge", 2), answer(2, { last: [0, -1, 5] }), log, 100);
  assert.deepEqual(gauge.series[0].values, [null, null, 5]);
  const counter = plotSeries(metric("counter", 1), answer(1, { sum: [0, 10, 0] }), log, 100);
  assert.deepEqual(counter.series[0].values, [0, 1, 0]);
});

test("no two of the series that are drawn look the same", () => {
  const columns = { last: [1, 1, 1] };
  const data = plotSeries(metric("gauge", 49), answer(49, columns), { ...STATE, split: "each" }, 100);
  const looks = new Set(data.series.map(({ color, dash }) => JSON.stringify([color, dash])));
  assert.deepEqual([looks.size, data.series.length, data.omitted], [40, 40, 9]);
});

test("a running total is the rate of what was added, and what is not known is a gap", () => {
  const running = { ...answer(2, { sum: [null, 50, null] }), running: true };
  const merged = plotSeries(metric("gauge", 2), running, { ...STATE, split: "merged" }, 14);
  assert.deepEqual([labels(merged), merged.series[0].values], [["rate"], [null, 5, null]]);
  const log = plotSeries(metric("gauge", 2), { ...running, series: many(2).map(({ id }) => ({ id, sum: [null, 0, 4] })) }, { ...STATE, log: "1" }, 100);
  assert.deepEqual(log.series.map(({ values }) => values), [[null, 0, 0.4], [null, 0, 0.4]]);
  const counted = plotSeries(metric("gauge", 1), running, { ...STATE, mode: "interval" }, 100);
  assert.deepEqual([counted.series[0].values, counted.stepped], [[null, 50, null], true]);
});

test("a metric is drawn as its kind, but for a running total", () => {
  assert.equal(drawnKind(metric("gauge", 1), null), "gauge");
  assert.equal(drawnKind(metric("gauge", 1), answer(1, {})), "gauge");
  assert.equal(drawnKind(metric("gauge", 1), { running: true }), "counter");
});
