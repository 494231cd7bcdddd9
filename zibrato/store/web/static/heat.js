// A timer's histogram over time: a column for each time, a cell for each bucket.

import uPlot from "./vendor/uPlot.js";
import { color } from "./dom.js";
import { pointer, selecting, timeAxis, valueAxis } from "./chart.js";
import { duration, whole } from "./format.js";
import { moment } from "./times.js";
import { touch } from "./touch.js";

const SHADES = 24;

export class Heat {
  /** `on` as a chart's; `caption` gets what is under the pointer in words. */
  constructor(root, on, caption) {
    this.root = root;
    this.on = on;
    this.caption = caption;
    this.view = { start: 0, end: 1 };
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(root);
    addEventListener("theme", () => this.plot?.redraw());
  }

  /** Draw `heat` of /data/plot over `view`. */
  show(times, resolution, heat, view) {
    Object.assign(this.view, view);
    this.cells = cells(times, resolution, heat);
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
    const time = timeAxis(this.view);
    return {
      ...this.size(),
      padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: { ...pointer(this.on), y: true, points: { show: false } },
      scales: { x: time.scale, y: { distr: 3, range: () => this.cells.range } },
      axes: [time.axis, { ...valueAxis("seconds", true), space: 22 }],
      series: [{}, { show: true, points: { show: false } }],
      hooks: {
        ...touch,
        setSelect: [selecting(this.on.zoom)],
        drawAxes: [(plot) => paint(plot, this.cells)],
        setCursor: [(plot) => this.hover(plot)],
      },
    };
  }

  hover(plot) {
    const { left, top } = plot.cursor;
    const found = left >= 0 && top >= 0 ? at(this.cells, plot.posToVal(left, "x"), plot.posToVal(top, "y")) : null;
    this.caption(
      found
        ? `${moment(found.time)} · ${duration(found.low)} – ${duration(found.high)} · ${whole(found.count)}`
        : `up to ${whole(this.cells.most)} in a cell`,
    );
  }
}

/** Return the cells that are not empty, with the range of values that they take. */
function cells(times, resolution, { bounds, counts }) {
  const edges = edgesOf(bounds, counts);
  const found = [];
  let most = 0;
  let [low, high] = [Infinity, 0];
  counts.forEach((column, index) =>
    column?.forEach((count, bucket) => {
      if (!count) return;
      most = Math.max(most, count);
      low = Math.min(low, edges[bucket]);
      high = Math.max(high, edges[bucket + 1]);
      found.push({ time: times[index], low: edges[bucket], high: edges[bucket + 1], count });
    }),
  );
  const range = found.length ? [low / 1.15, high * 1.15] : [1e-3, 1];
  return { found, most, range, resolution };
}

/** Return one edge more than there are buckets; all above 0, as a logarithmic scale needs them. */
function edgesOf(bounds, counts) {
  const buckets = counts.find((column) => column)?.length ?? 0;
  const ratio = bounds.length > 2 ? bounds.at(-1) / bounds.at(-2) : 2;
  const edges = [...bounds];
  if (edges[0] <= 0) edges[0] = (edges[1] ?? 1e-6) / ratio;
  while (edges.length < buckets + 1) edges.unshift(edges[0] / ratio);
  return edges;
}

const at = ({ found, resolution }, time, value) =>
  found.find((cell) => cell.time <= time && time < cell.time + resolution && cell.low <= value && value < cell.high);

/** Fill the cells, those of one shade in one path. */
function paint(plot, { found, most, resolution }) {
  const { ctx: context } = plot;
  const { left, top, width, height } = plot.bbox;
  const paths = Array.from({ length: SHADES }, () => new Path2D());
  for (const { time, low, high, count } of found) {
    const x = Math.round(plot.valToPos(time, "x", true));
    const y = Math.round(plot.valToPos(high, "y", true));
    const right = Math.round(plot.valToPos(time + resolution, "x", true));
    const bottom = Math.round(plot.valToPos(low, "y", true));
    const shade = Math.round((Math.log1p(count) / Math.log1p(most)) * (SHADES - 1));
    paths[shade].rect(x, y, Math.max(1, right - x), Math.max(1, bottom - y));
  }
  const stops = ["--heat-0", "--heat-1", "--heat-2", "--heat-3"].map(color).map(channels);
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  paths.forEach((path, shade) => {
    context.fillStyle = mixed(stops, shade / (SHADES - 1));
    context.fill(path);
  });
  context.restore();
}

const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** Return the colour at `part` (0 to 1) of the way through `stops`. */
function mixed(stops, part) {
  const place = part * (stops.length - 1);
  const index = Math.min(stops.length - 2, Math.floor(place));
  const rest = place - index;
  const rgb = stops[index].map((channel, i) => Math.round(channel + (stops[index + 1][i] - channel) * rest));
  return `rgb(${rgb.join(" ")})`;
}
