import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { isSelfMetric, Metrics, seriesLabel, tagPairs } from "../../zibrato/store/web/static/metrics.js";

const STATE = { q: "", level: "", source: "", tag: "", own: "", sort: "name" };
const series = (id, kind, name, more = {}) => ({ id, kind, name, source: "web", tags: {}, level: "info", last: null, rate: null, seen: 0, ...more });

let metrics;
beforeEach(() => {
  metrics = new Metrics();
  metrics.load({
    now: 1000,
    interval: 10,
    series: [
      series(1, "counter", "shop.orders", { source: "web-2", last: 5, rate: 0.5, seen: 980, spark: [1, null, 3] }),
      series(2, "counter", "shop.orders", { source: "web-10", last: 7, rate: 2, seen: 990, spark: [4, 5] }),
      series(3, "gauge", "queue.depth", { level: "warning", tags: { region: "eu" }, last: 40 }),
      series(4, "timer", "db.query", { level: "debug", last: 0.2, rate: 9 }),
      series(5, "counter", "zibrato.intake.received", { level: "error" }),
      series(6, "gauge", "db.query", { level: "custom" }),
    ],
  });
});
const names = (state) => metrics.select({ ...STATE, ...state }).map(({ kind, name }) => `${kind} ${name}`);

test("a series is told apart by its source and tags, else by its name", () => {
  assert.deepEqual(tagPairs({ tags: { a: "1", b: "2" } }), ["a=1", "b=2"]);
  assert.deepEqual(tagPairs({}), []);
  assert.equal(seriesLabel({ source: "web", tags: { region: "eu" } }), "web · region=eu");
  assert.equal(seriesLabel({ name: "depth", source: "", tags: {} }), "depth");
});

test("self-metrics begin with zibrato and a dot", () => {
  assert.deepEqual(["zibrato", "zibrato.x", "zibratory", "shop.zibrato.x"].map(isSelfMetric), [true, true, false, false]);
});

test("series of one kind and name are one metric", () => {
  assert.deepEqual(names(), ["gauge db.query", "timer db.query", "gauge queue.depth", "counter shop.orders"]);
  assert.equal(metrics.find({ ...STATE, kind: "counter", name: "shop.orders" }).series.length, 2);
  assert.equal(metrics.hasSelfMetrics, true);
  assert.equal(new Metrics().hasSelfMetrics, false);
});

test("all words of a search have to match, anywhere", () => {
  assert.deepEqual(names({ q: " ORD shop " }), ["counter shop.orders"]);
  assert.deepEqual(names({ q: "region=eu" }), ["gauge queue.depth"]);
  assert.deepEqual(names({ q: "shop depth" }), []);
  assert.equal(metrics.select({ ...STATE, q: "web-10" })[0].series.length, 1);
});

test("a level filter is one level, or a threshold that passes standard levels only", () => {
  assert.deepEqual(names({ level: "debug" }), ["timer db.query"]);
  assert.deepEqual(names({ level: "info+" }), ["gauge queue.depth", "counter shop.orders"]);
  assert.deepEqual(names({ level: "custom" }), ["gauge db.query"]);
});

test("source and tag filter series, and self-metrics show when asked for", () => {
  assert.deepEqual(names({ source: "web-2" }), ["counter shop.orders"]);
  assert.deepEqual(names({ tag: "region=eu" }), ["gauge queue.depth"]);
  assert.deepEqual(names({ own: "1" }), ["counter zibrato.intake.received", ...names({})]);
  assert.equal(names({ own: "1", sort: "last" })[0], "counter zibrato.intake.received");
});

test("a metric is found whatever the search, but not against the filters", () => {
  const orders = { ...STATE, kind: "counter", name: "shop.orders" };
  assert.ok(metrics.find({ ...orders, q: "nix" }));
  assert.equal(metrics.find({ ...orders, source: "db-1" }), null);
  assert.equal(metrics.has({ ...orders, source: "db-1" }), true);
  assert.equal(metrics.find({ ...orders, kind: "gauge" }), null);
  assert.equal(metrics.has({ ...orders, kind: "gauge" }), false);
});

test("rows are sorted by name, kind, or the greatest first", () => {
  assert.deepEqual(names({ sort: "kind" }).map((key) => key.split(" ")[0]), ["counter", "gauge", "gauge", "timer"]);
  assert.deepEqual(names({ sort: "last" })[0], "gauge queue.depth");
  assert.deepEqual(names({ sort: "rate" }).slice(0, 2), ["timer db.query", "counter shop.orders"]);
  assert.deepEqual(names({ sort: "rate" }).slice(2), ["gauge db.query", "gauge queue.depth"]); // none: by name
  assert.deepEqual(names({ sort: "level" }).slice(0, 2), ["gauge db.query", "gauge queue.depth"]);
});

test("a gauge of running totals is shown as the counter that it is", () => {
  metrics.add([series(8, "gauge", "total", { last: 130, seen: 990, spark: [100, 110, 130] })]);
  metrics.tell([{ name: "total", running: true }, { name: "shop.orders", running: true }]);
  const [row] = metrics.select({ ...STATE, q: "total" });
  assert.deepEqual([row.key, row.kind, row.shown], ["gauge total", "gauge", "counter"]);
  assert.deepEqual([row.series[0].last, row.series[0].rate], [20, 2]);
  assert.equal(metrics.find({ ...STATE, kind: "gauge", name: "total" }).series[0].last, 130);
  assert.equal(metrics.select({ ...STATE, q: "orders" })[0].series[0].last, 5);
  assert.deepEqual(names({ sort: "kind" }).slice(0, 2), ["counter shop.orders", "gauge total"]);
});

test("facets are in the order of levels, and of numbers in names", () => {
  assert.deepEqual(metrics.facets(""), {
    level: ["debug", "info", "warning", "custom"],
    source: ["web", "web-2", "web-10"],
    tag: ["region=eu"],
  });
  assert.ok(metrics.facets("1").level.includes("error"));
});

test("facets are worked out again only where there are other series", () => {
  const growing = new Metrics();
  growing.load({ now: 100, interval: 10, series: [series(1, "gauge", "b", { source: "x" })] });
  const before = growing.facets("");
  growing.apply({ start: 100, end: 110, points: [[1, 1, 2, 2, 2, 2, null, null, null]] });
  assert.equal(growing.facets(""), before);
  growing.add([series(2, "gauge", "a", { source: "y" })]);
  assert.deepEqual(growing.facets("").source, ["x", "y"]);
  const state = { q: "", level: "", source: "", tag: "", sort: "name", own: "" };
  assert.deepEqual(growing.select(state).map(({ name }) => name), ["a", "b"]);
});

test("a series that is known already is not added again", () => {
  metrics.add([series(1, "counter", "shop.orders", { last: 99 }), series(9, "gauge", "new")]);
  assert.equal(metrics.series.get(1).last, 5);
  assert.equal(metrics.series.get(1).spark.length, 60);
  assert.ok(metrics.has({ kind: "gauge", name: "new" }));
});

test("the newest interval is the end of the newest that was seen", () => {
  assert.equal(metrics.now, 1000);
  const empty = new Metrics();
  empty.load({ now: 77, interval: 10, series: [] });
  assert.equal(empty.now, 77);
});

// [id, count, sum, min, max, last, p50, p95, p99]
const ORDERS = [1, 3, 6, 1, 3, 2, null, null, null];

test("a new interval moves every series on", () => {
  metrics.apply({ start: 1000, end: 1010, points: [ORDERS, [4, 20, 8, 0.1, 0.9, 0.3, 0.4, 0.7, 0.8], [77, 1, 1]] });
  const [orders, other, depth, query] = [1, 2, 3, 4].map((id) => metrics.series.get(id));
  assert.deepEqual(orders.spark.slice(-3), [null, 3, 6]);
  assert.deepEqual([orders.last, orders.rate, orders.seen], [6, 0.6, 1000]);
  assert.deepEqual(other.spark.slice(-2), [5, null]);
  assert.equal(other.rate, 0);
  assert.equal(depth.rate, null);
  assert.deepEqual([query.last, query.rate], [0.7, 2]);
  assert.equal(metrics.now, 1010);
});

test("a gap of intervals is a gap in the sparkline, however long", () => {
  metrics.apply({ start: 1020, end: 1030, points: [ORDERS] });
  assert.deepEqual(metrics.series.get(1).spark.slice(-4), [3, null, null, 6]);
  metrics.apply({ start: 90_000, end: 90_010, points: [] });
  assert.deepEqual(metrics.series.get(1).spark, Array(60).fill(null));
});

test("a late interval finds its place, adds to a counter, and leaves the newest values", () => {
  metrics.apply({ start: 970, end: 980, points: [ORDERS] });
  const orders = metrics.series.get(1);
  assert.deepEqual(orders.spark.slice(-3), [7, null, 3]);
  assert.equal(orders.last, 5);
  metrics.apply({ start: 0, end: 10, points: [ORDERS] }); // too late for any place
  assert.deepEqual([orders.spark.length, Object.keys(orders.spark).length], [60, 60]);
  assert.equal(metrics.now, 1000);
});

test("what is said of a metric later is shown and searched from then on", () => {
  const orders = () => metrics.select({ ...STATE, q: "waiting" });
  assert.deepEqual(orders(), []);
  metrics.tell([{ name: "SHOP.orders", display_name: "Waiting" }]);
  assert.deepEqual(orders().map(({ about }) => about.display_name), ["Waiting"]);
  metrics.tell([{ name: "shop.orders" }]);
  assert.deepEqual(orders(), []);
});

test("the sparklines of one name are added up", () => {
  metrics.add([series(9, "counter", "shop.orders", { source: "web-2", tags: { a: "1" }, spark: [10] })]);
  assert.deepEqual(metrics.addedUp("shop.orders", "web-2").slice(-4), [null, 1, null, 13]);
  assert.deepEqual(metrics.addedUp("shop.orders", "nix"), []);
  const of = (name, source) => metrics.hasOtherSources({ kind: "counter", name, source });
  assert.deepEqual([of("shop.orders", "web-2"), of("zibrato.intake.received", "web"), of("nix", "web")], [true, false, false]);
});

test("after a long silence it is now, not the time of the newest interval", () => {
  const all = [series(1, "gauge", "depth", { last: 5, seen: 900, spark: [4, 5] })];
  const at = (now) => {
    metrics.load({ now, interval: 10, series: all.map((one) => ({ ...one })) });
    return [metrics.now, metrics.series.get(1).spark.lastIndexOf(5)];
  };
  assert.deepEqual(at(914), [910, 59]);
  assert.deepEqual(at(945), [910, 59]);
  assert.deepEqual(at(955), [950, 55]);
  assert.deepEqual(at(90000), [90000, -1]);
});

test("what was said of a metric is found by its name in any case, and searched", () => {
  metrics.load({
    now: 1000,
    interval: 10,
    series: [series(1, "gauge", "Queue.depth")],
    descriptions: [{ name: "queue.DEPTH", display_name: "Waiting jobs", units: "jobs" }],
  });
  assert.equal(metrics.find({ ...STATE, kind: "gauge", name: "Queue.depth" }).about.units, "jobs");
  assert.equal(metrics.select({ ...STATE, q: "waiting" })[0].about.display_name, "Waiting jobs");
  assert.deepEqual(metrics.describe("nix"), {});
});
