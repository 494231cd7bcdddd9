// The elements of a metric's panel, which stay as they are while what they show changes.

import { h } from "./dom.js";
import { timeZone } from "./times.js";

const KEYS = [[["←", "→"], "move"], [["+", "−"], "zoom"], [["0"], "newest"], [["?"], "all keys"]];

/** Return the elements by name, and in `all` what the panel holds, in order; `on` has close() and
 * reset(). */
export function panelElements(on) {
  const element = (tag, className, properties) => h(tag, { className, ...properties });
  const elements = {
    title: h("h2"),
    about: element("p", "about"),
    close: element("button", "button icon", { type: "button", "aria-label": "Close the plot", title: "Close (Esc)" }),
    controls: element("div", "controls"),
    reset: element("button", "chip quiet", { type: "button", disabled: true, title: "Back to the newest (0)" }),
    figures: element("dl", "stats"),
    when: element("p", "when", { title: `Times are of the time zone ${timeZone()}` }),
    chart: element("div", "chart", { role: "img", "aria-label": "Plot" }),
    legend: element("div", "legend", { role: "group", "aria-label": "Series" }),
    caption: element("span", "caption"),
    heatMap: element("div", "heat", { role: "img", "aria-label": "Heat map of the timings" }),
    annotations: h("div"),
    keys: h("p", { className: "keys" }, "Drag to zoom. ", ...KEYS.flatMap(([keys, words]) => [...keys.map((key) => h("kbd", {}, key)), ` ${words} `])),
  };
  elements.close.textContent = "✕";
  elements.reset.textContent = "Reset zoom";
  elements.close.addEventListener("click", on.close);
  elements.reset.addEventListener("click", on.reset);
  const heading = h("h3", {}, "Distribution", elements.caption);
  elements.distribution = h("div", { className: "distribution", hidden: true }, heading, elements.heatMap);
  elements.all = [
    h("header", {}, h("div", {}, elements.title, elements.about), elements.close),
    elements.controls,
    elements.figures,
    h("div", { className: "range" }, elements.when, elements.reset),
    elements.chart,
    elements.legend,
    elements.distribution,
    elements.annotations,
    elements.keys,
  ];
  return elements;
}
