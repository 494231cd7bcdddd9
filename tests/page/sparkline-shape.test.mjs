import assert from "node:assert/strict";
import { test } from "node:test";

import { sparklineShape } from "../../zibrato/store/web/static/sparkline-shape.js";

const heights = (kind, values) => sparklineShape(kind, values).runs.flat().map(([, height]) => height);

test("a gauge takes all of the height, with a gap where nothing was read", () => {
  assert.deepEqual(sparklineShape("gauge", [null, 10, 20, null, 15]), {
    runs: [[[1, 0], [2, 1]], [[4, 0.5]]],
    last: 0.5,
  });
});

test("a counter counts 0 in its gaps, once it has begun", () => {
  assert.deepEqual(sparklineShape("counter", [null, 4, null]), { runs: [[[1, 1], [2, 0]]], last: 0 });
  assert.equal(sparklineShape("counter", [null, 4, null], true).last, null);
});

test("a timer that hardly changes looks calm", () => {
  const [first, second] = heights("timer", [100, 101]);
  assert.deepEqual([first, second], [0.6, 1]);
});

test("what never changes is in the middle, but 0 is at the bottom", () => {
  assert.deepEqual(heights("gauge", [7, 7]), [0.5, 0.5]);
  assert.deepEqual(heights("gauge", [0, 0]), [0, 0]);
  assert.deepEqual(heights("counter", [0, null, 0]), [0, 0, 0]);
});

test("nothing at all has no shape; a gap at the end has no dot", () => {
  assert.deepEqual(sparklineShape("gauge", [null, null]), { runs: [], last: null });
  assert.equal(sparklineShape("gauge", [1, null]).last, null);
});
