import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const STATIC = new URL("../../zibrato/store/web/static/", import.meta.url);
const css = readFileSync(new URL("theme.css", STATIC), "utf8");

// {name: [light, dark]}
const THEME = Object.fromEntries(
  [...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);/g)].map(([, name, ...colors]) => [name, colors]),
);

/** Return the relative luminance of `#rrggbb`, as WCAG 2.2 defines it. */
function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const channel = parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [darker, lighter] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (lighter + 0.05) / (darker + 0.05);
}

/** Assert that each colour has a contrast of `least` on each background, in both themes. */
function stands(names, backgrounds, least) {
  const poor = [];
  for (const name of names)
    for (const background of backgrounds)
      for (const theme of [0, 1]) {
        const ratio = contrast(THEME[name][theme], THEME[background][theme]);
        if (ratio < least) poor.push(`${name} on ${background}, ${["light", "dark"][theme]}: ${ratio.toFixed(2)}`);
      }
  assert.deepEqual(poor, []);
}

const ROWS = ["surface", "hover", "chosen"];

test("contrast is what WCAG says", () => {
  assert.equal(contrast("#000000", "#ffffff"), 21);
  assert.equal(contrast("#777777", "#ffffff").toFixed(2), "4.48");
});

test("text can be read wherever it stands", () => {
  stands(["ink", "muted", "faint"], ["bg", "raised", ...ROWS], 4.5);
  stands(["accent", "warn", "bad"], ["bg", ...ROWS], 4.5);
});

test("series and what bounds them can be seen on a plot", () => {
  const numbered = Array.from({ length: 8 }, (_, index) => `series-${index + 1}`);
  stands(["band-edge", "p50", "p95", "p99", "marker", ...numbered], ["bg"], 3);
});

test("kinds can be seen on a plot, in a row and on a card", () => {
  stands(["counter", "timer", "gauge"], ["bg", ...ROWS], 3);
});

test("states can be seen in the header and in the health view", () => {
  stands(["good", "warn", "bad"], ["bg", "surface"], 3);
});

test("every colour that is used is defined, and every one that is defined is used", () => {
  const files = readdirSync(STATIC).filter((name) => /\.(js|css)$/.test(name) && name !== "theme.css");
  const text = files.map((name) => readFileSync(new URL(name, STATIC), "utf8")).join("\n");
  const defined = [...css.matchAll(/^ {2}--([\w-]+):/gm)].map(([, name]) => name);
  const generated = (name) => /^series-\d$/.test(name); // `--series-${number}`
  const areas = (name) => /^(counter|timer|gauge)(-area)?$/.test(name); // `--${kind}-area`
  assert.deepEqual(defined.filter((name) => !text.includes(`--${name}`) && !generated(name) && !areas(name)), []);
  const used = new Set([...text.matchAll(/var\(--([\w-]+)\)|"--([\w-]+)"/g)].map(([, a, b]) => a ?? b));
  // Heights and widths, an option of the daemon.
  for (const other of ["row", "spark", "name", "source", "socket"]) used.delete(other);
  assert.deepEqual([...used].filter((name) => !defined.includes(name)), []);
});
