import assert from "node:assert/strict";
import { test } from "node:test";

import { cellAt, gradient, heatCells, shadeOf } from "../../zibrato/store/web/static/heat-cells.js";

const heat = heatCells([100, 110, 120], 10, { bounds: [1, 2, 4], counts: [[3, 0], null, [0, 7]] });

test("the cells are those that hold something", () => {
  assert.deepEqual(heat.cells, [
    { time: 100, low: 1, high: 2, count: 3 },
    { time: 120, low: 2, high: 4, count: 7 },
  ]);
  assert.equal(heat.maximum, 7);
  assert.deepEqual(heat.range, [1 / 1.15, 4 * 1.15]);
});

test("no cells still have a scale", () => {
  const empty = heatCells([100], 10, { bounds: [], counts: [null] });
  assert.deepEqual([empty.cells, empty.maximum, empty.range], [[], 0, [1e-3, 1]]);
});

test("edges are above 0, and one more than the buckets", () => {
  assert.deepEqual(heatCells([0], 10, { bounds: [0, 2, 4], counts: [[1, 1]] }).cells.map(({ low }) => low), [1, 2]);
  assert.deepEqual(heatCells([0], 10, { bounds: [2, 4, 8], counts: [[1, 1, 1]] }).cells.map(({ low }) => low), [1, 2, 4]);
});

test("a cell is found around its time, from its lower edge up to the upper one", () => {
  assert.equal(cellAt(heat, 100, 1).count, 3);
  assert.equal(cellAt(heat, 104.9, 1.99).count, 3);
  assert.equal(cellAt(heat, 95.1, 1).count, 3);
  assert.equal(cellAt(heat, 106, 1), undefined);
  assert.equal(cellAt(heat, 100, 2), undefined);
  assert.equal(cellAt(heat, 94.9, 1), undefined);
});

test("shades go by the logarithm, from the faintest to the strongest", () => {
  assert.equal(shadeOf(0, 1000, 24), 0);
  assert.equal(shadeOf(1000, 1000, 24), 23);
  assert.equal(shadeOf(31, 1000, 24), Math.round((Math.log(32) / Math.log(1001)) * 23));
});

test("a gradient goes through its stops", () => {
  const stops = ["rgb(0, 0, 0)", "rgb(100, 200, 40)", "rgb(255, 255, 255)"];
  assert.equal(gradient(stops, 0), "rgb(0 0 0)");
  assert.equal(gradient(stops, 0.25), "rgb(50 100 20)");
  assert.equal(gradient(stops, 0.5), "rgb(100 200 40)");
  assert.equal(gradient(stops, 1), "rgb(255 255 255)");
});
