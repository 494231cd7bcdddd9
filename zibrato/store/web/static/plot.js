// The panel of one metric: its controls, its figures, its plot, its heat map, its annotations.

import * as api from "./api.js";
import { Chart } from "./chart.js";
import { groups, showControls } from "./controls.js";
import { h, text } from "./dom.js";
import { question, regular } from "./grid.js";
import { unitOf } from "./format.js";
import { Heat } from "./heat.js";
import { Legend } from "./legend.js";
import { lines } from "./lines.js";
import { markerList } from "./markers.js";
import { label } from "./metrics.js";
import { overallOf } from "./percentiles.js";
import { panelParts } from "./parts.js";
import { showStats, stats } from "./stats.js";
import { moment, span } from "./times.js";

const MOST_SERIES = 1000; // a request's address has to stay within 16 KiB
const MOST_POINTS = 1200;
const SHORTEST = 10;

export class Panel {
  /** `on.change(part of the state)` and `on.close()` are what the panel asks for. */
  constructor(root, on) {
    this.root = root;
    this.on = on;
    this.parts = panelParts({ close: () => on.close(), reset: () => on.change({ from: "", to: "" }) });
    root.replaceChildren(...this.parts.all);
    const pointed = {
      zoom: (start, end) => this.zoom(start, end),
      reset: () => this.on.change({ from: "", to: "" }),
      hover: (index) => this.hover(index),
    };
    this.chart = new Chart(this.parts.chart, pointed);
    this.heat = new Heat(this.parts.heat, pointed, (words) => text(this.parts.caption, words));
    this.legend = new Legend(this.parts.legend, (index, shown) => this.chart.toggle(index, shown));
    root.addEventListener("keydown", (event) => this.key(event));
  }

  /** Show `metric` as `state` wants it; `now` and `interval` in seconds are the daemon's. */
  show(metric, state, { now, interval }) {
    const other = metric.name !== this.metric?.name || metric.kind !== this.metric?.kind;
    Object.assign(this, { metric, state: { ...state, q: "", sort: "" }, now, interval });
    this.root.hidden = false;
    this.root.dataset.kind = metric.kind;
    if (other) this.forget();
    this.head();
    showControls(this.parts.controls, groups(metric, state), (part) => this.on.change(part));
    this.parts.reset.disabled = !state.from;
    const asked = JSON.stringify([this.state, metric.series.map((one) => one.id)]);
    if (asked !== this.request || !this.answer) this.load();
    this.request = asked;
  }

  hide() {
    this.asked?.abort();
    this.loading = false;
    this.metric = null;
    this.root.hidden = true;
    this.forget();
  }

  forget() {
    this.chart.destroy();
    this.chart.shape = null;
    this.heat.destroy();
    this.legend.hidden.clear();
    this.parts.distribution.hidden = this.metric?.kind !== "timer";
    this.parts.marks.replaceChildren();
    this.answer = null;
    this.loaded = 0;
  }

  /** An interval has closed at `now`: follow it, unless a fixed range is shown. */
  tick(now) {
    this.now = now;
    if (!this.metric || this.state.from || this.loading) return; // a slow answer is worth its wait
    const pace = Math.max(this.interval, (this.answer?.resolution ?? 0) / 4);
    if (now - this.loaded >= pace * 0.9) this.load();
  }

  get view() {
    const { from, to, range } = this.state;
    if (Number(from) && Number(to) > Number(from)) return { start: Number(from), end: Number(to) };
    const end = this.now || Date.now() / 1000;
    return { start: end - (Number(range) || 3600), end };
  }

  async load() {
    this.asked?.abort();
    const { signal } = (this.asked = new AbortController());
    const { view, metric, state } = this;
    this.loaded = this.now;
    const ids = metric.series.slice(0, MOST_SERIES).map((one) => one.id);
    const most = Math.min(MOST_POINTS, Math.max(200, Math.round(this.parts.chart.clientWidth / 2)));
    const asked = question(view, most, this.interval);
    this.root.setAttribute("aria-busy", "true");
    this.loading = true;
    try {
      const [answer, markers, overall] = await Promise.all([
        api.plot(ids, asked.start, asked.end, asked.points, signal),
        api.annotations(view.start, view.end, signal).catch(() => []),
        metric.kind === "timer" && !this.apart ? api.plot(ids, view.start, view.end, 1, signal) : null,
      ]);
      this.apart ||= overall?.times.length > 1; // the store doesn't merge it: don't ask again
      if (!signal.aborted) this.draw(regular(answer, this.interval), markers, overall, { view, metric, state });
    } catch (error) {
      if (!signal.aborted) text(this.parts.when, `Could not load the plot (${error.message}); it is tried again.`);
    }
    if (signal.aborted) return; // another load has begun
    this.loading = false;
    this.root.removeAttribute("aria-busy");
  }

  draw(answer, markers, overall, { view, metric, state }) {
    this.answer = answer;
    const drawn = lines(metric, answer, state, this.now || Infinity);
    const unit = metric.kind === "counter" && state.mode === "rate" ? "rate" : unitOf(metric.kind, metric.name);
    this.drawn = drawn;
    this.chart.show(drawn, view, unit, Boolean(state.log) && metric.kind !== "counter");
    this.chart.mark(markers);
    this.legend.show(drawn, unit);
    const figures = overallOf(overall, answer.heat, Math.floor(view.start));
    showStats(this.parts.stats, stats(metric.kind, unitOf(metric.kind, metric.name), answer, figures, view));
    this.parts.distribution.hidden = metric.kind !== "timer" || !answer.heat;
    if (!this.parts.distribution.hidden) this.heat.show(answer.times, answer.resolution, answer.heat, view);
    this.parts.marks.replaceChildren(...[markerList(markers)].filter(Boolean));
    this.parts.chart.setAttribute("aria-label", `${metric.kind} ${metric.name}, ${span(view.start, view.end)}`);
    this.shown = view;
    this.hover(null);
    this.root.dataset.ready = `${metric.name} ${view.start}`;
  }

  head() {
    const { name, kind, series } = this.metric;
    text(this.parts.title, name);
    const sources = [...new Set(series.map((one) => one.source))];
    const levels = [...new Set(series.map((one) => one.level))].join(", ");
    const many = `${series.length} series from ${sources.length} source${sources.length > 1 ? "s" : ""}`;
    this.parts.about.replaceChildren(
      h("span", { className: "kind" }, kind),
      h("span", { className: "level", dataset: { level: levels } }, levels),
      h("span", {}, series.length === 1 ? label(series[0]) : many),
    );
    if (series.length > MOST_SERIES) this.parts.about.append(h("span", {}, `the first ${MOST_SERIES} are drawn`));
  }

  hover(index) {
    if (!this.answer) return;
    this.legend.values(index);
    const { times, resolution } = this.answer;
    if (!times.length) {
      text(this.parts.when, `Nothing was measured from ${span(this.shown.start, this.shown.end)}.`);
      return;
    }
    const left = this.drawn.left ? ` · ${this.drawn.left} more are left out: choose a source, or Merged` : "";
    const each = `${readable(resolution)} a point${left}`;
    text(this.parts.when, index === null ? `${span(this.shown.start, this.shown.end)} · ${each}` : moment(times[index]));
  }

  zoom(start, end) {
    const middle = (start + end) / 2;
    const half = Math.max(SHORTEST, end - start) / 2;
    this.on.change({ from: (middle - half).toFixed(0), to: (middle + half).toFixed(0) });
  }

  /** Arrows move along the time, + and - zoom, 0 goes back to the newest. */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select")) return;
    const { start, end } = this.view;
    const width = end - start;
    const moves = {
      ArrowLeft: () => this.zoom(start - width / 4, end - width / 4),
      ArrowRight: () => this.zoom(start + width / 4, end + width / 4),
      "+": () => this.zoom(start + width / 4, end - width / 4),
      "-": () => this.zoom(start - width / 2, end + width / 2),
      0: () => this.on.change({ from: "", to: "" }),
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    moves[event.key]();
  }
}

function readable(seconds) {
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3600 ? `${Math.round(seconds / 60)} min` : `${Math.round((seconds / 3600) * 10) / 10} h`;
}
