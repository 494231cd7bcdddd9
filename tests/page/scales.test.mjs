import assert from "node:assert/strict";
import { test } from "node:test";

import { BINARY_STEPS, binarySplits, linearRange, logRange, logSplits, shortRuns, TIME_STEPS, timeLabelSpace } from "../../zibrato/store/web/static/scales.js";

test("a linear scale begins at 0, or below what is below it", () => {
  assert.deepEqual(linearRange(null, null), [0, 1]);
  assert.deepEqual(linearRange(0, 0), [0, 1]);
  assert.deepEqual(linearRange(8, 8), [0, 10]);
  assert.deepEqual(linearRange(-8, -8), [-10, 0]);
  assert.deepEqual(linearRange(50, 100), [0, 106]);
  const [low, high] = linearRange(-100, 100);
  assert.deepEqual([low, high], [-112, 112]);
});

test("a logarithmic scale takes what there is", () => {
  assert.deepEqual(logRange(12, 100), [10, 120]);
  assert.deepEqual(logRange(0, 100), [0.001, 1]);
  assert.deepEqual(logRange(null, null), [0.001, 1]);
});

test("logarithmic ticks are powers of ten, with 2 and 5 times them where there are few", () => {
  assert.deepEqual(logSplits(0.9, 12), [1, 2, 5, 10]);
  assert.deepEqual(logSplits(1, 100), [1, 2, 5, 10, 20, 50, 100]);
  assert.deepEqual(logSplits(0.5, 2000), [1, 10, 100, 1000]);
  assert.deepEqual(logSplits(0.015, 0.06), [0.02, 0.05]);
  assert.deepEqual(binarySplits(20, 2 ** 21), [32, 1024, 2 ** 15, 2 ** 20]);
  assert.deepEqual(binarySplits(0.9, 12), [1, 2, 5, 10]);
});

test("runs too short for a line are found, at the ends too", () => {
  const values = [1, null, 2, 3, null, null, 4, 5, 6, null, 7];
  assert.deepEqual(shortRuns(values, 2), [0, 10]);
  assert.deepEqual(shortRuns(values, 3), [0, 2, 3, 10]);
  assert.deepEqual(shortRuns(values, 4), [0, 2, 3, 6, 7, 8, 10]);
  assert.deepEqual(shortRuns([null, null], 2), []);
  assert.deepEqual(shortRuns([0], 2), [0]);
  assert.deepEqual(shortRuns([], 2), []);
});

/** Return how many labels a time axis has at least, of `seconds` over `width` pixels. */
function labels(seconds, width) {
  const step = TIME_STEPS.find((candidate) => (candidate * width) / seconds >= timeLabelSpace(0, seconds, width));
  return Math.floor(seconds / step);
}

test("a phone has several time labels at every range", () => {
  for (const seconds of [300, 3600, 21600, 86400, 604800, 2592000, 7776000, 31536000])
    for (const width of [244, 282, 1200]) assert.ok(labels(seconds, width) >= 2, `${seconds} s on ${width} px`);
});

test("a label with seconds needs more room than one without", () => {
  assert.equal(timeLabelSpace(0, 300, 1000), 72);
  assert.equal(timeLabelSpace(0, 3600, 1000), 56);
});

test("steps rise", () => {
  for (const steps of [TIME_STEPS, BINARY_STEPS]) assert.deepEqual(steps, [...steps].sort((a, b) => a - b));
});
