// The scales of a plot: where an axis begins and ends, and where its ticks are.

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
const times = (unit, counts) => counts.map((count) => count * unit);

/** The steps that the ticks of a time axis may have, in seconds. uPlot's own lack 2 minutes, without
 * which a phone's 5 minutes have one tick; 30 and 365 days it takes for a month and a year. */
export const TIME_STEPS = [
  ...times(1, [1, 2, 5, 10, 15, 30]),
  ...times(MINUTE, [1, 2, 5, 10, 15, 30]),
  ...times(HOUR, [1, 2, 3, 4, 6, 8, 12]),
  ...times(DAY, [1, 2, 3, 4, 5, 7, 10, 15]),
  ...times(30 * DAY, [1, 2, 3, 4, 6]),
  ...times(365 * DAY, [1, 2, 5, 10]),
];

/** The steps of an axis of bytes. */
export const BINARY_STEPS = Array.from({ length: 60 }, (_, power) => 2 ** power);

/** Return the pixels that a label on the time axis needs: one with seconds is the widest. */
export function timeLabelSpace(low, high, width) {
  const [short, long] = [56, 72];
  return ((high - low) / width) * short > 30 ? short : long;
}

/** Return the ends of a linear scale: 0 where nothing is below it, and a little air above. */
export function linearRange(low, high) {
  if (low === null || high === null) return [0, 1];
  if (low === high) return low === 0 ? [0, 1] : low > 0 ? [0, high * 1.25] : [low * 1.25, 0];
  const air = (high - Math.min(0, low)) * 0.06;
  return [low < 0 ? low - air : 0, high + air];
}

/** Return the ends of a logarithmic scale: what there is, with a little air. */
export const logRange = (low, high) => (low > 0 ? [low / 1.2, high * 1.2] : [0.001, 1]);

/** Return the powers of 32 from `low` to `high`, at which bytes are round: 1 KiB, 32 KiB, 1 MiB. */
export function binarySplits(low, high) {
  const first = Math.ceil(Math.log2(low) / 5);
  const last = Math.floor(Math.log2(high) / 5);
  if (last - first < 1) return logSplits(low, high);
  return Array.from({ length: last - first + 1 }, (_, index) => 32 ** (first + index));
}

/** Return the powers of ten from `low` to `high`, with 2 and 5 times them where there are few.
 * (uPlot's own never end where the scale begins between two round numbers.) */
export function logSplits(low, high) {
  const digits = high / low > 150 ? [1] : [1, 2, 5];
  const splits = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power += 1)
    for (const digit of digits) {
      const value = Number((digit * 10 ** power).toPrecision(3));
      if (value >= low && value <= high) splits.push(value);
    }
  return splits;
}

/** Return the indexes of the values in runs between gaps that have fewer than `shortest` values: as
 * a line, such a run has no length that could be seen. */
export function shortRuns(values, shortest) {
  const indexes = [];
  let start = 0;
  for (let index = 0; index <= values.length; index += 1) {
    if (index < values.length && values[index] !== null) continue;
    if (index - start < shortest) for (let run = start; run < index; run += 1) indexes.push(run);
    start = index + 1;
  }
  return indexes;
}
