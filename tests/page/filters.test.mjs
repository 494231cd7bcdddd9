import assert from "node:assert/strict";
import { test } from "node:test";

import { filterOptions } from "../../zibrato/store/web/static/filters.js";

test("levels can be chosen one by one, or from one up", () => {
  assert.deepEqual(filterOptions("level", ["debug", "info", "error", "custom"], ""), [
    ["debug", "debug"],
    ["info", "info"],
    ["error", "error"],
    ["custom", "custom"],
    ["info+", "info and up"],
    ["error+", "error and up"],
  ]);
});

test("what is chosen can be seen, though no series has it", () => {
  assert.deepEqual(filterOptions("source", ["web"], "gone"), [["gone", "gone"], ["web", "web"]]);
  assert.deepEqual(filterOptions("source", ["web"], "web"), [["web", "web"]]);
  assert.deepEqual(filterOptions("level", ["debug", "info"], "info+").map(([value]) => value), ["info+", "debug", "info"]);
});

test("a source may end with a plus", () => {
  assert.deepEqual(filterOptions("source", ["c++"], ""), [["c++", "c++"]]);
});

test("there are not more options than a person could read", () => {
  assert.equal(filterOptions("tag", Array.from({ length: 900 }, (_, i) => `id=${i}`), "").length, 500);
});
