// The controls above a plot: groups of buttons of which one is pressed.

import { h } from "./dom.js";
import { isSplit } from "./plot-series.js";
import { RANGES } from "./times.js";

const TITLES = { range: "Range", mode: "Values", split: "Sources", stat: "Percentile", log: "Scale" };
const MODES = [["rate", "Rate", "Per second"], ["interval", "Count", "In each interval"]];
const SPLITS = [["merged", "Merged", "All sources as one"], ["each", "Each", "A line for each source"]];
const SCALES = [["", "Linear", "Linear scale"], ["1", "Log", "Logarithmic scale"]];

/** Return the groups that a metric needs, as [name, [[value, label, title]…], chosen value]. */
export function controlGroups(metric, state) {
  const split = isSplit(metric, state);
  const ranges = RANGES.map(([seconds, short, long]) => [String(seconds), short, long]);
  const groups = [["range", ranges, state.from ? "" : state.range]];
  if (metric.kind === "counter") groups.push(["mode", MODES, state.mode]);
  if (metric.series.length > 1) groups.push(["split", SPLITS, split ? "each" : "merged"]);
  if (metric.kind === "timer" && split)
    groups.push(["stat", ["p50", "p95", "p99", "max"].map((name) => [name, name, name]), state.stat]);
  if (metric.kind !== "counter") groups.push(["log", SCALES, state.log]);
  return groups;
}

/** Make `root` hold these groups; `choose({name: value})` is called when a button is pressed. */
export function showControls(root, groups, choose) {
  const shape = JSON.stringify(groups.map(([name, options]) => [name, options.length]));
  if (root.dataset.shape !== shape) {
    root.dataset.shape = shape;
    root.replaceChildren(...groups.map((group) => buttonGroup(group, choose)));
  }
  groups.forEach(([, , chosen], index) => {
    for (const button of root.children[index].children)
      button.setAttribute("aria-pressed", String(button.dataset.value === chosen));
  });
}

function buttonGroup([name, options], choose) {
  const buttons = options.map(([value, label, title]) => {
    const button = h("button", { type: "button", title, dataset: { value } }, label);
    button.addEventListener("click", () =>
      choose(name === "range" ? { range: value, from: "", to: "" } : { [name]: value }),
    );
    return button;
  });
  return h("div", { className: "segments", role: "group", "aria-label": TITLES[name], dataset: { group: name } }, ...buttons);
}
