// The series that the daemon knows, grouped into metrics: one name and kind, any sources and tags.

import { summary } from "./summary.js";

const SPARK = 40;
export const LEVELS = ["debug", "info", "warning", "error", "critical"];

export const isOwn = (name) => name === "zibrato" || name.startsWith("zibrato.");

const rank = (level) => (LEVELS.indexOf(level) + 1 || LEVELS.length + 1);

/** Return the tags of a series as a list of `name=value`. */
export const pairs = (one) => Object.entries(one.tags ?? {}).map(([name, value]) => `${name}=${value}`);

/** Return what tells a series from the others of its metric. */
export const label = (one) => [one.source, ...pairs(one)].filter(Boolean).join(" · ") || one.name;

export class Metrics {
  constructor() {
    this.clear();
    this.interval = 10;
    this.now = 0; // the end of the newest interval, by the daemon's clock
  }

  clear() {
    this.series = new Map();
    this.groups = new Map();
    this.changes = 0; // of what there is, not of its values
  }

  /** Take the whole of /data/series. */
  load(answer) {
    this.clear();
    this.interval = answer.interval;
    this.add(answer.series);
    const newest = answer.series.reduce((seen, one) => Math.max(seen, one.seen ?? 0), 0); // when it began
    const began = Math.floor(newest / this.interval) * this.interval;
    this.now = newest ? began + this.interval : answer.now;
  }

  /** Take series in that may be new. */
  add(list) {
    for (const one of list) {
      if (this.series.has(one.id)) continue;
      one.spark = padded(one.spark ?? []);
      one.text = [one.name, one.source, ...pairs(one), one.level].join(" ").toLowerCase();
      this.series.set(one.id, one);
      const key = `${one.kind} ${one.name}`;
      if (!this.groups.has(key)) this.groups.set(key, []);
      this.groups.get(key).push(one);
      this.changes += 1;
    }
  }

  /** Take one closed interval in. A newer one moves all series on, heard of or not; one that is
   * late finds its place among the others. */
  apply({ start, end, points }) {
    const steps = Math.round((end - this.now) / this.interval);
    if (steps > 0) for (const one of this.series.values()) this.forward(one, Math.min(steps, SPARK));
    const place = SPARK - 1 + Math.min(0, steps);
    for (const point of points) {
      const one = this.series.get(point[0]);
      if (!one) continue;
      const before = one.kind === "counter" ? (one.spark[place] ?? 0) : 0;
      if (place >= 0) one.spark[place] = before + value(one.kind, point);
      if (steps >= 0) Object.assign(one, fresh(one.kind, point, end - start, start));
    }
    this.now = Math.max(this.now, end);
  }

  forward(one, steps) {
    one.spark.splice(0, steps);
    one.spark.push(...Array(steps).fill(null));
    one.rate = one.kind === "gauge" ? null : 0;
  }

  /** Return the metrics that pass the filters of `state`, each with the series that pass. */
  select(state) {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const passes = (one) => filtered(one, state) && words.every((word) => one.text.includes(word));
    const rows = [];
    for (const [key, all] of this.groups) {
      const { kind, name } = all[0];
      if (isOwn(name) && !state.own) continue;
      const series = all.filter(passes);
      if (series.length) rows.push({ key, kind, name, series });
    }
    return rows.sort(order(state.sort));
  }

  /** Return one metric with the series that pass the filters other than the search, or null. */
  find(state) {
    const all = this.groups.get(`${state.kind} ${state.name}`) ?? [];
    const series = all.filter((one) => filtered(one, state));
    return series.length ? { kind: state.kind, name: state.name, series } : null;
  }

  /** Return the values that the filters can take. */
  facets(own) {
    const [levels, sources, tags] = [new Set(), new Set(), new Set()];
    for (const one of this.series.values()) {
      if (isOwn(one.name) && !own) continue;
      levels.add(one.level);
      if (one.source) sources.add(one.source);
      for (const pair of pairs(one)) tags.add(pair);
    }
    const byName = (a, b) => a.localeCompare(b, "en", { numeric: true });
    return {
      level: [...levels].sort((a, b) => rank(a) - rank(b) || byName(a, b)),
      source: [...sources].sort(byName),
      tag: [...tags].sort(byName),
    };
  }

  get owned() {
    return [...this.groups.values()].filter(([one]) => isOwn(one.name)).length;
  }
}

const [COUNT, SUM, LAST, P95] = [1, 2, 5, 7];

function value(kind, point) {
  return kind === "counter" ? point[SUM] : kind === "timer" ? point[P95] : point[LAST];
}

function fresh(kind, point, length, seen) {
  const amount = kind === "counter" ? point[SUM] : kind === "timer" ? point[COUNT] : null;
  return { last: value(kind, point), rate: amount === null ? null : amount / length, seen };
}

function filtered(one, { level, source, tag }) {
  const threshold = level.endsWith("+") ? rank(level.slice(0, -1)) : 0;
  return (
    (!level || (threshold ? LEVELS.includes(one.level) && rank(one.level) >= threshold : one.level === level)) &&
    (!source || one.source === source) &&
    (!tag || pairs(one).includes(tag))
  );
}

function order(sort) {
  const names = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.kind < b.kind ? -1 : 1);
  const level = (row) => Math.max(...row.series.map((one) => rank(one.level)));
  const number = (row, field) => summary(row)[field] ?? -Infinity;
  if (sort === "kind") return (a, b) => a.kind.localeCompare(b.kind) || names(a, b);
  if (sort === "level") return (a, b) => level(b) - level(a) || names(a, b);
  if (sort === "last" || sort === "rate") return by(number, sort, names);
  return names;
}

function by(number, field, names) {
  const known = new Map();
  const of = (row) => {
    if (!known.has(row)) known.set(row, number(row, field));
    return known.get(row);
  };
  return (a, b) => of(b) - of(a) || names(a, b);
}

function padded(values) {
  const newest = values.slice(-SPARK);
  return [...Array(SPARK - newest.length).fill(null), ...newest];
}
