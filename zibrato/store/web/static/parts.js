// The elements of a metric's panel, which stay as they are while what they show changes.

import { h } from "./dom.js";

/** Return the parts by name, and in `all` what the panel holds, in order; `on` has close() and
 * reset(). */
export function panelParts(on) {
  const part = (tag, className, properties) => h(tag, { className, ...properties });
  const parts = {
    title: h("h2"),
    about: part("p", "about"),
    close: part("button", "button icon", { type: "button", "aria-label": "Close the plot", title: "Close (Esc)" }),
    controls: part("div", "controls"),
    reset: part("button", "chip", { type: "button", disabled: true, title: "Back to the newest (0)" }),
    stats: part("dl", "stats"),
    when: part("p", "when"),
    chart: part("div", "chart", { role: "img" }),
    legend: part("div", "legend", { role: "group", "aria-label": "Lines" }),
    caption: part("span", "caption"),
    heat: part("div", "heat", { role: "img", "aria-label": "Heat map of the timings" }),
    marks: h("div"),
  };
  parts.close.textContent = "✕";
  parts.reset.textContent = "Reset zoom";
  parts.close.addEventListener("click", on.close);
  parts.reset.addEventListener("click", on.reset);
  const heading = h("h3", {}, "Distribution", parts.caption);
  parts.distribution = h("div", { className: "distribution", hidden: true }, heading, parts.heat);
  parts.all = [
    h("header", {}, h("div", {}, parts.title, parts.about), parts.close),
    h("div", { className: "bar" }, parts.controls, parts.reset),
    parts.stats,
    parts.when,
    parts.chart,
    parts.legend,
    parts.distribution,
    parts.marks,
  ];
  return parts;
}
