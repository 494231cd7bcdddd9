import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.addEventListener = () => {}; // the colours follow the theme

const { summaryText } = await import("../../zibrato/store/web/static/legend.js");

test("the legend says which series are shown", () => {
  assert.equal(summaryText(12, 0, 0), "All 12 series are shown");
  assert.equal(summaryText(12, 3, 0), "9 of 12 series are shown");
  assert.equal(summaryText(40, 0, 9), "40 of 49 series are shown; 9 are left out: choose a source or tag, or Merged");
});
