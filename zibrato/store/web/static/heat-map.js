// A timer's histogram over time on a canvas: a column for each time, a cell for each bucket.

import uPlot from "./vendor/uPlot.js";
import { pointer, timeAxis, valueAxis, zoomOnSelect } from "./chart.js";
import { color } from "./colors.js";
import { inUnit, whole } from "./format.js";
import { cellAt, gradient, heatCells, shadeOf } from "./heat-cells.js";
import { touch } from "./touch.js";

const SHADES = 24;
const STOPS = ["--heat-0", "--heat-1", "--heat-2", "--heat-3"];

export class HeatMap {
  /** `on` as a chart's; `caption` gets what is under the pointer in words. */
  constructor(root, on, caption) {
    this.root = root;
    this.on = on;
    this.caption = caption;
    this.range = { start: 0, end: 1 };
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(root);
    addEventListener("theme", () => this.plot?.redraw());
  }

  /** Draw `heat` of /data/plot over the time range; it is of values in `unit`. */
  show(times, resolution, heat, range, unit) {
    Object.assign(this.range, range);
    if (unit !== this.unit) this.destroy(); // its axis writes another one
    this.unit = unit;
    this.heat = heatCells(times, resolution, heat);
    const data = [times, times.map(() => null)];
    if (this.plot) this.plot.setData(data);
    else this.plot = new uPlot(this.options(), data, this.root);
  }

  destroy() {
    this.plot?.destroy();
    this.plot = null;
  }

  size() {
    return { width: Math.max(200, this.root.clientWidth), height: Math.max(120, this.root.clientHeight) };
  }

  options() {
    const time = timeAxis(this.range);
    return {
      ...this.size(),
      padding: [8, time.overhang, 0, 0],
      legend: { show: false },
      cursor: { ...pointer(this.on), y: true, points: { show: false } },
      scales: { x: time.scale, y: { distr: 3, range: () => this.heat.range } },
      axes: [time.axis, { ...valueAxis(this.unit, true), space: 22 }],
      series: [{}, { show: true, points: { show: false } }],
      hooks: {
        ...touch,
        setSelect: [zoomOnSelect(this.on.zoom)],
        drawAxes: [(plot) => drawCells(plot, this.heat)],
        setCursor: [(plot) => this.hover(plot)],
      },
    };
  }

  hover(plot) {
    const { left, top } = plot.cursor;
    const inside = left >= 0 && top >= 0;
    const cell = inside && cellAt(this.heat, plot.posToVal(left, "x"), plot.posToVal(top, "y"));
    this.caption(
      cell
        ? `${inUnit(this.unit, cell.low)} – ${inUnit(this.unit, cell.high)} · ${whole(cell.count)}`
        : `up to ${whole(this.heat.maximum)} in a cell`,
    );
  }
}

/** Fill the cells, those of one shade in one path. A cell is centred at its time: so one crosshair is
 * over a point of the plot and the cells of the same time. */
function drawCells(plot, { cells, maximum, resolution }) {
  const { ctx: context } = plot;
  const { left, top, width, height } = plot.bbox;
  const paths = Array.from({ length: SHADES }, () => new Path2D());
  const x = (time) => Math.round(plot.valToPos(time, "x", true));
  const y = (value) => Math.round(plot.valToPos(value, "y", true));
  for (const { time, low, high, count } of cells) {
    const start = x(time - resolution / 2);
    const cellWidth = Math.max(1, x(time + resolution / 2) - start);
    const cellHeight = Math.max(1, y(low) - y(high));
    paths[shadeOf(count, maximum, SHADES)].rect(start, y(high), cellWidth, cellHeight);
  }
  const stops = STOPS.map(color);
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  paths.forEach((path, shade) => {
    context.fillStyle = gradient(stops, shade / (SHADES - 1));
    context.fill(path);
  });
  context.restore();
}
