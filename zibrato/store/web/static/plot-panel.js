// The panel of one metric: its controls, its figures, its plot, its heat map, its annotations.

import * as api from "./api.js";
import { annotationList } from "./annotations.js";
import { Chart } from "./chart.js";
import { controlGroups, showControls } from "./controls.js";
import { h, text } from "./dom.js";
import { figures, showFigures } from "./figures.js";
import { narrowedRange, rangeUpTo } from "./fitting-range.js";
import { rateUnit, unitOf } from "./format.js";
import { HeatMap } from "./heat-map.js";
import { Legend } from "./legend.js";
import { seriesLabel } from "./metrics.js";
import { panelElements } from "./panel-elements.js";
import { rangePercentiles } from "./percentiles.js";
import { drawnKind, plotSeries } from "./plot-series.js";
import { alignedRange, withGaps } from "./time-grid.js";
import { stepText, timeRangeText, timeText } from "./times.js";

const MAX_SERIES = 1000; // a request's address has to stay within 16 KiB
const MAX_POINTS = 1200;
const SHORTEST_ZOOM = 10; // seconds
const UNZOOMED = { from: "", to: "" };

const isWord = (units) => units && units !== "1"; // OpenTelemetry's for none

export class PlotPanel {
  /** `on.change(part of the state, whether Back undoes it)` and `on.close()` are what the panel asks
   * for. */
  constructor(root, on) {
    this.root = root;
    this.on = on;
    const reset = () => this.on.change(UNZOOMED, true);
    const resetAndStay = () => {
      reset();
      root.focus({ preventScroll: true }); // the button goes
    };
    this.elements = panelElements({ close: () => on.close(), reset: resetAndStay });
    root.replaceChildren(...this.elements.all);
    const handlers = {
      zoom: (start, end) => this.zoom(start, end),
      reset,
      hover: (index) => this.hover(index),
      focus: (index) => this.legend.focus(index),
    };
    this.chart = new Chart(this.elements.chart, handlers);
    this.heatMap = new HeatMap(this.elements.heatMap, handlers, (words) => text(this.elements.caption, words));
    this.legend = new Legend(this.elements.legend, {
      toggle: (index, shown) => this.chart.toggle(index, shown),
      focus: (index) => this.chart.focus(index),
    });
  }

  /** Show `metric` as `state` wants it; `now` and `interval` in seconds are the daemon's. */
  show(metric, state, { now, interval }) {
    const isOther = metric.name !== this.metric?.name || metric.kind !== this.metric?.kind;
    Object.assign(this, { metric, state: { ...state, q: "", sort: "" }, now, interval });
    this.root.hidden = false;
    this.root.dataset.kind = metric.kind;
    if (isOther) this.clear();
    this.fit();
    this.showHead();
    this.showControls();
    this.elements.reset.disabled = !state.from;
    const request = JSON.stringify([this.state, metric.about.units, metric.series.map(({ id }) => id)]);
    if (request !== this.request || !(this.answer || this.loading)) this.load();
    this.request = request;
  }

  /** Choose a range, where none was: what is younger than that shows once it is loaded. */
  fit() {
    if (this.state.range || this.state.from || this.fitting) return;
    const seen = Math.max(...this.metric.series.map((series) => series.seen ?? 0));
    this.fitting = { range: rangeUpTo(seen, this.now), isSure: false };
  }

  /** Return whether what was loaded fits a shorter range, which is chosen then. */
  narrow({ plot }, { start, end }) {
    const { state, fitting } = this;
    if (state.range || state.from || !fitting || fitting.isSure) return false;
    const range = narrowedRange(end - start, plot.times, end);
    this.fitting = { range, isSure: true };
    return range < end - start;
  }

  showControls() {
    const { metric, state, fitting } = this;
    const range = state.range || String(fitting?.range ?? "");
    const drawn = { ...metric, kind: drawnKind(metric, this.answer) };
    showControls(this.elements.controls, controlGroups(drawn, { ...state, range }), (part) =>
      this.on.change(part, "from" in part),
    );
  }

  hide() {
    this.loading?.abort();
    this.loading = null;
    this.metric = null;
    this.root.hidden = true;
    this.clear();
  }

  clear() {
    this.chart.destroy();
    this.heatMap.destroy();
    this.legend.hidden.clear();
    this.elements.distribution.hidden = this.metric?.kind !== "timer";
    this.elements.annotations.replaceChildren();
    this.answer = null;
    this.fitting = null;
    this.loaded = 0;
  }

  /** An interval has closed at `now`: follow it, unless a fixed time range is shown. */
  tick(now) {
    this.now = now;
    if (!this.metric || this.state.from || this.loading) return; // a slow answer is worth its wait
    const pace = Math.max(this.interval, (this.answer?.resolution ?? 0) / 4);
    if (now - this.loaded >= pace * 0.9) this.load();
  }

  /** The time range that the state asks for, as {start, end}. */
  get range() {
    const { from, to, range } = this.state;
    if (Number(from) && Number(to) > Number(from)) return { start: Number(from), end: Number(to) };
    const end = this.now || Date.now() / 1000;
    return { start: end - (Number(range) || this.fitting?.range || 3600), end };
  }

  /** Ask for the plot and draw it, unless another load begins meanwhile. */
  async load() {
    this.loading?.abort();
    const { signal } = (this.loading = new AbortController());
    const { range, metric, state } = this;
    this.loaded = this.now;
    this.root.setAttribute("aria-busy", "true");
    try {
      const answers = await this.ask(metric, range, signal);
      if (signal.aborted) return;
      if (this.narrow(answers, range)) {
        this.showControls();
        return this.load();
      }
      this.draw(answers, { range, metric, state });
    } catch (error) {
      if (!signal.aborted) text(this.elements.when, `Could not load the plot (${error.message}); the page tries again.`);
    }
    if (signal.aborted) return;
    this.loading = null;
    this.root.removeAttribute("aria-busy");
  }

  /** Return {plot, annotations, overall}: `overall` is a timer's plot in one point, for the range's
   * percentiles, where the store can merge it so. */
  async ask(metric, range, signal) {
    const ids = metric.series.slice(0, MAX_SERIES).map(({ id }) => id);
    const maxPoints = Math.min(MAX_POINTS, Math.max(200, Math.round(this.elements.chart.clientWidth / 2)));
    const { start, end, points } = alignedRange(range, maxPoints, this.interval);
    const asksOverall = metric.kind === "timer" && !this.unmergeable;
    const [plot, annotations, overall] = await Promise.all([
      api.plot(ids, start, end, points, signal),
      api.annotations(range.start, range.end, signal).catch(() => []),
      asksOverall ? api.plot(ids, range.start, range.end, 1, signal) : null,
    ]);
    this.unmergeable ||= overall?.times.length > 1; // don't ask again
    return { plot: withGaps(plot, this.interval), annotations, overall };
  }

  draw({ plot, annotations, overall }, { range, metric, state }) {
    const { name } = metric;
    const kind = drawnKind(metric, plot);
    const ownUnit = unitOf(kind, name, metric.about.units);
    const unit = kind === "counter" && state.mode === "rate" ? rateUnit(ownUnit) : ownUnit;
    const percentiles = rangePercentiles(overall, plot.heat, Math.floor(range.start));
    this.answer = plot;
    this.showControls();
    this.plotData = plotSeries(metric, plot, state, this.now || Infinity);
    this.chart.show(this.plotData, range, unit, Boolean(state.log) && kind !== "counter");
    this.chart.annotate(annotations);
    this.legend.show(this.plotData, unit);
    showFigures(this.elements.figures, figures(kind, ownUnit, plot, percentiles, range));
    this.elements.distribution.hidden = kind !== "timer" || !plot.heat;
    if (!this.elements.distribution.hidden) this.heatMap.show(plot.times, plot.resolution, plot.heat, range, ownUnit);
    this.elements.annotations.replaceChildren(...[annotationList(annotations)].filter(Boolean));
    this.elements.chart.setAttribute("aria-label", `${kind} ${name}, ${timeRangeText(range.start, range.end)}`);
    this.shownRange = range;
    this.hover(null);
    this.root.dataset.ready = `${name} ${range.start}`;
  }

  showHead() {
    const { name, kind, series, about } = this.metric;
    text(this.elements.title, about.display_name ?? name);
    this.elements.title.title = about.display_name ? name : "";
    const sources = new Set(series.map(({ source }) => source)).size;
    const levels = [...new Set(series.map(({ level }) => level))].join(", ");
    const many = `${series.length} series from ${sources} source${sources > 1 ? "s" : ""}`;
    const parts = [
      h("span", { className: "kind" }, kind),
      h("span", { className: "level", dataset: { level: levels } }, levels),
      about.display_name && h("span", {}, name),
      h("span", {}, series.length === 1 ? seriesLabel(series[0]) : many),
      ...[about.description, isWord(about.units) && `in ${about.units}`].filter(Boolean).map((words) => h("span", {}, words)),
    ];
    this.elements.about.replaceChildren(...parts.filter(Boolean));
    if (series.length > MAX_SERIES) this.elements.about.append(h("span", {}, `only the first ${MAX_SERIES} are drawn`));
  }

  /** Say what is under the pointer, or of the whole plot where `index` is null. */
  hover(index) {
    if (!this.answer) return;
    this.legend.values(index);
    const { times, resolution } = this.answer;
    const range = timeRangeText(this.shownRange.start, this.shownRange.end);
    if (!times.length) {
      text(this.elements.when, `Nothing was measured from ${range}.`);
      return;
    }
    text(this.elements.when, index === null ? `${range} · ${stepText(resolution)} a point` : timeText(times[index]));
  }

  /** Show a fixed time range, which Back undoes, unless it is `moved` from another one. */
  zoom(start, end, moved = false) {
    const middle = (start + end) / 2;
    const half = Math.max(SHORTEST_ZOOM, end - start) / 2;
    this.on.change({ from: (middle - half).toFixed(0), to: (middle + half).toFixed(0) }, !(moved && this.state.from));
  }

  /** Do what a key stands for, and return whether it stands for anything. */
  key(name) {
    const { start, end } = this.range;
    const width = end - start;
    const actions = {
      ArrowLeft: () => this.zoom(start - width / 4, end - width / 4, true),
      ArrowRight: () => this.zoom(start + width / 4, end + width / 4, true),
      "+": () => this.zoom(start + width / 4, end - width / 4),
      "-": () => this.zoom(start - width / 2, end + width / 2),
      0: () => this.on.change(UNZOOMED, true),
    };
    const isKnown = this.metric && Object.hasOwn(actions, name);
    if (isKnown) actions[name]();
    return Boolean(isKnown);
  }
}
