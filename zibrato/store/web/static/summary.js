// What one line says of a metric of several series.

/** Return what a list shows of a metric: merged over its series as far as that is exact. */
export function summary({ kind, series }) {
  if (series.length === 1) {
    const [one] = series;
    return { last: one.last, rate: one.rate, seen: one.seen, spark: one.spark, bound: "" };
  }
  const lasts = series.map((one) => one.last).filter((last) => last !== null && last !== undefined);
  return {
    last: lasts.length ? MERGE[kind](lasts) : null,
    rate: kind === "gauge" ? null : total(series.map((one) => one.rate ?? 0)),
    seen: series.reduce((seen, one) => Math.max(seen, one.seen ?? 0), 0),
    spark: series[0].spark.map((_, index) => {
      const values = series.map((one) => one.spark[index]).filter((each) => each !== null);
      return values.length ? MERGE[kind](values) : null;
    }),
    bound: kind === "timer" ? "≤ " : "",
  };
}

const total = (values) => values.reduce((sum, each) => sum + each, 0);
// A percentile of several sources together is at most the greatest of theirs.
const MERGE = {
  counter: total,
  timer: (values) => values.reduce((a, b) => Math.max(a, b)),
  gauge: (values) => total(values) / values.length,
};
