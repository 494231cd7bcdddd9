import assert from "node:assert/strict";
import { test } from "node:test";

import { ago, baseUnit, bytes, duration, inUnit, number, rate, rateSplits, rateUnit, ticks, unitOf, whole } from "../../zibrato/store/web/static/format.js";

const MINUS = "\u2212";
const MISSING = "\u2013";

/** Assert that `format` writes each value as the text beside it. */
function writes(format, pairs) {
  for (const [value, text] of pairs) assert.equal(format(value), text, `${format.name}(${value})`);
}

test("a number has three significant digits and a prefix", () => {
  writes(number, [
    [0, "0"],
    [1234, "1,234"],
    [9999, "9,999"],
    [10000, "10 k"],
    [12345, "12.3 k"],
    [999_950, "1 M"],
    [4.5678, "4.57"],
    [1234.5, "1.23 k"],
    [-0.5, `${MINUS}0.5`],
    [-1234, `${MINUS}1,234`],
    [0.00042, "420 µ"],
    [3e-10, `3e${MINUS}10`],
    [9.5e14, "950 T"],
    [1.5e18, "1.5e18"],
    [-1e15, `${MINUS}1e15`],
    [null, MISSING],
    [undefined, MISSING],
    [NaN, MISSING],
    [Infinity, MISSING],
  ]);
});

test("a whole number is written in full", () => {
  writes(whole, [
    [1204331, "1,204,331"],
    [1.6, "2"],
    [null, MISSING],
  ]);
});

test("a duration has the unit of its size", () => {
  writes(duration, [
    [0, "0 s"],
    [4.2e-6, "4.2 µs"],
    [0.0234, "23.4 ms"],
    [0.99996, "1 s"],
    [1, "1 s"],
    [90, "90 s"],
    [119.9, "120 s"],
    [180, "3 min"],
    [7200, "2 h"],
    [172800, "2 d"],
    [1e12, "1.16e7 d"],
    [-0.01, `${MINUS}10 ms`],
    [null, MISSING],
  ]);
});

test("a size is binary", () => {
  writes(bytes, [
    [0, "0 B"],
    [512, "512 B"],
    [1536, "1.5 KiB"],
    [67_108_864, "64 MiB"],
    [null, MISSING],
  ]);
});

test("a rate is written a minute or an hour where a second is too short", () => {
  writes(rate, [
    [0, "0/s"],
    [0.1, "0.1/s"],
    [12.34, "12.3/s"],
    [1234, "1.23 k/s"],
    [12345, "12.3 k/s"],
    [2e15, "2e15/s"],
    [0.05, "3/min"],
    [0.001, "3.6/h"],
    [null, MISSING],
  ]);
});

test("the unit comes from the kind, or from a gauge's name", () => {
  assert.equal(unitOf("timer", "bytes"), "seconds");
  assert.equal(unitOf("counter", "bytes"), "number");
  assert.equal(unitOf("gauge", "process.resident_memory"), "bytes");
  assert.equal(unitOf("gauge", "sent.bytes"), "bytes");
  assert.equal(unitOf("gauge", "kilobytes"), "number");
  assert.equal(unitOf("gauge", "reactor.lag"), "seconds");
  assert.equal(unitOf("gauge", "depth"), "number");
  assert.equal(inUnit("bytes", 2048), "2 KiB");
});

test("a unit that was said of a metric is written behind its values", () => {
  assert.equal(unitOf("gauge", "sent.bytes", "jobs"), "number jobs");
  assert.equal(unitOf("counter", "sent", "B"), "bytes");
  assert.equal(unitOf("gauge", "age", "Seconds"), "seconds");
  assert.equal(unitOf("timer", "render", "ms"), "seconds"); // a timer's values are
  assert.equal(inUnit("number jobs", 12345), "12.3 k jobs");
  assert.equal(inUnit("number jobs", null), MISSING);
  assert.equal(inUnit(rateUnit("number jobs"), 2), "2 jobs/s");
  assert.equal(inUnit(rateUnit("bytes"), 1234), "1.23 k B/s");
  assert.equal(rateUnit("number"), "rate");
  assert.deepEqual(["number two words", "rate"].map(baseUnit), ["number", "rate"]);
});

test("a histogram of what is no time has its own unit", () => {
  assert.equal(unitOf("timer", "body.size", "B"), "bytes");
  assert.equal(unitOf("timer", "batch.size", "1"), "number");
  assert.equal(unitOf("timer", "batch.size", "requests"), "number requests");
  for (const time of ["s", "ms", "us", "µs", "ns", "min", "h", "d", "seconds", "Milliseconds", "hour"])
    assert.equal(unitOf("timer", "render", time), "seconds", time);
});

test("milliseconds are written as a time is", () => {
  assert.equal(unitOf("gauge", "lag", "ms"), "milliseconds");
  assert.equal(inUnit("milliseconds", 12345), "12.3 s");
  assert.equal(inUnit("milliseconds", null), MISSING);
  assert.equal(inUnit(rateUnit("milliseconds"), 2), "2 ms/s");
  assert.deepEqual(ticks("milliseconds", [0, null, 50, 100]), ["0", null, "50 ms", "100 ms"]);
});

test("the ticks of an axis have one prefix and one number of decimals", () => {
  assert.deepEqual(ticks("number", [0, 500, 1000, 1500]), ["0", "0.5 k", "1.0 k", "1.5 k"]);
  assert.deepEqual(ticks("number", [0, 0.25, 0.5]), ["0", "0.25", "0.50"]);
  assert.deepEqual(ticks("seconds", [0, 0.005, 0.01]), ["0", "5 ms", "10 ms"]);
  assert.deepEqual(ticks("seconds", [0, 50, 100]), ["0", "50 s", "100 s"]);
  assert.deepEqual(ticks("bytes", [0, 1024, 2048]), ["0", "1 KiB", "2 KiB"]);
  assert.deepEqual(ticks("number", [-2, null, 0]), [`${MINUS}2`, null, "0"]);
  assert.deepEqual(ticks("number", [0, null]), ["0", null]);
});

test("the axis of a rate is written like a rate", () => {
  assert.deepEqual(ticks("rate", [0, 0.1, 0.2]), ["0", "0.1/s", "0.2/s"]);
  assert.deepEqual(ticks("rate", [0, 0.02, 0.04]), ["0", "1.2/min", "2.4/min"]);
  assert.deepEqual(ticks("rate", [0, 0.0005, 0.001]), ["0", "1.8/h", "3.6/h"]);
  assert.deepEqual(ticks("rate", [0, 500, 1000]), ["0", "0.5 k/s", "1.0 k/s"]);
  assert.deepEqual(ticks("rate", [0, null]), ["0", null]);
});

test("ticks that no prefix suits have exponents", () => {
  assert.deepEqual(ticks("number", [0, null, 5e17, 1e18, 1.25e18]), ["0", null, "5e17", "1e18", "1.25e18"]);
  assert.deepEqual(ticks("number", [2e-13, 1.2e-12]), [`2e${MINUS}13`, `1.2e${MINUS}12`]);
});

test("a rate has its ticks at round numbers of a second, a minute or an hour", () => {
  assert.deepEqual(rateSplits(0, 0.25, 0.1), [0, 0.1, 0.2]);
  assert.deepEqual(ticks("rate", rateSplits(0, 0.05, 0.01)), ["0", "1/min", "2/min", "3/min"]);
  assert.deepEqual(ticks("rate", rateSplits(0, 0.001, 0.0005)), ["0", "2/h"]);
  assert.deepEqual(ticks("rate", rateSplits(-20, 20, 10)), [`${MINUS}20/s`, `${MINUS}10/s`, "0", "10/s", "20/s"]);
});

test("ticks of small numbers keep plain digits as long as numbers do", () => {
  assert.deepEqual(ticks("number", [0, 0.01, 0.02]), ["0", "0.01", "0.02"]);
  assert.deepEqual(ticks("number", [0, 0.001, 0.002]), ["0", "1 m", "2 m"]);
});

test("the past is told in the greatest unit that fits", () => {
  writes(ago, [
    [0, "just now"],
    [4.9, "just now"],
    [40, "40 s ago"],
    [150, "2 min ago"],
    [3 * 3600 + 5, "3 h ago"],
    [86400 * 9, "9 d ago"],
  ]);
});
