// What one row of the list says of a metric of several series.

const total = (values) => values.reduce((sum, value) => sum + value, 0);

// By kind. A percentile of several sources together is at most the greatest of theirs.
const MERGE = {
  counter: total,
  timer: (values) => values.reduce((a, b) => Math.max(a, b)),
  gauge: (values) => total(values) / values.length,
};

const present = (values) => values.filter((value) => value !== null && value !== undefined);

/** Return {last, rate, seen, spark, bound} of a metric, merged over its series; `bound` is what
 * stands before a `last` that is no more than an upper bound. */
export function summary({ shown: kind, series }) {
  if (series.length === 1) {
    const [{ last, rate, seen, spark }] = series;
    return { last, rate, seen, spark, bound: "" };
  }
  const merged = (values) => (values.length ? MERGE[kind](values) : null);
  return {
    last: merged(present(series.map(({ last }) => last))),
    rate: kind === "gauge" ? null : total(series.map(({ rate }) => rate ?? 0)),
    seen: series.reduce((newest, { seen }) => Math.max(newest, seen ?? 0), 0),
    spark: series[0].spark.map((_, index) => merged(present(series.map(({ spark }) => spark[index])))),
    bound: kind === "timer" ? "≤ " : "",
  };
}
