import assert from "node:assert/strict";
import { test } from "node:test";

import { acknowledge, readAcknowledged, unacknowledged } from "../../zibrato/store/web/static/acknowledged.js";

function storage() {
  const items = new Map();
  return { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value) };
}

test("what was acknowledged is told no more, what came after it is", () => {
  const kept = storage();
  assert.equal(readAcknowledged(kept), null);
  acknowledge({ rejected: 3, dropped: 10 }, 1000, kept);
  const since = (counts, started) => unacknowledged(counts, started, readAcknowledged(kept));
  assert.deepEqual(since({ rejected: 3, dropped: 10 }, 1000), { rejected: 0, dropped: 0 });
  assert.deepEqual(since({ rejected: 4, dropped: 10 }, 1000), { rejected: 1, dropped: 0 });
});

test("a daemon that was started again counts anew", () => {
  const kept = storage();
  acknowledge({ rejected: 3, dropped: 10 }, 1000, kept);
  assert.deepEqual(unacknowledged({ rejected: 1, dropped: 0 }, 2000, readAcknowledged(kept)), { rejected: 1, dropped: 0 });
});

test("storage that is off or holds nonsense acknowledges nothing", () => {
  const off = { getItem: () => { throw new Error("off"); }, setItem: () => { throw new Error("off"); } };
  acknowledge({ rejected: 1, dropped: 1 }, 1000, off);
  assert.equal(readAcknowledged(off), null);
  assert.equal(readAcknowledged({ getItem: () => "{" }), null);
  assert.deepEqual(unacknowledged({ rejected: 1, dropped: 1 }, 1000, null), { rejected: 1, dropped: 1 });
});
