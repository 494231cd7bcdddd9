import assert from "node:assert/strict";
import { test } from "node:test";

import { noSuchMetric, reachable, snippet } from "../../zibrato/store/web/static/notices.js";

test("a metric that filters hide is told from one that is not there", () => {
  const metric = { kind: "gauge", name: "depth" };
  assert.match(noSuchMetric(metric, true), /gauge “depth” passes these filters/);
  assert.match(noSuchMetric(metric, false), /has no gauge “depth”/);
});

test("an address of all interfaces is that of the page's host", () => {
  const addresses = ["ipc:///run/z", "tcp://0.0.0.0:5550", "tcp://[::]:1", "tcp://*:2", "tcp://10.0.0.1:3", "inproc://x"];
  const expected = ["ipc:///run/z", "tcp://box:5550", "tcp://box:1", "tcp://box:2", "tcp://10.0.0.1:3"];
  assert.deepEqual(reachable(addresses, "box"), expected);
});

test("the snippet names the daemon's address", () => {
  assert.match(snippet("ipc:///run/a b"), /^z = Zibrato\("ipc:\/\/\/run\/a b"\)$/m);
  assert.match(snippet(null), /^z = Zibrato\(\)$/m);
});
