// The legend below a plot: a button for each line, with its value under the pointer.

import { color, h, text } from "./dom.js";
import { inUnit } from "./format.js";

export class Legend {
  /** `toggle(index, shown)` is called when a line is to be hidden or shown. */
  constructor(root, toggle) {
    this.root = root;
    this.toggle = toggle;
    this.hidden = new Set();
    addEventListener("theme", () => this.paint());
  }

  /** Show what lines() returned; the hidden lines stay hidden. */
  show(drawn, unit) {
    this.unit = unit;
    const labels = drawn.lines.map((line) => line.label).join("\n");
    this.lines = drawn.lines;
    if (labels !== this.labels) {
      this.labels = labels;
      this.buttons = drawn.lines.map((line, index) => this.button(line, index));
      this.root.replaceChildren(...this.buttons);
      this.paint();
    }
    this.lines.forEach((line, index) => this.hidden.has(line.label) && this.toggle(index, false));
    this.values(null);
  }

  button(line, index) {
    const made = h(
      "button",
      { type: "button", "aria-pressed": String(!this.hidden.has(line.label)), title: `Show or hide ${line.label}` },
      h("i", { "aria-hidden": "true" }),
      h("span", {}, line.label),
      h("b", {}, "–"),
    );
    made.addEventListener("click", () => {
      const shown = this.hidden.delete(line.label);
      if (!shown) this.hidden.add(line.label);
      made.setAttribute("aria-pressed", String(shown));
      this.toggle(index, shown);
    });
    return made;
  }

  paint() {
    this.buttons?.forEach((button, index) => {
      button.firstChild.style.background = color(this.lines[index].color);
    });
  }

  /** Show the values at `index` of the times, or the newest ones where it is null. */
  values(index) {
    this.lines.forEach(({ values }, line) => {
      const value = index === null ? values.findLast((each) => each !== null) : values[index];
      text(this.buttons[line].lastChild, inUnit(this.unit, value));
    });
  }
}
