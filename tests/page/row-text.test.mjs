// What the rows say, and how many letters the columns need for it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ColumnLetters, nameText, sourceText } from "../../zibrato/store/web/static/row-text.js";

const row = (name, sources, { tags = {}, about = {} } = {}) => ({
  key: name,
  name,
  about,
  series: sources.map((source) => ({ source, tags })),
});

test("a name is its namespace and its own part", () => {
  assert.deepEqual(nameText(row("shop.cart.size", ["a"])), { space: "shop.cart.", own: "size", tags: "" });
  assert.deepEqual(nameText(row("size", ["a"], { tags: { region: "eu" } })), { space: "", own: "size", tags: "region=eu" });
});

test("tags of several series differ, and are left out", () => {
  assert.equal(nameText(row("size", ["a", "b"], { tags: { region: "eu" } })).tags, "");
});

test("what a person called the metric stands in place of its name", () => {
  const about = { display_name: "Waiting jobs" };
  assert.deepEqual(nameText(row("q.depth", ["a"], { about })), { space: "", own: "Waiting jobs", tags: "q.depth" });
});

test("the first source, and how many others", () => {
  assert.deepEqual(sourceText(row("c", ["b", "a", "b"])), { names: ["a", "b"], first: "a", others: "+1" });
  assert.deepEqual(sourceText(row("c", [""])), { names: [""], first: "–", others: "" });
});

test("columns are as wide as their longest text", () => {
  const rows = [row("shop.cart.size", ["a"]), row("size", ["web-1", "web-2"])];
  const lettersOf = (rows) => new ColumnLetters().of(rows);
  assert.deepEqual(lettersOf(rows), { name: 14, source: 8 });
  assert.deepEqual(lettersOf([]), { name: 0, source: 0 });
  assert.equal(lettersOf([row("size", ["a"], { tags: { region: "eu" } })]).name, 4 + 9);
  assert.equal(lettersOf([row("q", ["a"], { about: { display_name: "注文数" } })]).name, 6 + 2);
});

test("a row is measured again only if its texts may have changed", () => {
  const letters = new ColumnLetters();
  const about = {};
  let looks = 0;
  const looked = (sources, of = about) => ({
    key: "counter size",
    about: of,
    series: sources.map((source, id) => ({ source, id })),
    get name() {
      looks += 1;
      return "size";
    },
  });
  for (let interval = 0; interval < 3; interval += 1) letters.of([looked(["a"])]);
  assert.equal(looks, 1);
  assert.deepEqual(letters.of([looked(["a", "web-1"])]), { name: 4, source: 4 });
  assert.equal(letters.of([looked(["a", "web-1"], { display_name: "The size" })]).name, 8 + 5);
  assert.equal(letters.of([looked(["a"])]).name, 8 + 5);
});
