// The percentiles of a whole range, from what /data/plot answers.

/** Return {p50, p95, p99, exact} of the range that begins at `start`: what the store merged, where
 * `overall`, the answer for one point, holds just that; else an estimate from the heat map's
 * cells; else null. */
export function overallOf(overall, heat, start) {
  if (overall?.times.length === 1 && overall.times[0] >= start) {
    const { p50, p95, p99 } = overall.merged;
    return { p50: p50[0], p95: p95[0], p99: p99[0], exact: true };
  }
  const counts = heat?.counts.filter(Boolean) ?? [];
  if (!counts.length) return null;
  const sums = counts[0].map((_, bucket) => counts.reduce((sum, column) => sum + column[bucket], 0));
  const of = (percent) => estimate(heat.bounds, sums, percent);
  return { p50: of(50), p95: of(95), p99: of(99), exact: false };
}

/** Return about where `percent` of the counts lie below, within a cell by its logarithm. */
function estimate(bounds, counts, percent) {
  const wanted = (counts.reduce((sum, count) => sum + count, 0) * percent) / 100;
  let seen = 0;
  for (const [bucket, count] of counts.entries()) {
    if (count && seen + count >= wanted)
      return bounds[bucket] * (bounds[bucket + 1] / bounds[bucket]) ** ((wanted - seen) / count);
    seen += count;
  }
  return null;
}
