// Steps of time that fit: a whole number of intervals, and of what the store keeps.

const KEPT = [3600, 900, 60];
const ARRAYS = ["count", "sum", "min", "max", "last", "p50", "p95", "p99"];

/** Return {start, end, points} that asks for at most `most` points, each of whole intervals: a
 * step of one and a half intervals would hold one or two of them in turn, and look like a wave. */
export function question({ start, end }, most, interval) {
  const least = (end - start) / most;
  const unit = KEPT.find((kept) => least > kept) ?? interval;
  const step = Math.max(1, Math.ceil(least / unit) * unit);
  const first = Math.floor(start / step) * step;
  const last = Math.max(first + step, Math.ceil(end / step) * step);
  return { start: first, end: last, points: Math.round((last - first) / step) };
}

/** Return the answer with a point for every step of `interval` or more, null where nothing was
 * measured: what is missing becomes a gap, or a counter's 0, and not a line across. */
export function regular(answer, interval) {
  const { times } = answer;
  const step = Math.max(answer.resolution, interval);
  const slot = (time) => Math.round((time - times[0]) / step);
  const length = times.length ? slot(times.at(-1)) + 1 : 0;
  const places = times.map(slot);
  const spread = (values) => {
    const found = new Array(length).fill(null);
    places.forEach((place, index) => (found[place] = values[index] ?? found[place]));
    return found;
  };
  const each = (data) => ({ ...data, ...Object.fromEntries(ARRAYS.filter((name) => data[name]).map((name) => [name, spread(data[name])])) });
  return {
    resolution: step,
    times: Array.from({ length }, (_, index) => times[0] + index * step),
    series: answer.series.map(each),
    merged: each(answer.merged),
    heat: answer.heat && { ...answer.heat, counts: spread(answer.heat.counts) },
  };
}
