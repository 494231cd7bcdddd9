// Numbers for people: three significant digits, SI prefixes, the field's units.

const MISSING = "–";
const MINUS = "−";
const SI = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];
const SMALL = [
  [1, ""],
  [1e-3, "m"],
  [1e-6, "µ"],
  [1e-9, "n"],
];
const IEC = [
  [2 ** 40, "TiB"],
  [2 ** 30, "GiB"],
  [2 ** 20, "MiB"],
  [2 ** 10, "KiB"],
];
const TIMES = [
  [86400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"],
  [1e-3, "ms"],
  [1e-6, "µs"],
  [1e-9, "ns"],
];

/** Return `value` to three significant digits with an exponent, `1.5e18`. */
function exponential(value) {
  return Number(value.toPrecision(3)).toExponential().replace("+", "").replaceAll("-", MINUS);
}

/** Return whether a number has no prefix that people know. */
const isExtreme = (size) => size >= 999.5e12 || size < 1e-9;

/** Return `value` to three significant digits without trailing zeros; with an exponent only if it
 * would have eight digits or more, as that of a prefix or unit which is the last one there is. */
function digits(value) {
  const size = Math.abs(value);
  if (size >= 1e7) return exponential(value);
  const places = size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
  const shown = value.toFixed(places).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  return shown.replace("-", MINUS);
}

const missing = (value) => value === null || value === undefined || !Number.isFinite(value);

function scaled(value, steps) {
  const size = Math.abs(value);
  const [step, unit] = steps.find(([threshold]) => size >= threshold * 0.9995) ?? steps[steps.length - 1];
  return [digits(value / step), unit];
}

/** Return a plain number: `1,234` up to 9,999 where it is whole, else `12.3 k`, `4.5 m`. */
export function number(value) {
  if (missing(value)) return MISSING;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 10000) return value.toLocaleString("en").replace("-", MINUS);
  if (isExtreme(size)) return exponential(value);
  if (size >= 999.5) return scaled(value, SI).join(" ").trim();
  return size >= 0.01 ? digits(value) : scaled(value, SMALL).join(" ").trim();
}

/** Return a whole number in full, `1,204,331`. */
export const whole = (value) => (missing(value) ? MISSING : Math.round(value).toLocaleString("en"));

/** Return a duration of `value` seconds: `4.2 ms`, `1.5 s`, `3 min`. */
export function duration(value) {
  if (missing(value)) return MISSING;
  if (value === 0) return "0 s";
  if (Math.abs(value) < 120 && Math.abs(value) >= 0.9995) return `${digits(value)} s`;
  return scaled(value, TIMES).join(" ");
}

/** Return a size in bytes: `64.2 MiB`. */
export function bytes(value) {
  if (missing(value)) return MISSING;
  return Math.abs(value) < 1024 ? `${digits(value)} B` : scaled(value, IEC).join(" ");
}

/** Return [factor, suffix] that suit events a second of about `size`: where a second is too short to
 * see one, a minute or an hour. */
function rateScale(size) {
  if (size >= 0.1 || size === 0) return [1, "/s"];
  return size * 60 >= 0.1 ? [60, "/min"] : [3600, "/h"];
}

/** Return events a second as `12.3/s`, or `4/min`, `2/h`. */
export function rate(value) {
  if (missing(value)) return MISSING;
  if (value === 0) return "0/s";
  const size = Math.abs(value);
  if (size >= 999.5) return `${isExtreme(size) ? exponential(value) : scaled(value, SI).join(" ")}/s`;
  const [factor, suffix] = rateScale(size);
  if (factor === 1) return `${number(Math.round(value * 1000) / 1000)}${suffix}`;
  return `${digits(value * factor)}${suffix}`;
}

const milliseconds = (value) => duration(missing(value) ? null : value / 1000);
const UNITS = { seconds: duration, milliseconds, bytes, rate, number };

// How people write the units that have a form of their own here.
const KNOWN_UNITS = Object.fromEntries([
  ...["s", "sec", "second", "seconds"].map((word) => [word, "seconds"]),
  ...["ms", "msec", "millisecond", "milliseconds"].map((word) => [word, "milliseconds"]),
  ...["b", "byte", "bytes"].map((word) => [word, "bytes"]),
  ["1", "number"],
]);
const TIME = /^([num\u00b5\u03bc]?s(ec)?|((nano|micro|milli)?second|min(ute)?|hour|day)s?|[hd])$/i;

/** Return the unit of a metric's values: what was said of the metric; else timers are seconds, and a
 * gauge's name may tell. A timer of any time is in seconds. A number or a rate may have a word:
 * `number jobs`. */
export function unitOf(kind, name, units = "") {
  if (kind === "timer" && (!units || TIME.test(units))) return "seconds";
  if (units) return KNOWN_UNITS[units.toLowerCase()] ?? `number ${units}`;
  if (kind === "counter") return "number";
  if (/(^|[._])(bytes|memory)$/.test(name)) return "bytes";
  return /(^|[._])(seconds|duration|lag|latency)$/.test(name) ? "seconds" : "number";
}

/** Return a unit without its word. */
export const baseUnit = (unit) => unit.split(" ", 1)[0];

/** Return the unit of what is counted in `unit` a second. */
export function rateUnit(unit) {
  const base = baseUnit(unit);
  return { bytes: "rate B", seconds: "rate s", milliseconds: "rate ms" }[base] ?? unit.replace(base, "rate");
}

export function inUnit(unit, value) {
  const base = baseUnit(unit);
  const written = UNITS[base](value);
  const word = unit.slice(base.length);
  if (missing(value)) return written;
  return base === "rate" ? written.replace("/", `${word}/`) : written + word;
}

const largest = (values) => values.reduce((size, value) => Math.max(size, Math.abs(value ?? 0)), 0);

/** Return [divisor, name] of the prefix or unit that all ticks up to `size` get. A number that
 * `number` writes in plain digits stays so. */
function tickUnit(unit, size) {
  if (unit === "seconds" && size < 120 && size >= 1) return [1, "s"];
  if (unit === "number" && size < 1000 && size >= 0.01) return [1, ""];
  const steps = { seconds: TIMES, bytes: [...IEC, [1, "B"]], number: [...SI, ...SMALL] }[unit];
  return steps.find(([threshold]) => size >= threshold) ?? steps.at(-1);
}

/** Return how many decimals tell ticks apart that are `gap` from each other. */
function decimals(gap) {
  const places = Math.min(6, Math.max(0, Math.ceil(-Math.log10(gap) - 1e-9)));
  const rest = gap * 10 ** places;
  return Math.abs(rest - Math.round(rest)) > 1e-6 ? places + 1 : places;
}

/** Return the labels of an axis, in a unit without a word: one prefix and one number of decimals for all of its ticks. */
export function ticks(unit, values) {
  if (unit === "rate") return rateTicks(values);
  if (unit === "milliseconds") return ticks("seconds", values.map((value) => (value === null ? null : value / 1000)));
  const labels = (write) => values.map((value) => (value === null ? null : value === 0 ? "0" : write(value)));
  const size = largest(values);
  if (size === 0) return labels();
  if (unit === "number" && isExtreme(size)) return labels(exponential);
  const [step, name] = tickUnit(unit, size);
  const shown = values.filter((value) => value !== null);
  const gap = shown.length > 1 ? Math.abs(shown[1] - shown[0]) / step : size / step;
  const places = decimals(gap);
  return labels((value) => `${(value / step).toFixed(places).replace("-", MINUS)} ${name}`.trim());
}

function rateTicks(values) {
  const [factor, suffix] = rateScale(largest(values));
  const scaledUp = values.map((value) => (value === null ? null : value * factor));
  return ticks("number", scaledUp).map((label) => (label && label !== "0" ? label + suffix : label));
}

/** Return where a rate's axis from `low` to `high` has its ticks, about `step` apart: at round
 * numbers of what they are written in, a second, a minute or an hour. */
export function rateSplits(low, high, step) {
  const [factor] = rateScale(Math.max(Math.abs(low), Math.abs(high)));
  const round = factor === 1 ? step : roundedUp(step * factor) / factor;
  const first = Math.ceil(low / round - 1e-9);
  const last = Math.floor(high / round + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * round);
}

/** Return the least of 1, 2 and 5 times a power of ten that is not below `value`. */
function roundedUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((digit) => digit * power >= value * (1 - 1e-9)) * power;
}

/** Return how long ago `seconds` is: `just now`, `40 s ago`, `3 h ago`. */
export function ago(seconds) {
  if (seconds < 5) return "just now";
  const [step, unit] = TIMES.find(([threshold]) => seconds >= threshold);
  return `${Math.floor(seconds / step)} ${unit} ago`;
}
