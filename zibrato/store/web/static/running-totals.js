// What the list shows of Librato's counters, which are running totals: what was added.

/** Return a series of readings as a counter's, each value what was added in an interval of so many
 * seconds. As in plots, what was added between two readings is spread evenly over the intervals
 * between them, and nothing is known of those before a total that began anew. */
export function increments(series, interval) {
  const spark = series.spark.map(() => null);
  let before = null;
  series.spark.forEach((total, index) => {
    if (total === null) return;
    const added = before === null ? -1 : total - series.spark[before];
    if (added >= 0) spark.fill(added / (index - before), before + 1, index + 1);
    before = index;
  });
  const last = spark.filter((added) => added !== null).at(-1) ?? null;
  return { ...series, spark, last, rate: last === null ? null : last / interval };
}
