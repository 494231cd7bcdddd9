// The percentiles of a whole time range, from what /data/plot answers.

/** Return {p50, p95, p99, exact} of the range that begins at `start`: what the store merged, where
 * `overall`, the answer for one point, holds just that; else an estimate from the heat map's
 * cells; else null. */
export function rangePercentiles(overall, heat, start) {
  if (overall?.times.length === 1 && overall.times[0] >= start) {
    const { p50, p95, p99 } = overall.merged;
    return { p50: p50[0], p95: p95[0], p99: p99[0], exact: true };
  }
  const columns = heat?.counts.filter(Boolean) ?? [];
  if (!columns.length) return null;
  const sums = columns[0].map((_, bucket) => columns.reduce((sum, column) => sum + column[bucket], 0));
  const estimated = (percent) => estimate(heat.bounds, sums, percent);
  return { p50: estimated(50), p95: estimated(95), p99: estimated(99), exact: false };
}

/** Return about where `percent` of the counts lie below, within a bucket by its logarithm. */
function estimate(bounds, counts, percent) {
  const rank = (counts.reduce((sum, count) => sum + count, 0) * percent) / 100;
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    if (count && below + count >= rank)
      return bounds[bucket] * (bounds[bucket + 1] / bounds[bucket]) ** ((rank - below) / count);
    below += count;
  }
  return null;
}
