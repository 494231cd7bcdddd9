// What a plot draws, computed from what /data/plot answers: lines and bands, no canvas here.

import { label } from "./metrics.js";

const PERCENTILES = ["p50", "p95", "p99"];
const PALETTE = 8;
const MOST_LINES = 40;

/** Return whether the metric's series are drawn one by one; `split` in the state overrides. */
export function isSplit(metric, state) {
  if (metric.series.length < 2) return false;
  if (state.split) return state.split === "each";
  return metric.kind !== "timer" && metric.series.length <= 12;
}

/** Return {times, lines, bands, unit, stepped}: a line is {label, values, color, ghost}, a band is
 * [index of the upper line, index of the lower one, color]. */
export function lines(metric, answer, state, now) {
  const each = isSplit(metric, state);
  const context = { ...answer, now };
  const drawn = each
    ? overlaid(metric, context, state)
    : KINDS[metric.kind](metric.series.length === 1 ? answer.series[0] : answer.merged, context, state, metric);
  if (state.log && metric.kind !== "counter") drawn.lines.forEach(positive);
  return { times: answer.times, bands: [], stepped: stepped(metric, state), ...drawn };
}

const stepped = (metric, state) => metric.kind === "counter" && state.mode === "interval";

const KINDS = {
  counter: (data, context, state) => ({
    lines: [{ label: countLabel(state), values: counted(data, context, state), color: "--counter", area: true }],
  }),
  timer: (data) => ({
    lines: [
      { label: "max", values: data.max, color: "--band-line", ghost: true },
      { label: "p99", values: data.p99, color: "--p99" },
      { label: "p95", values: data.p95, color: "--p95" },
      { label: "p50", values: data.p50, color: "--p50" },
      { label: "min", values: data.min, color: "--band-line", ghost: true },
    ],
    bands: [[1, 5, "--timer-area"]],
  }),
  gauge: (data, _context, _state, metric) => ({
    lines: [
      { label: "max", values: data.max, color: "--band-line", ghost: true },
      metric.series.length === 1
        ? { label: "last", values: data.last, color: "--gauge" }
        : { label: "mean", values: means(data), color: "--gauge" },
      { label: "min", values: data.min, color: "--band-line", ghost: true },
    ],
    bands: [[1, 3, "--gauge-area"]],
  }),
};

function overlaid(metric, context, state) {
  const known = new Map(metric.series.map((one) => [one.id, one]));
  const values = {
    counter: (data) => counted(data, context, state),
    timer: (data) => (PERCENTILES.includes(state.stat) ? data[state.stat] : data.max),
    gauge: (data) => data.last,
  }[metric.kind];
  return {
    left: Math.max(0, context.series.length - MOST_LINES),
    lines: context.series
      .filter((data) => known.has(data.id))
      .map((data) => ({ data, label: label(known.get(data.id)) }))
      .sort((a, b) => a.label.localeCompare(b.label, "en", { numeric: true }))
      .slice(0, MOST_LINES)
      .map(({ data, label: name }, index) => ({
        label: name,
        values: values(data),
        color: `--line-${(index % PALETTE) + 1}`,
      })),
  };
}

const countLabel = (state) => (state.mode === "interval" ? "count" : "rate");

/** Return a counter's values: sums, or sums by seconds. Once it has begun to count, no increment
 * is 0, and not a gap. The newest bucket is divided by what has passed of it. */
function counted(data, { times, resolution, now }, state) {
  let begun = false;
  return data.sum.map((sum, index) => {
    begun ||= sum !== null;
    if (!begun || times[index] >= now) return null;
    if (state.mode === "interval") return sum ?? 0;
    return (sum ?? 0) / Math.max(1e-9, Math.min(resolution, now - times[index]));
  });
}

export const means = (data) =>
  data.sum.map((sum, index) => (data.count[index] ? sum / data.count[index] : null));

/** A logarithmic scale has no place for what is 0 or less. */
function positive(line) {
  line.values = line.values.map((value) => (value > 0 ? value : null));
}
