process.env.TZ = "UTC";

import assert from "node:assert/strict";
import { test } from "node:test";

import { stepText, timeLabels, timeRangeText, timeText } from "../../zibrato/store/web/static/times.js";

const at = (text) => Date.parse(`${text}Z`) / 1000;
const NOW = at("2026-03-14T12:00:00");

test("a time has its date where it is not today", () => {
  assert.equal(timeText(at("2026-03-14T09:05:10"), NOW), "09:05:10");
  assert.equal(timeText(at("2026-03-13T23:59:59"), NOW), "13 Mar 2026, 23:59:59");
});

test("a range has dates where it does not begin today, and seconds where it is short", () => {
  const text = (start, end) => timeRangeText(at(start), at(end), NOW);
  assert.equal(text("2026-03-14T09:00:00", "2026-03-14T10:00:05"), "09:00:00 – 10:00:05");
  assert.equal(text("2026-03-13T23:00:00", "2026-03-14T01:00:00"), "13 Mar 2026, 23:00:00 – 14 Mar 2026, 01:00:00");
  assert.equal(text("2026-03-13T09:00:00", "2026-03-13T10:00:05"), "13 Mar 2026, 09:00:00 – 10:00:05");
  assert.equal(text("2026-03-01T00:00:00", "2026-03-08T00:00:00"), "1 Mar 2026, 00:00 – 8 Mar 2026, 00:00");
});

test("an axis has seconds where its ticks are less than a minute apart", () => {
  const start = at("2026-03-14T09:05:00");
  assert.deepEqual(timeLabels([start, start + 30], 30), ["09:05:00", "09:05:30"]);
  assert.deepEqual(timeLabels([start, start + 60], 60), ["09:05", "09:06"]);
});

test("a new day or year has a second row, but not the first label", () => {
  const midnight = at("2026-01-01T00:00:00");
  assert.deepEqual(timeLabels([midnight - 3600, midnight, midnight + 3600], 3600), ["23:00", "00:00\n1 Jan", "01:00"]);
  assert.deepEqual(timeLabels([midnight], 3600), ["00:00"]);
  assert.deepEqual(timeLabels([midnight - 86400, midnight], 86400), ["31 Dec", "1 Jan\n2026"]);
  assert.deepEqual(timeLabels([midnight - 30 * 86400, midnight], 30 * 86400), ["Dec", "Jan\n2026"]);
  assert.deepEqual(timeLabels([], 60), []);
});

test("a step is written in the unit of its size", () => {
  assert.deepEqual([8, 60, 900, 3600, 9000].map(stepText), ["8 s", "1 min", "15 min", "1 h", "2.5 h"]);
});

test("a day is short enough for seconds", () => {
  assert.match(timeRangeText(at("2026-03-13T00:00:00"), at("2026-03-14T00:00:00"), NOW), /00:00:00 –/);
});
