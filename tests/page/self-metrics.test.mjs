import assert from "node:assert/strict";
import { test } from "node:test";

import { backendCounts, lossCounts, LOSSES, lossWords, reasons } from "../../zibrato/store/web/static/self-metrics.js";

const series = (name, total, tags = {}, last = null) => ({ name, tags, total, last });
const LIST = [
  series("zibrato.intake.received", 1000),
  series("zibrato.intake.rejected", 3, { reason: "nan" }),
  series("zibrato.intake.rejected", 0, { reason: "malformed" }),
  series("zibrato.intake.dropped", 5, { reason: "max_series" }),
  series("zibrato.intake.timestamp_clamped", 70),
  series("zibrato.intake.filtered", 80),
  series("zibrato.client.dropped", 7),
  series("zibrato.backend.dropped", 11, { backend: "librato", reason: "rejected" }),
  series("zibrato.backend.dropped", 2, { backend: "librato", reason: "outbox_full" }),
  series("zibrato.backend.delivered", 40, { backend: "store" }),
  series("zibrato.backend.delivered", 30, { backend: "librato" }),
  series("zibrato.backend.retried", 6, { backend: "librato" }),
  series("zibrato.outbox.accepted", 43, { backend: "librato" }),
  series("zibrato.outbox.snapshots", 0, { backend: "librato" }, 4),
];

test("rejected and dropped are counted, and nothing else", () => {
  assert.deepEqual(lossCounts(LIST), { rejected: 3, dropped: 5 + 7 + 11 + 2 });
  assert.deepEqual(lossCounts([]), { rejected: 0, dropped: 0 });
});

test("there is no third word for a loss", () => {
  assert.deepEqual([...new Set(LOSSES.map(([, fate]) => fate))].sort(), ["dropped", "rejected"]);
  for (const [name, fate] of LOSSES) assert.ok(name.endsWith(`.${fate}`), name);
});

test("a loss is told in words, and none in none", () => {
  const words = (rejected, dropped) => lossWords({ rejected, dropped }, String);
  assert.equal(words(3, 25), "3 rejected and 25 dropped");
  assert.equal(words(0, 25), "25 dropped");
  assert.equal(words(3, 0), "3 rejected");
  assert.equal(words(0, 0), null);
});

test("reasons are those that counted anything, with the backend", () => {
  assert.deepEqual(reasons(LIST, "zibrato.intake.rejected"), [["nan", 3]]);
  assert.deepEqual(reasons(LIST, "zibrato.client.dropped"), [["unknown", 7]]);
  assert.deepEqual(reasons(LIST, "zibrato.backend.dropped"), [["rejected (librato)", 11], ["outbox_full (librato)", 2]]);
});

test("each backend has its counts", () => {
  assert.deepEqual(backendCounts(LIST), [
    ["librato", { accepted: 43, delivered: 30, retried: 6, dropped: 13, waiting: 4 }],
    ["store", { accepted: 0, delivered: 40, retried: 0, dropped: 0, waiting: 0 }],
  ]);
});
