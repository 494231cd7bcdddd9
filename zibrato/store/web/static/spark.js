// A sparkline on a canvas of its own: one path, an area below it, a dot at the newest value.

import { color, sized } from "./dom.js";

let colors = {};

/** Read the theme's colours anew; once per change of theme, not once per sparkline. */
export function recolor() {
  colors = Object.fromEntries(
    ["counter", "timer", "gauge"].map((kind) => [
      kind,
      { line: color(`--${kind}`), area: color(`--${kind}-area`) },
    ]),
  );
}

/** Draw `values`, oldest first, null where there is none; counters count 0 there. */
export function spark(canvas, kind, values, width, height) {
  const context = sized(canvas, width, height);
  const began = values.findIndex((value) => value !== null);
  if (began < 0) return;
  const shown = kind === "counter" ? values.map((value, i) => (i < began ? null : (value ?? 0))) : values;
  const known = shown.filter((value) => value !== null);
  const high = Math.max(...known);
  const least = Math.min(...known);
  const low = kind === "gauge" ? least : Math.max(Math.min(0, least), least - 1.5 * (high - least)); // calm where it is steady
  const x = (index) => 2 + (index * (width - 6)) / Math.max(1, values.length - 1);
  const y = (value) => (high === low ? height / 2 : height - 3 - ((value - low) / (high - low)) * (height - 6));
  const { line, area } = colors[kind] ?? colors.gauge;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.lineCap = "round";
  for (const run of runs(shown)) {
    context.beginPath();
    run.forEach(([index, value], i) => context[i ? "lineTo" : "moveTo"](x(index), y(value)));
    context.strokeStyle = context.fillStyle = line;
    if (run.length === 1) {
      context.arc(x(run[0][0]), y(run[0][1]), 1.4, 0, 7);
      context.fill();
      continue;
    }
    context.stroke();
    context.lineTo(x(run.at(-1)[0]), height);
    context.lineTo(x(run[0][0]), height);
    context.fillStyle = area;
    context.fill();
  }
  const last = shown.at(-1);
  if (last === null) return;
  context.beginPath();
  context.arc(x(shown.length - 1), y(last), 2.2, 0, 7);
  context.fillStyle = line;
  context.fill();
}

/** Return the stretches without a gap, as lists of [index, value]. */
function runs(values) {
  const found = [];
  let run = null;
  values.forEach((value, index) => {
    if (value === null) run = null;
    else if (run) run.push([index, value]);
    else found.push((run = [[index, value]]));
  });
  return found;
}
