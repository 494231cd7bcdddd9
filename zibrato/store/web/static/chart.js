// A uPlot of series and bands over a fixed time range, with annotations, in the theme's colours.

import uPlot from "./vendor/uPlot.js";
import { drawAnnotations } from "./annotations.js";
import { color } from "./colors.js";
import { baseUnit, inUnit, rateSplits, ticks } from "./format.js";
import { BINARY_STEPS, binarySplits, linearRange, logRange, logSplits, shortRuns, TIME_STEPS, timeLabelSpace } from "./scales.js";
import { timeLabels } from "./times.js";
import { touch } from "./touch.js";

const VALUE_AXIS_WIDTH = 68;
const LABEL_OVERHANG = 28; // half of the widest time label: the last one stands at the very edge
const POINT_SIZE = 5;
const SHORTEST_LINE = 6; // pixels; what is shorter gets points
const FOCUS_DISTANCE = 20; // pixels from a line at which it stands out
const FADED = 0.2;
const SYNC_KEY = uPlot.sync("zibrato").key;

/** Return the axis of time, its scale over `range`, {start, end} in Unix seconds, and the padding
 * that its last label needs. */
export function timeAxis(range) {
  return {
    scale: { time: true, auto: false, range: () => [range.start, range.end] },
    axis: {
      ...axisColors(),
      size: 38,
      incrs: TIME_STEPS,
      space: (_plot, _axis, low, high, width) => timeLabelSpace(low, high, width),
      values: (_plot, splits, _axis, _space, step) => timeLabels(splits, step),
    },
    overhang: LABEL_OVERHANG,
  };
}

/** Return the axis of values, as wide in every plot, so that they stand exactly below each other. */
export function valueAxis(unitOfValues, log) {
  const unit = baseUnit(unitOfValues); // there is no room for its word
  const axis = { ...axisColors(), size: VALUE_AXIS_WIDTH, space: 36, gap: 8 };
  if (log)
    return {
      ...axis,
      values: (_plot, splits) => splits.map((value) => (value === null ? null : inUnit(unit, value))),
      splits: (_plot, _axis, low, high) => (unit === "bytes" ? binarySplits : logSplits)(low, high),
      filter: (_plot, splits) => splits,
    };
  return {
    ...axis,
    incrs: unit === "bytes" ? BINARY_STEPS : undefined,
    splits: unit === "rate" ? (_plot, _axis, low, high, step) => rateSplits(low, high, step) : undefined,
    values: (_plot, splits) => ticks(unit, splits),
  };
}

function axisColors() {
  return {
    stroke: () => color("--muted"),
    font: "12px Inter, system-ui, sans-serif",
    grid: { stroke: () => color("--grid"), width: 1 },
    ticks: { show: false },
  };
}

/** Return the crosshair that plots share; a double click calls `reset()`. A selection is not shared. */
export function pointer({ reset }) {
  const isShared = (type) => type.startsWith("mousemove") || type === "mouseleave";
  return {
    sync: { key: SYNC_KEY, scales: ["x", null], filters: { pub: isShared } },
    drag: { x: true, y: false, setScale: false, dist: 6 },
    points: { size: 7, width: 2, fill: () => color("--surface") },
    bind: { dblclick: () => () => reset() },
  };
}

/** Return the hook that turns a selection into a zoom. */
export const zoomOnSelect = (zoom) => (plot) => {
  const { left, width } = plot.select;
  if (width < 6) return;
  zoom(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
};

export class Chart {
  /** `on` has zoom(start, end), reset(), hover(index or null) of a time, focus(index or null) of a series. */
  constructor(root, on) {
    this.root = root;
    this.on = on;
    this.annotations = [];
    this.range = { start: 0, end: 1 };
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(root);
    addEventListener("theme", () => this.plot?.redraw());
  }

  /** Draw what plotSeries() returned; a plot of the same shape gets new data and keeps its cursor. */
  show(plotData, range, unit, log) {
    Object.assign(this.range, range);
    const { series, stepped } = plotData;
    const shape = JSON.stringify([series.map(({ label, color: name }) => [label, name]), stepped, unit, log]);
    const columns = [plotData.times, ...series.map(({ values }) => values)];
    if (this.plot && this.shape === shape) {
      this.plot.setData(columns);
      return;
    }
    this.destroy();
    this.shape = shape;
    this.plot = new uPlot(this.options(plotData, unit, log), columns, this.root);
  }

  destroy() {
    this.plot?.destroy();
    this.plot = null;
  }

  /** Show or hide the series at `index` of plotSeries(). */
  toggle(index, shown) {
    this.plot?.setSeries(index + 1, { show: shown });
  }

  /** Have the series at `index` stand out, or none where it is null. */
  focus(index) {
    this.plot?.setSeries(index === null ? null : index + 1, { focus: true });
  }

  annotate(annotations) {
    this.annotations = annotations;
    this.plot?.redraw(false);
  }

  size() {
    return { width: Math.max(200, this.root.clientWidth), height: Math.max(160, this.root.clientHeight) };
  }

  options({ series, bands, stepped }, unit, log) {
    const time = timeAxis(this.range);
    const valueRange = log ? logRange : linearRange;
    const isCompared = series.length > 1 && !bands.length;
    return {
      ...this.size(),
      padding: [14, time.overhang, 0, 0],
      legend: { show: false },
      cursor: { ...pointer(this.on), focus: { prox: isCompared ? FOCUS_DISTANCE : -1 } },
      focus: { alpha: FADED },
      scales: { x: time.scale, y: { distr: log ? 3 : 1, range: (_plot, low, high) => valueRange(low, high) } },
      axes: [time.axis, valueAxis(unit, log)],
      series: [{}, ...series.map((options) => seriesOptions(options, stepped))],
      bands: bands.map(([upper, lower, fill]) => ({ series: [upper, lower], fill: () => color(fill) })),
      hooks: {
        ...touch,
        setSelect: [zoomOnSelect(this.on.zoom)],
        setSeries: [(_plot, index, { focus }) => focus === undefined || this.on.focus(index ? index - 1 : null)],
        setCursor: [(plot) => this.on.hover(plot.cursor.idx ?? null)],
        drawAxes: [(plot) => drawAnnotations(plot, this.annotations)],
      },
    };
  }
}

function seriesOptions({ label, color: name, dash, area, edge }, stepped) {
  return {
    label,
    stroke: () => color(name),
    width: edge ? 1 : 2,
    dash,
    fill: area ? () => color(`${name}-area`) : undefined,
    paths: stepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
    points: edge ? { show: false } : { size: POINT_SIZE, fill: () => color(name), filter: isolatedPoints },
    spanGaps: false,
  };
}

/** Return the points to draw where uPlot would draw none, since there are too many: those that no
 * line shows. (Where `all` are drawn, it asks for null.) */
function isolatedPoints(plot, index, all) {
  if (all) return null;
  const [times, values] = [plot.data[0], plot.data[index]];
  const step = Math.abs(plot.valToPos(times[1], "x") - plot.valToPos(times[0], "x"));
  return shortRuns(values, Math.max(2, Math.ceil(SHORTEST_LINE / step) + 1));
}
