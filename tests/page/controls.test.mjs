import assert from "node:assert/strict";
import { test } from "node:test";

import { controlGroups } from "../../zibrato/store/web/static/controls.js";

const STATE = { range: "3600", from: "", mode: "rate", split: "", stat: "p95", log: "" };
const groups = (kind, count, state = {}) =>
  Object.fromEntries(
    controlGroups({ kind, series: Array(count).fill({}) }, { ...STATE, ...state }).map(([name, , chosen]) => [name, chosen]),
  );

test("a metric has the controls that make sense for it", () => {
  assert.deepEqual(groups("counter", 1), { range: "3600", mode: "rate" });
  assert.deepEqual(groups("gauge", 1), { range: "3600", log: "" });
  assert.deepEqual(groups("gauge", 2), { range: "3600", split: "each", log: "" });
  assert.deepEqual(groups("timer", 2), { range: "3600", split: "merged", log: "" });
  assert.deepEqual(groups("timer", 2, { split: "each" }), { range: "3600", split: "each", stat: "p95", log: "" });
});

test("no range is chosen while a plot is zoomed", () => {
  assert.equal(groups("gauge", 1, { from: "100" }).range, "");
});
