// Annotations: a line where something happened, a shade while it lasted, and a list in words.

import { color } from "./colors.js";
import { h } from "./dom.js";
import { timeText } from "./times.js";

/** Draw what /data/annotations answers, below a plot's series. */
export function drawAnnotations(plot, annotations) {
  const { ctx: context } = plot;
  const { left, top, width, height } = plot.bbox;
  const ratio = devicePixelRatio || 1;
  context.save();
  context.beginPath();
  context.rect(left, top - 14 * ratio, width, height + 14 * ratio);
  context.clip();
  for (const annotation of annotations) {
    const x = Math.round(plot.valToPos(annotation.start, "x", true));
    const end = annotation.end ? Math.round(plot.valToPos(annotation.end, "x", true)) : x;
    if (end > x) {
      context.fillStyle = color("--marker-area");
      context.fillRect(x, top, end - x, height);
    }
    context.strokeStyle = context.fillStyle = color("--marker");
    context.lineWidth = ratio;
    context.setLineDash([4 * ratio, 3 * ratio]);
    context.beginPath();
    context.moveTo(x + 0.5, top);
    context.lineTo(x + 0.5, top + height);
    context.stroke();
    context.setLineDash([]);
    flag(context, x, top, ratio);
  }
  titles(plot, annotations, ratio);
  context.restore();
}

function flag(context, x, top, ratio) {
  context.beginPath();
  context.moveTo(x - 5 * ratio, top - 9 * ratio);
  context.lineTo(x + 5 * ratio, top - 9 * ratio);
  context.lineTo(x, top - 1 * ratio);
  context.fill();
}

/** Write each title beside its flag, where there is room before the next annotation. */
function titles({ ctx: context, bbox, valToPos }, annotations, ratio) {
  context.font = `${11 * ratio}px Inter, system-ui, sans-serif`;
  context.textAlign = "left";
  const sorted = [...annotations].sort((a, b) => a.start - b.start);
  sorted.forEach((annotation, index) => {
    const x = valToPos(annotation.start, "x", true) + 9 * ratio;
    const next = sorted[index + 1];
    const room = (next ? valToPos(next.start, "x", true) : bbox.left + bbox.width) - x - 8 * ratio;
    const title = annotation.title || annotation.stream;
    if (context.measureText(title).width <= room) context.fillText(title, x, bbox.top - 1 * ratio);
  });
}

/** Return the annotations of the range as a list, newest first, or null where there is none. */
export function annotationList(annotations) {
  if (!annotations.length) return null;
  const newest = [...annotations].sort((a, b) => b.start - a.start).slice(0, 50);
  return h(
    "div",
    { className: "marks" },
    h("h3", {}, "Annotations"),
    h(
      "ol",
      {},
      ...newest.map((annotation) =>
        h(
          "li",
          {},
          h("time", {}, timeText(annotation.start)),
          h("b", {}, annotation.title || annotation.stream),
          h("span", {}, [annotation.stream, annotation.source, annotation.description].filter(Boolean).join(" · ")),
        ),
      ),
    ),
  );
}
