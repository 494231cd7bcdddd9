// The controls above a plot. Each is a group of buttons of which one is pressed.

import { h } from "./dom.js";
import { isSplit } from "./lines.js";
import { RANGES } from "./times.js";

/** Return the groups that a metric needs, as [name, [[value, label, title]…], chosen value]. */
export function groups(metric, state) {
  const split = isSplit(metric, state);
  const found = [
    ["range", RANGES.map(([seconds, short, long]) => [String(seconds), short, long]), state.from ? "" : state.range],
  ];
  if (metric.kind === "counter")
    found.push(["mode", [["rate", "Rate", "A second"], ["interval", "Count", "In each interval"]], state.mode]);
  if (metric.series.length > 1)
    found.push([
      "split",
      [["merged", "Merged", "All sources as one"], ["each", "Each", "A line for each source"]],
      split ? "each" : "merged",
    ]);
  if (metric.kind === "timer" && split)
    found.push(["stat", ["p50", "p95", "p99", "max"].map((name) => [name, name, name]), state.stat]);
  if (metric.kind !== "counter")
    found.push(["log", [["", "Linear", "Linear scale"], ["1", "Log", "Logarithmic scale"]], state.log]);
  return found;
}

const NAMES = { range: "Range", mode: "Values", split: "Sources", stat: "Percentile", log: "Scale" };

/** Make `root` hold these groups; `choose({name: value})` is called when a button is pressed. */
export function showControls(root, wanted, choose) {
  const shape = JSON.stringify(wanted.map(([name, options]) => [name, options.length]));
  if (root.dataset.shape !== shape) {
    root.dataset.shape = shape;
    root.replaceChildren(...wanted.map((group) => made(group, choose)));
  }
  wanted.forEach(([, , chosen], index) => {
    for (const button of root.children[index].children)
      button.setAttribute("aria-pressed", String(button.dataset.value === chosen));
  });
}

function made([name, options], choose) {
  const buttons = options.map(([value, label, title]) => {
    const button = h("button", { type: "button", title, dataset: { value } }, label);
    button.addEventListener("click", () =>
      choose(name === "range" ? { range: value, from: "", to: "" } : { [name]: value }),
    );
    return button;
  });
  return h("div", { className: "segments", role: "group", "aria-label": NAMES[name], dataset: { group: name } }, ...buttons);
}
