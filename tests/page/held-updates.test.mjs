import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { HeldUpdates } from "../../zibrato/store/web/static/held-updates.js";

let updates, applied;
const tell = (...numbers) => numbers.forEach((number) => updates.apply(number, () => applied.push(number)));
beforeEach(() => {
  updates = new HeldUpdates();
  applied = [];
});

test("an update is applied at once where nothing is on its way", () => {
  tell(1, 3, 2);
  assert.deepEqual(applied, [1, 3, 2]);
});

test("what comes while the whole is on its way is applied after it, but for what it contains", () => {
  const isNewest = updates.hold();
  tell(4, 5, 6, 6);
  assert.deepEqual(applied, []);
  assert.equal(isNewest(), true);
  updates.release(5);
  tell(7);
  assert.deepEqual(applied, [6, 6, 7]);
});

test("what the whole contains and the stream tells only later is not applied twice", () => {
  updates.hold();
  updates.release(5);
  tell(5, 6);
  assert.deepEqual(applied, [6]);
});

test("of two wholes on their way the newer one counts, and a daemon that begins anew counts anew", () => {
  updates.hold();
  updates.release(9);
  const isOld = updates.hold();
  tell(10);
  const isNewest = updates.hold();
  tell(1, 2);
  assert.deepEqual([isOld(), isNewest()], [false, true]);
  updates.release(1);
  assert.deepEqual(applied, [2]);
});
