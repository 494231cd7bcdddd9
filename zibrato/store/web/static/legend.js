// The legend below a plot: a button for each series, with its value under the pointer.

import { color } from "./colors.js";
import { clearedContext, h, text } from "./dom.js";
import { inUnit } from "./format.js";

const FEW = 8; // series that are counted at a glance
const [SAMPLE_WIDTH, SAMPLE_HEIGHT] = [22, 3];

export class Legend {
  /** `on.toggle(index, shown)` is called when a series is to be hidden or shown, `on.focus(index)` when
   * it is to stand out; none is where it is null. */
  constructor(root, on) {
    this.root = root;
    this.on = on;
    this.hidden = new Set();
    this.summary = h("p", { role: "status" });
    this.all = h("button", { type: "button", className: "chip quiet" }, "Show all");
    this.all.addEventListener("click", () => this.showAll());
    this.counted = h("div", { className: "summary", hidden: true }, this.summary, this.all);
    root.before(this.counted);
    root.addEventListener("pointerleave", () => this.on.focus(null));
    addEventListener("theme", () => this.paint());
  }

  /** Show what plotSeries() returned; the hidden series stay hidden. */
  show(plotData, unit) {
    this.unit = unit;
    const labels = plotData.series.map(({ label }) => label).join("\n");
    this.series = plotData.series;
    this.omitted = plotData.omitted;
    this.isCompared = plotData.series.length > 1 && !plotData.bands.length;
    if (labels !== this.labels) {
      this.labels = labels;
      this.buttons = plotData.series.map((series, index) => this.button(series.label, index));
      this.root.replaceChildren(...this.buttons);
      this.paint();
    }
    this.series.forEach(({ label }, index) => this.hidden.has(label) && this.on.toggle(index, false));
    this.count();
    this.values(null);
  }

  button(label, index) {
    const button = h(
      "button",
      { type: "button", "aria-pressed": String(!this.hidden.has(label)), title: `Show or hide ${label}` },
      h("canvas", { "aria-hidden": "true" }),
      h("span", {}, label),
      h("b", {}, "–"),
    );
    button.addEventListener("click", () => this.set(index, this.hidden.has(label)));
    const focus = () => this.isCompared && this.on.focus(index);
    button.addEventListener("pointerenter", focus);
    button.addEventListener("focus", focus);
    return button;
  }

  /** Hide or show the series at `index`. */
  set(index, shown) {
    const { label } = this.series[index];
    if (shown) this.hidden.delete(label);
    else this.hidden.add(label);
    this.buttons[index].setAttribute("aria-pressed", String(shown));
    this.on.toggle(index, shown);
    this.count();
  }

  showAll() {
    this.series.forEach(({ label }, index) => this.hidden.has(label) && this.set(index, true));
  }

  /** Say how many of the series are shown, where that is not seen at a glance. */
  count() {
    const hidden = this.series.filter(({ label }) => this.hidden.has(label)).length;
    text(this.summary, summaryText(this.series.length, hidden, this.omitted));
    this.all.hidden = !hidden;
    this.counted.hidden = !(hidden || this.omitted || this.series.length > FEW);
  }

  /** Mark the series at `index` as the one that stands out. */
  focus(index) {
    this.buttons?.forEach((button, series) => button.classList.toggle("focused", series === index));
    if (index !== null) this.buttons?.[index]?.scrollIntoView({ block: "nearest" });
  }

  paint() {
    this.buttons?.forEach((button, index) => drawSample(button.firstChild, this.series[index]));
  }

  /** Show the values at `index` of the times, or the newest ones where it is null. */
  values(index) {
    this.series.forEach(({ values }, series) => {
      const shown = index === null ? values.findLast((value) => value !== null) : values[index];
      text(this.buttons[series].lastChild, inUnit(this.unit, shown));
    });
  }
}

/** Return how many series are shown, and where the others are. */
export function summaryText(drawn, hidden, omitted) {
  const all = drawn + omitted;
  const parts = [drawn - hidden === all ? `All ${all} series are shown` : `${drawn - hidden} of ${all} series are shown`];
  if (omitted) parts.push(`${omitted} are left out: choose a source or tag, or Merged`);
  return parts.join("; ");
}

/** Draw a line as the plot has it: a colour may be that of several, dashed in different ways. */
function drawSample(canvas, { color: name, dash }) {
  const context = clearedContext(canvas, SAMPLE_WIDTH, SAMPLE_HEIGHT);
  context.strokeStyle = color(name);
  context.lineWidth = SAMPLE_HEIGHT;
  context.setLineDash(dash ?? []);
  context.beginPath();
  context.moveTo(0, SAMPLE_HEIGHT / 2);
  context.lineTo(SAMPLE_WIDTH, SAMPLE_HEIGHT / 2);
  context.stroke();
}
