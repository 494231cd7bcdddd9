// A sparkline on a canvas of its own: one path, an area below it, a dot at the newest value.

import { color } from "./colors.js";
import { clearedContext } from "./dom.js";
import { sparklineShape } from "./sparkline-shape.js";

const MARGIN = 3;
const FULL_CIRCLE = 2 * Math.PI;

/** Draw `values`, oldest first, null where there is none: counters count 0 there, unless one `hasGaps`. */
export function drawSparkline(canvas, kind, values, width, height, hasGaps) {
  const context = clearedContext(canvas, width, height);
  const { runs, last } = sparklineShape(kind, values, hasGaps);
  const x = (index) => 2 + (index * (width - 2 * MARGIN)) / Math.max(1, values.length - 1);
  const y = (part) => height - MARGIN - part * (height - 2 * MARGIN);
  const dot = (index, part, radius) => {
    context.beginPath();
    context.arc(x(index), y(part), radius, 0, FULL_CIRCLE);
    context.fillStyle = color(`--${kind}`);
    context.fill();
  };
  for (const run of runs)
    if (run.length === 1) dot(...run[0], 1.4);
    else drawRun(context, kind, run.map(([index, part]) => [x(index), y(part)]), height);
  if (last !== null) dot(values.length - 1, last, 2.2);
}

function drawRun(context, kind, points, height) {
  context.beginPath();
  for (const point of points) context.lineTo(...point); // the first one only begins the path
  context.strokeStyle = color(`--${kind}`);
  context.lineWidth = 1.5;
  context.lineJoin = context.lineCap = "round";
  context.stroke();
  context.lineTo(points.at(-1)[0], height);
  context.lineTo(points[0][0], height);
  context.fillStyle = color(`--${kind}-area`);
  context.fill();
}
