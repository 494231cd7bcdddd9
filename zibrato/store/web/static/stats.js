// The figures above a plot: what the whole range comes to.

import { h } from "./dom.js";
import { inUnit, rate, whole } from "./format.js";
import { means } from "./lines.js";

const known = (values) => values.filter((value) => value !== null && value !== undefined);
const sum = (values) => known(values).reduce((total, value) => total + value, 0);
const most = (values) => (known(values).length ? known(values).reduce((a, b) => Math.max(a, b)) : null);
const least = (values) => (known(values).length ? known(values).reduce((a, b) => Math.min(a, b)) : null);
const newest = (values) => known(values).at(-1) ?? null;

/** Return [label, text] for each figure. `overall` has the range's own percentiles, or null. */
export function stats(kind, unit, answer, overall, view) {
  const data = answer.merged;
  const show = (value) => inUnit(unit, value);
  const count = sum(data.count);
  const mean = count ? sum(data.sum) / count : null;
  if (kind === "counter") return counter(data, answer, view);
  if (kind === "timer")
    return [
      ...["p50", "p95", "p99"].map((name) => [name, (overall?.exact === false ? "≈ " : "") + show(overall?.[name])]),
      ["Max", show(most(data.max))],
      ["Mean", show(mean)],
      ["Timings", whole(count)],
    ];
  return [
    answer.series.length === 1
      ? ["Last", show(newest(answer.series[0].last))]
      : ["Last mean", show(newest(means(data)))],
    ["Min", show(least(data.min))],
    ["Mean", show(mean)],
    ["Max", show(most(data.max))],
    ["Readings", whole(count)],
  ];
}

function counter(data, { times, resolution }, view) {
  const first = times.find((_, index) => data.sum[index] !== null);
  const covered = first === undefined ? 0 : view.end - Math.max(first, view.start);
  const total = sum(data.sum);
  const peak = most(data.sum);
  return [
    ["Total", first === undefined ? "–" : total < 1e7 ? whole(total) : inUnit("number", total)],
    ["Mean rate", rate(covered > 0 ? total / covered : null)],
    ["Peak rate", rate(peak === null ? null : peak / resolution)],
    ["Increments", whole(sum(data.count))],
  ];
}

/** Fill `list`, a dl, in place: figures change, their places don't. */
export function showStats(list, figures) {
  while (list.children.length > figures.length) list.lastChild.remove();
  figures.forEach(([name, value], index) => {
    const item = list.children[index] ?? list.appendChild(h("div", {}, h("dt"), h("dd")));
    item.firstChild.textContent = name;
    item.lastChild.textContent = value;
  });
}
