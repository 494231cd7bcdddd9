// A uPlot of lines and bands over a fixed range of time, with markers, in the theme's colours.

import uPlot from "./vendor/uPlot.js";
import { color } from "./dom.js";
import { inUnit, rateSplits, ticks } from "./format.js";
import { drawMarkers } from "./markers.js";
import { labels } from "./times.js";
import { touch } from "./touch.js";

const AXIS = 68;
const BINARY = Array.from({ length: 60 }, (_, power) => 2 ** power);
const FONT = '12px Inter, system-ui, sans-serif';
export const SYNC = uPlot.sync("zibrato");

/** The axis of time and its scale over `view`, {start, end} in Unix seconds. */
export function timeAxis(view) {
  return {
    scale: { time: true, auto: false, range: () => [view.start, view.end] },
    axis: {
      ...themed(),
      size: 38,
      space: 72,
      values: (_, splits, __, ___, step) => labels(splits, step),
    },
  };
}

/** The axis of values, as wide in every plot, so that they stand exactly below each other. */
export function valueAxis(unit, log) {
  const axis = { ...themed(), size: AXIS, space: 36, gap: 8 };
  const incrs = unit === "bytes" ? BINARY : undefined;
  const splits = unit === "rate" ? (_, __, low, high, step) => rateSplits(low, high, step) : undefined;
  if (!log) return { ...axis, incrs, splits, values: (_, at) => ticks(unit, at) };
  const values = (_, splits) => splits.map((value) => (value === null ? null : inUnit(unit, value)));
  return { ...axis, values, splits: rounds, filter: (_, splits) => splits };
}

/** Return the powers of ten from `low` to `high`, with 2 and 5 times them where there are few.
 * (uPlot's own never end where the scale begins between two round numbers.) */
function rounds(_plot, _axis, low, high) {
  const steps = high / low > 150 ? [1] : [1, 2, 5];
  const found = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power += 1)
    for (const step of steps) {
      const value = Number((step * 10 ** power).toPrecision(3));
      if (value >= low && value <= high) found.push(value);
    }
  return found;
}

function themed() {
  return {
    stroke: () => color("--muted"),
    font: FONT,
    grid: { stroke: () => color("--grid"), width: 1 },
    ticks: { show: false },
  };
}

/** The crosshair that plots share; a double click calls `reset()`. A selection is not shared. */
export function pointer({ reset }) {
  return {
    sync: { key: SYNC.key, scales: ["x", null], filters: { pub: (type) => type.startsWith("mousemove") || type === "mouseleave" } },
    drag: { x: true, y: false, setScale: false, dist: 6 },
    points: { size: 7, width: 2, fill: () => color("--surface") },
    bind: { dblclick: () => () => reset() },
  };
}

/** The hook that turns a selection into a zoom. */
export const selecting = (zoom) => (plot) => {
  const { left: from, width } = plot.select;
  if (width < 6) return;
  zoom(plot.posToVal(from, "x"), plot.posToVal(from + width, "x"));
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
};

export class Chart {
  /** `on` has zoom(start, end), reset() and hover(index or null). */
  constructor(root, on) {
    this.root = root;
    this.on = on;
    this.markers = [];
    new ResizeObserver(() => this.resize()).observe(root);
    addEventListener("theme", () => this.plot?.redraw());
  }

  /** Draw what lines() returned; a plot of the same shape gets new data and keeps its cursor. */
  show(drawn, view, unit, log) {
    this.view ??= { start: 0, end: 1 };
    Object.assign(this.view, view);
    const shape = JSON.stringify([drawn.lines.map((line) => [line.label, line.color]), drawn.stepped, unit, log]);
    const data = [drawn.times, ...drawn.lines.map((line) => line.values)];
    if (this.shape === shape) {
      this.plot.setData(data);
      return;
    }
    this.shape = shape;
    this.destroy();
    this.plot = new uPlot(this.options(drawn, unit, log), data, this.root);
  }

  destroy() {
    this.plot?.destroy();
    this.plot = null;
  }

  /** Show or hide the line at `index` of lines(). */
  toggle(index, shown) {
    this.plot?.setSeries(index + 1, { show: shown });
  }

  mark(markers) {
    this.markers = markers;
    this.plot?.redraw(false);
  }

  resize() {
    this.plot?.setSize(this.size());
  }

  size() {
    return { width: Math.max(200, this.root.clientWidth), height: Math.max(160, this.root.clientHeight) };
  }

  options(drawn, unit, log) {
    const time = timeAxis(this.view);
    return {
      ...this.size(),
      padding: [14, 12, 0, 0],
      legend: { show: false },
      cursor: pointer(this.on),
      scales: { x: time.scale, y: { distr: log ? 3 : 1, range: log ? around : fromZero } },
      axes: [time.axis, valueAxis(unit, log)],
      series: [{}, ...drawn.lines.map((line) => series(line, drawn.stepped))],
      bands: drawn.bands.map(([upper, lower, fill]) => ({ series: [upper, lower], fill: () => color(fill) })),
      hooks: {
        ...touch,
        setSelect: [selecting(this.on.zoom)],
        setCursor: [(plot) => this.on.hover(plot.cursor.idx ?? null)],
        drawAxes: [(plot) => drawMarkers(plot, this.markers)],
      },
    };
  }
}

function series(line, stepped) {
  return {
    label: line.label,
    stroke: () => color(line.color),
    width: line.ghost ? 1 : 2,
    fill: line.area ? () => color(`${line.color}-area`) : undefined,
    paths: stepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
    points: { show: line.ghost ? false : undefined, size: 5 },
    spanGaps: false,
  };
}

/** A logarithmic scale takes what there is, with a little air. */
const around = (_, low, high) => (low > 0 ? [low / 1.2, high * 1.2] : [0.001, 1]);

/** Values start at 0 where nothing is below it, with a little air above. */
function fromZero(_, low, high) {
  if (low === null || high === null) return [0, 1];
  if (low === high) return low === 0 ? [0, 1] : low > 0 ? [0, high * 1.25] : [low * 1.25, 0];
  const air = (high - Math.min(0, low)) * 0.06;
  return [low < 0 ? low - air : 0, high + air];
}
