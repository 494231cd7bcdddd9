// The series that the daemon knows, grouped into metrics: one name and kind, any sources and tags.

import { increments } from "./running-totals.js";
import { summary } from "./summary.js";

export const SPARK_LENGTH = 60; // as zibrato/store/live.py has it
const FEW = 4; // intervals that may be on their way
export const LEVELS = ["debug", "info", "warning", "error", "critical"];

/** Return whether a metric is one of the daemon's self-metrics. */
export const isSelfMetric = (name) => name === "zibrato" || name.startsWith("zibrato.");

const rank = (level) => LEVELS.indexOf(level) + 1 || LEVELS.length + 1;

/** Return the tags of a series as a list of `name=value`. */
export const tagPairs = (series) => Object.entries(series.tags ?? {}).map(([name, value]) => `${name}=${value}`);

/** Return what tells a series from the others of its metric. */
export const seriesLabel = (series) =>
  [series.source, ...tagPairs(series)].filter(Boolean).join(" · ") || series.name;

const collator = new Intl.Collator("en", { numeric: true }); // a call of localeCompare makes one each time
const byText = (a, b) => collator.compare(a, b);
const NOTHING = {};

export class Metrics {
  constructor() {
    this.clear();
    this.interval = 10;
    this.descriptions = new Map(); // by name in lower case
    this.now = 0; // the end of the newest interval, by the daemon's clock
  }

  clear() {
    this.series = new Map(); // by id
    this.metrics = new Map(); // lists of series by "kind name"
    this.forget();
  }

  /** Take the whole of /data/series. */
  load(answer) {
    this.clear();
    this.interval = answer.interval;
    this.descriptions = new Map((answer.descriptions ?? []).map((about) => [about.name.toLowerCase(), about]));
    this.add(answer.series);
    const newest = answer.series.reduce((seen, series) => Math.max(seen, series.seen ?? 0), 0); // when it began
    const began = Math.floor(newest / this.interval) * this.interval;
    this.now = newest ? began + this.interval : answer.now;
    const behind = Math.floor((answer.now - this.now) / this.interval);
    // Where nothing was measured for long, as after a night off, it is later than the newest interval.
    if (behind >= FEW) this.apply({ end: this.now + behind * this.interval, points: [] });
  }

  /** Forget what was made of the series that there were. */
  forget() {
    this.sorted = null;
    this.choices = {};
  }

  /** Take series in that may be new. */
  add(list) {
    this.forget();
    for (const series of list) {
      if (this.series.has(series.id)) continue;
      series.spark = padded(series.spark ?? []);
      series.text = this.searched(series);
      this.series.set(series.id, series);
      const key = `${series.kind} ${series.name}`;
      if (!this.metrics.has(key)) this.metrics.set(key, []);
      this.metrics.get(key).push(series);
    }
  }

  /** Take in what is said of metrics from now on. */
  tell(descriptions) {
    const names = new Set(descriptions.map(({ name }) => name.toLowerCase()));
    for (const about of descriptions) this.descriptions.set(about.name.toLowerCase(), about);
    for (const series of this.series.values())
      if (names.has(series.name.toLowerCase())) series.text = this.searched(series);
  }

  /** Return the text of a series in which words are searched. */
  searched(series) {
    const { display_name: displayName = "" } = this.describe(series.name);
    return [series.name, displayName, series.source, ...tagPairs(series), series.level].join(" ").toLowerCase();
  }

  /** Take one closed interval in. A newer one moves all series on, measured in it or not; one that
   * is late finds its place among the others. */
  apply({ start, end, points }) {
    const steps = Math.round((end - this.now) / this.interval);
    if (steps > 0) for (const series of this.series.values()) moveOn(series, Math.min(steps, SPARK_LENGTH));
    const place = SPARK_LENGTH - 1 + Math.min(0, steps);
    for (const point of points) {
      const series = this.series.get(point[ID]);
      if (!series) continue;
      const before = series.kind === "counter" ? (series.spark[place] ?? 0) : 0;
      if (place >= 0) series.spark[place] = before + shownValue(series.kind, point);
      if (steps >= 0) Object.assign(series, newestValues(series.kind, point, end - start, start));
    }
    this.now = Math.max(this.now, end);
  }

  /** Return the metrics that pass the filters of `state`, each with the series that pass. The daemon's
   * own come first where they are asked for: by name they would be the last, far below. */
  select(state) {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const passes = (series) => isSelected(series, state) && words.every((word) => series.text.includes(word));
    const rows = [];
    this.sorted ??= [...this.metrics].sort(([, [a]], [, [b]]) => byName(a, b));
    for (const [key, all] of this.sorted) {
      const { kind, name } = all[0];
      if (isSelfMetric(name) && !state.own) continue;
      const series = all.filter(passes);
      if (series.length) rows.push(this.row(key, kind, name, series));
    }
    const comparison = order(state.sort);
    if (comparison) rows.sort(comparison);
    const isOwn = ({ name }) => isSelfMetric(name);
    return state.own ? [...rows.filter(isOwn), ...rows.filter((row) => !isOwn(row))] : rows;
  }

  /** Return a row of the list. `shown` is the kind that it has there: a gauge of running totals,
   * Librato's counter, is shown as a counter. */
  row(key, kind, name, series) {
    const about = this.describe(name);
    if (!about.running || kind !== "gauge") return { key, kind, shown: kind, name, series, about };
    const added = series.map((totals) => increments(totals, this.interval));
    return { key, kind, shown: "counter", name, series: added, about };
  }

  /** Return what was said of the metric: {display_name, description, units}, each only if it was,
   * and whether it is `running`. */
  describe(name) {
    return this.descriptions.get(name.toLowerCase()) ?? NOTHING;
  }

  /** Return whether the daemon has the metric that `state` names, whatever the filters. */
  has({ kind, name }) {
    return this.metrics.has(`${kind} ${name}`);
  }

  /** Return whether a metric has series of any other source. */
  hasOtherSources({ kind, name, source }) {
    return (this.metrics.get(`${kind} ${name}`) ?? []).some((series) => series.source !== source);
  }

  /** Return one metric with the series that pass the filters other than the search, or null. */
  find(state) {
    const all = this.metrics.get(`${state.kind} ${state.name}`) ?? [];
    const series = all.filter((candidate) => isSelected(candidate, state));
    return series.length ? { kind: state.kind, name: state.name, series, about: this.describe(state.name) } : null;
  }

  /** Return the values that the filters can take. */
  facets(own) {
    this.choices[own ? "own" : "others"] ??= this.facetsOf(own);
    return this.choices[own ? "own" : "others"];
  }

  facetsOf(own) {
    const [levels, sources, tags] = [new Set(), new Set(), new Set()];
    for (const series of this.series.values()) {
      if (isSelfMetric(series.name) && !own) continue;
      levels.add(series.level);
      if (series.source) sources.add(series.source);
      for (const pair of tagPairs(series)) tags.add(pair);
    }
    return {
      level: [...levels].sort((a, b) => rank(a) - rank(b) || byText(a, b)),
      source: [...sources].sort(byText),
      tag: [...tags].sort(byText),
    };
  }

  /** Return the sparkline of all series of one name and source, added up. */
  addedUp(name, source) {
    const sparks = [...this.series.values()]
      .filter((series) => series.name === name && series.source === source)
      .map(({ spark }) => spark);
    return (sparks[0] ?? []).map((_, index) => {
      const values = sparks.map((spark) => spark[index]).filter((value) => value !== null);
      return values.length ? values.reduce((a, b) => a + b) : null;
    });
  }

  get hasSelfMetrics() {
    return [...this.metrics.values()].some(([series]) => isSelfMetric(series.name));
  }
}

// A point of an interval is [id, count, sum, min, max, last, p50, p95, p99].
const [ID, COUNT, SUM, LAST, P95] = [0, 1, 2, 5, 7];

/** Return what the list shows of a point: a counter's sum, a timer's 95th percentile, a reading. */
function shownValue(kind, point) {
  return kind === "counter" ? point[SUM] : kind === "timer" ? point[P95] : point[LAST];
}

function newestValues(kind, point, seconds, seen) {
  const amount = kind === "counter" ? point[SUM] : kind === "timer" ? point[COUNT] : null;
  return { last: shownValue(kind, point), rate: amount === null ? null : amount / seconds, seen };
}

function moveOn(series, steps) {
  series.spark.splice(0, steps);
  series.spark.push(...Array(steps).fill(null));
  series.rate = series.kind === "gauge" ? null : 0;
}

function isSelected(series, { level, source, tag }) {
  const threshold = level.endsWith("+") ? rank(level.slice(0, -1)) : 0;
  return (
    (!level ||
      (threshold ? LEVELS.includes(series.level) && rank(series.level) >= threshold : series.level === level)) &&
    (!source || series.source === source) &&
    (!tag || tagPairs(series).includes(tag))
  );
}

const byName = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.kind < b.kind ? -1 : 1);

/** Return the comparison that sorts rows by `sort`, kinds up, all else down; none for names, by which
 * they are sorted already, and stay so where they are the same. */
function order(sort) {
  if (sort === "kind") return (a, b) => (a.shown < b.shown ? -1 : a.shown > b.shown ? 1 : 0);
  if (sort === "level") return descending((row) => Math.max(...row.series.map((series) => rank(series.level))));
  if (sort === "last" || sort === "rate") return descending((row) => summary(row)[sort] ?? -Infinity);
  return null;
}

/** Return a comparison by a number, the greatest first, which is worked out once for each row. */
function descending(numberOf) {
  const numbers = new Map();
  const remembered = (row) => {
    if (!numbers.has(row)) numbers.set(row, numberOf(row));
    return numbers.get(row);
  };
  // Two rows without a number are -Infinity apart from each other by NaN, which is falsy too.
  return (a, b) => remembered(b) - remembered(a) || 0;
}

function padded(values) {
  const newest = values.slice(-SPARK_LENGTH);
  return [...Array(SPARK_LENGTH - newest.length).fill(null), ...newest];
}
