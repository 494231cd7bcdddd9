// The figures above a plot: what the whole time range comes to.

import { h } from "./dom.js";
import { baseUnit, inUnit, rateUnit, whole } from "./format.js";
import { means } from "./plot-series.js";

const present = (values) => values.filter((value) => value !== null && value !== undefined);
const sum = (values) => present(values).reduce((total, value) => total + value, 0);
const maximum = (values) => present(values).reduce((a, b) => (a === null ? b : Math.max(a, b)), null);
const minimum = (values) => present(values).reduce((a, b) => (a === null ? b : Math.min(a, b)), null);
const newest = (values) => present(values).at(-1) ?? null;

/** Return [name, text] for each figure. `percentiles` are the range's own, of rangePercentiles(). */
export function figures(kind, unit, answer, percentiles, range) {
  if (kind === "counter") return counterFigures(answer.merged, answer, range, unit);
  const show = (value) => inUnit(unit, value);
  return kind === "timer"
    ? timerFigures(answer.merged, percentiles, show, unit === "seconds" ? "Timings" : "Measurements")
    : gaugeFigures(answer.merged, answer.series, show);
}

function mean(data) {
  const count = sum(data.count);
  return count ? sum(data.sum) / count : null;
}

function timerFigures(data, percentiles, show, counted) {
  const about = percentiles?.exact === false ? "≈ " : "";
  return [
    ...["p50", "p95", "p99"].map((name) => [name, about + show(percentiles?.[name])]),
    ["Max", show(maximum(data.max))],
    ["Mean", show(mean(data))],
    [counted, whole(sum(data.count))],
  ];
}

function gaugeFigures(data, series, show) {
  return [
    series.length === 1 ? ["Last", show(newest(series[0].last))] : ["Last mean", show(newest(means(data)))],
    ["Min", show(minimum(data.min))],
    ["Mean", show(mean(data))],
    ["Max", show(maximum(data.max))],
    ["Readings", whole(sum(data.count))],
  ];
}

/** A counter's mean rate is over the time since its first increment in the range, a running total's
 * over the time between readings. */
function counterFigures(data, { times, resolution, running }, range, unit) {
  const first = times.find((_, index) => data.sum[index] !== null);
  const since = first === undefined ? 0 : range.end - Math.max(first, range.start);
  const seconds = running ? present(data.sum).length * resolution : since;
  const total = sum(data.sum);
  const peak = maximum(data.sum);
  const perSecond = (value) => inUnit(rateUnit(unit), value);
  const isShort = baseUnit(unit) === "number" && total < 1e7; // then it is written in full
  return [
    ["Total", first === undefined ? "–" : isShort ? unit.replace("number", whole(total)) : inUnit(unit, total)],
    ["Mean rate", perSecond(seconds > 0 ? total / seconds : null)],
    ["Peak rate", perSecond(peak === null ? null : peak / resolution)],
    [running ? "Readings" : "Increments", whole(sum(data.count))],
  ];
}

/** Fill `list`, a dl, in place: figures change, their places don't. */
export function showFigures(list, pairs) {
  while (list.children.length > pairs.length) list.lastChild.remove();
  pairs.forEach(([name, value], index) => {
    const item = list.children[index] ?? list.appendChild(h("div", {}, h("dt"), h("dd")));
    item.firstChild.textContent = name;
    item.lastChild.textContent = value;
  });
}
