// The legend below a plot: a button for each series, with its value under the pointer.

import { color } from "./colors.js";
import { h, text } from "./dom.js";
import { inUnit } from "./format.js";

export class Legend {
  /** `toggle(index, shown)` is called when a series is to be hidden or shown. */
  constructor(root, toggle) {
    this.root = root;
    this.toggle = toggle;
    this.hidden = new Set();
    addEventListener("theme", () => this.paint());
  }

  /** Show what plotSeries() returned; the hidden series stay hidden. */
  show(plotData, unit) {
    this.unit = unit;
    const labels = plotData.series.map(({ label }) => label).join("\n");
    this.series = plotData.series;
    if (labels !== this.labels) {
      this.labels = labels;
      this.buttons = plotData.series.map((series, index) => this.button(series.label, index));
      this.root.replaceChildren(...this.buttons);
      this.paint();
    }
    this.series.forEach(({ label }, index) => this.hidden.has(label) && this.toggle(index, false));
    this.values(null);
  }

  button(label, index) {
    const button = h(
      "button",
      { type: "button", "aria-pressed": String(!this.hidden.has(label)), title: `Show or hide ${label}` },
      h("i", { "aria-hidden": "true" }),
      h("span", {}, label),
      h("b", {}, "–"),
    );
    button.addEventListener("click", () => {
      const shown = this.hidden.delete(label);
      if (!shown) this.hidden.add(label);
      button.setAttribute("aria-pressed", String(shown));
      this.toggle(index, shown);
    });
    return button;
  }

  paint() {
    this.buttons?.forEach((button, index) => {
      button.firstChild.style.background = color(this.series[index].color);
    });
  }

  /** Show the values at `index` of the times, or the newest ones where it is null. */
  values(index) {
    this.series.forEach(({ values }, series) => {
      const shown = index === null ? values.findLast((value) => value !== null) : values[index];
      text(this.buttons[series].lastChild, inUnit(this.unit, shown));
    });
  }
}
