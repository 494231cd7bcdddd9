import assert from "node:assert/strict";
import { test } from "node:test";

import { noSuchMetric } from "../../zibrato/store/web/static/notices.js";

test("a metric that filters hide is told from one that is not there", () => {
  const metric = { kind: "gauge", name: "depth" };
  assert.match(noSuchMetric(metric, true), /gauge “depth” passes these filters/);
  assert.match(noSuchMetric(metric, false), /has no gauge “depth”/);
});
