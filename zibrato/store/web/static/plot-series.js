// Plot data: the series and bands that a plot draws, computed from the answer of /data/plot.

import { seriesLabel } from "./metrics.js";

const PERCENTILES = ["p50", "p95", "p99"];
const PALETTE_SIZE = 8;
// Once all colours are used they come again, dashed: no two series look the same.
const DASHES = [undefined, [8, 4], [2, 3], [12, 3, 2, 3], [4, 4]];
const MAX_SERIES = PALETTE_SIZE * DASHES.length;

/** Return whether the metric's series are drawn one by one; `split` in the state overrides. */
export function isSplit(metric, state) {
  if (metric.series.length < 2) return false;
  if (state.split) return state.split === "each";
  return metric.kind !== "timer" && metric.series.length <= 12;
}

/** Return as what a metric is drawn: what is known as gauges may be running totals, whose increments
 * are in the answer. */
export const drawnKind = (metric, answer) => (answer?.running ? "counter" : metric.kind);

/** Return {times, series, bands, stepped, omitted}. A series is {label, values, color}, with a `dash`
 * where another has its colour, `area` where it is filled down to 0 and `edge` where it bounds a band.
 * A band is [index of the upper series, index of the lower one, color]. `omitted` counts the series
 * beyond MAX_SERIES. */
export function plotSeries(metric, answer, state, now) {
  const context = { ...answer, now };
  const kind = drawnKind(metric, answer);
  const data = metric.series.length === 1 ? answer.series[0] : answer.merged;
  const plotData = isSplit(metric, state)
    ? separate(metric, context, state)
    : MERGED[kind](data, context, state, metric);
  if (state.log && kind !== "counter") plotData.series.forEach(dropNonPositive);
  const stepped = kind === "counter" && state.mode === "interval";
  return { times: answer.times, bands: [], omitted: 0, stepped, ...plotData };
}

const edge = (label, values) => ({ label, values, color: "--band-edge", edge: true });

// By kind, the plot data of one series, or of several merged. Columns 1 and up of a plot are its
// series (0 are the times), which is how a band counts them.
const MERGED = {
  counter: (data, context, state) => ({
    series: [{ label: counterLabel(state), values: counterValues(data, context, state), color: "--counter", area: true }],
  }),
  timer: (data) => ({
    series: [
      edge("max", data.max),
      { label: "p99", values: data.p99, color: "--p99" },
      { label: "p95", values: data.p95, color: "--p95" },
      { label: "p50", values: data.p50, color: "--p50" },
      edge("min", data.min),
    ],
    bands: [[1, 5, "--timer-area"]],
  }),
  gauge: (data, _context, _state, metric) => ({
    series: [
      edge("max", data.max),
      metric.series.length === 1
        ? { label: "last", values: data.last, color: "--gauge" }
        : { label: "mean", values: means(data), color: "--gauge" },
      edge("min", data.min),
    ],
    bands: [[1, 3, "--gauge-area"]],
  }),
};

/** Return the plot data of a metric whose series are drawn one by one, in the order of labels. */
function separate(metric, context, state) {
  const byId = new Map(metric.series.map((series) => [series.id, series]));
  const values = {
    counter: (data) => counterValues(data, context, state),
    timer: (data) => (PERCENTILES.includes(state.stat) ? data[state.stat] : data.max),
    gauge: (data) => data.last,
  }[drawnKind(metric, context)];
  const labelled = context.series
    .filter((data) => byId.has(data.id))
    .map((data) => ({ data, label: seriesLabel(byId.get(data.id)) }))
    .sort((a, b) => a.label.localeCompare(b.label, "en", { numeric: true }));
  return {
    omitted: Math.max(0, labelled.length - MAX_SERIES),
    series: labelled.slice(0, MAX_SERIES).map(({ data, label }, index) => ({
      label,
      values: values(data),
      color: `--series-${(index % PALETTE_SIZE) + 1}`,
      dash: DASHES[Math.floor(index / PALETTE_SIZE)],
    })),
  };
}

const counterLabel = (state) => (state.mode === "interval" ? "count" : "rate");

/** Return a counter's values: sums, or sums by seconds. Once it has begun to count, no increment
 * is 0, and not a gap. The newest bucket is divided by what has passed of it. Of a running total,
 * what is between two readings is known, and nothing else. */
function counterValues(data, { times, resolution, now, running }, state) {
  if (running) return data.sum.map((sum) => (sum === null || state.mode === "interval" ? sum : sum / resolution));
  let begun = false;
  return data.sum.map((sum, index) => {
    begun ||= sum !== null;
    if (!begun || times[index] >= now) return null;
    if (state.mode === "interval") return sum ?? 0;
    return (sum ?? 0) / Math.max(1e-9, Math.min(resolution, now - times[index]));
  });
}

/** Return the mean at each time, null where nothing was measured. */
export const means = (data) =>
  data.sum.map((sum, index) => (data.count[index] ? sum / data.count[index] : null));

/** A logarithmic scale has no place for what is 0 or less. */
function dropNonPositive(series) {
  series.values = series.values.map((value) => (value > 0 ? value : null));
}
