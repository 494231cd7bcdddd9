// The cells of a heat map and their colours, computed from a timer's histogram over time.

const AIR = 1.15; // the value axis goes this factor beyond the cells

/** Return {cells, maximum, range, resolution} of the heat of /data/plot: the cells that are not
 * empty, each {time, low, high, count}; the greatest count; the range of values that they take. */
export function heatCells(times, resolution, { bounds, counts }) {
  const edges = bucketEdges(bounds, counts);
  const cells = counts.flatMap((column, index) =>
    (column ?? []).flatMap((count, bucket) =>
      count ? [{ time: times[index], low: edges[bucket], high: edges[bucket + 1], count }] : [],
    ),
  );
  const maximum = cells.reduce((highest, { count }) => Math.max(highest, count), 0);
  const low = cells.reduce((lowest, cell) => Math.min(lowest, cell.low), Infinity);
  const high = cells.reduce((highest, cell) => Math.max(highest, cell.high), 0);
  return { cells, maximum, range: cells.length ? [low / AIR, high * AIR] : [1e-3, 1], resolution };
}

/** Return one edge more than there are buckets; all above 0, as a logarithmic scale needs them. */
function bucketEdges(bounds, counts) {
  const buckets = counts.find((column) => column)?.length ?? 0;
  const ratio = bounds.length > 2 ? bounds.at(-1) / bounds.at(-2) : 2;
  const edges = [...bounds];
  if (edges[0] <= 0) edges[0] = (edges[1] ?? 1e-6) / ratio;
  while (edges.length < buckets + 1) edges.unshift(edges[0] / ratio);
  return edges;
}

/** Return the cell at a time and value, or undefined; a cell is centred at its time. */
export function cellAt({ cells, resolution }, time, value) {
  return cells.find(
    (cell) => Math.abs(time - cell.time) <= resolution / 2 && cell.low <= value && value < cell.high,
  );
}

/** Return the shade, 0 to `shades` - 1, of a count: by its logarithm, since a few cells hold most. */
export function shadeOf(count, maximum, shades) {
  return Math.round((Math.log1p(count) / Math.log1p(maximum)) * (shades - 1));
}

/** Return the colour at `part` (0 to 1) of the way through `stops`, which are CSS colours that
 * getComputedStyle() returned: `rgb(1, 2, 3)`. */
export function gradient(stops, part) {
  const channels = stops.map((stop) => stop.match(/[\d.]+/g).slice(0, 3).map(Number));
  const place = part * (channels.length - 1);
  const index = Math.min(channels.length - 2, Math.floor(place));
  const mixed = channels[index].map((from, channel) =>
    Math.round(from + (channels[index + 1][channel] - from) * (place - index)),
  );
  return `rgb(${mixed.join(" ")})`;
}
