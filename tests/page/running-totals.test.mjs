import assert from "node:assert/strict";
import { test } from "node:test";

import { increments } from "../../zibrato/store/web/static/running-totals.js";

test("what was added is spread over the intervals between two readings", () => {
  const series = { id: 7, seen: 40, last: 130, rate: null, spark: [null, 100, 110, null, 130, null] };
  assert.deepEqual(increments(series, 5), {
    id: 7,
    seen: 40,
    last: 10,
    rate: 2,
    spark: [null, null, 10, 10, 10, null],
  });
});

test("a total that began anew says nothing, one that stands that nothing was added", () => {
  assert.deepEqual(increments({ spark: [9, 2, 2, 3] }, 1).spark, [null, null, 0, 1]);
  assert.deepEqual(increments({ spark: [9, 2] }, 1), { spark: [null, null], last: null, rate: null });
});
