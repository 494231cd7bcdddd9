import assert from "node:assert/strict";
import { test } from "node:test";

import { format, parse } from "../../zibrato/store/web/static/route.js";

test("an empty fragment is the list", () => {
  for (const fragment of ["", "#", "#/"]) {
    const state = parse(fragment);
    assert.equal(state.view, "list");
    assert.equal(state.range, ""); // one that fits the age of the data
    assert.equal(format(state), "#/");
  }
});

test("what is formatted is parsed again", () => {
  const state = {
    ...parse(""),
    view: "plot",
    kind: "timer",
    name: "GET /users?q=50% ü#1",
    q: "a b&c=d",
    tag: "region=eu+1",
    range: "300",
    split: "each",
    log: "1",
  };
  assert.deepEqual(parse(format(state)), state);
});

test("a fragment holds what differs from the defaults only", () => {
  assert.equal(format({ ...parse(""), sort: "name", range: "" }), "#/");
  assert.equal(format(parse("#/plot/gauge/depth?mode=rate&range=86400")), "#/plot/gauge/depth?range=86400");
  assert.equal(format(parse("#/health?own=1")), "#/health?own=1");
});

test("a name may hold slashes, and a stray percent sign", () => {
  assert.equal(parse("#/plot/counter/a/b/c").name, "a/b/c");
  assert.equal(parse("#/plot/counter/100%").name, "100%");
});

test("what is unknown is left out", () => {
  assert.equal(parse("#/nix/da").view, "list");
  assert.equal(parse("#/plot/gauge").view, "list"); // no name
  assert.deepEqual(parse("#/?view=plot&nix=1"), parse(""));
});
