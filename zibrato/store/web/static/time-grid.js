// The grid of times that a plot is drawn on: steps of a whole number of intervals.

const STORED_STEPS = [3600, 900, 60]; // the resolutions that the store keeps, in seconds
const COLUMNS = ["count", "sum", "min", "max", "last", "p50", "p95", "p99"];

/** Return {start, end, points}: the time range widened to whole steps, and how many steps it has, at
 * most about `maxPoints`. A step is a whole number of intervals: one of one and a half would hold
 * one or two of them in turn, and look like a wave. */
export function alignedRange({ start, end }, maxPoints, interval) {
  const shortestStep = (end - start) / maxPoints;
  const unit = STORED_STEPS.find((step) => shortestStep > step) ?? interval;
  const step = Math.max(1, Math.ceil(shortestStep / unit) * unit);
  const first = Math.floor(start / step) * step;
  const last = Math.max(first + step, Math.ceil(end / step) * step);
  return { start: first, end: last, points: Math.round((last - first) / step) };
}

/** Return the answer of /data/plot with a point for every step of `interval` or more, null where
 * nothing was measured: what is missing becomes a gap, or a counter's 0, and not a line across. */
export function withGaps(answer, interval) {
  const { times } = answer;
  const step = Math.max(answer.resolution, interval);
  const slots = times.map((time) => Math.round((time - times[0]) / step));
  const length = times.length ? slots.at(-1) + 1 : 0;
  const spread = (values) => {
    const column = Array(length).fill(null);
    slots.forEach((slot, index) => (column[slot] = values[index] ?? column[slot]));
    return column;
  };
  const spreadColumns = (data) => {
    const present = COLUMNS.filter((name) => data[name]);
    return { ...data, ...Object.fromEntries(present.map((name) => [name, spread(data[name])])) };
  };
  return {
    resolution: step,
    running: Boolean(answer.running),
    times: Array.from({ length }, (_, index) => times[0] + index * step),
    series: answer.series.map(spreadColumns),
    merged: spreadColumns(answer.merged),
    heat: answer.heat && { ...answer.heat, counts: spread(answer.heat.counts) },
  };
}
