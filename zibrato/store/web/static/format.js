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

/** Return `value` to three significant digits, without an exponent or trailing zeros. */
function digits(value) {
  const size = Math.abs(value);
  const places = size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
  const shown = value.toFixed(places).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  return shown.replace("-", MINUS);
}

const missing = (value) => value === null || value === undefined || !Number.isFinite(value);

function scaled(value, steps) {
  const size = Math.abs(value);
  const [step, unit] = steps.find(([least]) => size >= least * 0.9995) ?? steps[steps.length - 1];
  return [digits(value / step), unit];
}

/** Return a plain number: `1,234` up to 9,999 where it is whole, else `12.3 k`, `4.5 m`. */
export function number(value) {
  if (missing(value)) return MISSING;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 10000) return value.toLocaleString("en").replace("-", MINUS);
  if (size >= 999.5) return scaled(value, SI).join(" ").trim();
  if (size >= 0.01) return digits(value);
  return size < 1e-9 ? value.toExponential(1).replaceAll("-", MINUS) : scaled(value, SMALL).join(" ").trim();
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

/** Return events a second as `12.3/s`, or `4/min`, `2/h` where a second is too short to see one. */
export function rate(value) {
  if (missing(value)) return MISSING;
  if (value === 0) return "0/s";
  const size = Math.abs(value);
  if (size >= 999.5) return `${scaled(value, SI).join(" ")}/s`;
  if (size >= 0.1) return `${number(Math.round(value * 1000) / 1000)}/s`;
  return size * 60 >= 0.1 ? `${digits(value * 60)}/min` : `${digits(value * 3600)}/h`;
}

const UNITS = { seconds: duration, bytes, rate, number };

/** Return the unit of a metric's values: timers are seconds; a gauge's name may tell. */
export function unitOf(kind, name) {
  if (kind === "timer") return "seconds";
  if (kind === "counter") return "number";
  if (/(^|[._])(bytes|memory)$/.test(name)) return "bytes";
  return /(^|[._])(seconds|duration|lag|latency)$/.test(name) ? "seconds" : "number";
}

export const inUnit = (unit, value) => UNITS[unit](value);

/** Return the labels of an axis: one prefix and one number of decimals for all of its ticks. */
export function ticks(unit, values) {
  const shown = values.filter((value) => value !== null);
  if (unit === "rate") return ticks("number", values).map((label) => (label && label !== "0" ? `${label}/s` : label));
  const top = Math.max(...shown.map(Math.abs), 0);
  const steps = unit === "seconds" ? TIMES : unit === "bytes" ? [...IEC, [1, "B"]] : [...SI, ...SMALL];
  if (top === 0) return values.map((value) => (value === null ? null : "0"));
  const [step, name] =
    unit === "seconds" && top < 120 && top >= 1 ? [1, "s"] : (steps.find(([least]) => top >= least) ?? steps.at(-1));
  const gap = shown.length > 1 ? Math.abs(shown[1] - shown[0]) / step : top / step;
  const places = Math.min(6, Math.max(0, Math.ceil(-Math.log10(gap) - 1e-9)));
  const fraction = Math.abs(gap * 10 ** places - Math.round(gap * 10 ** places)) > 1e-6 ? places + 1 : places;
  return values.map((value) => {
    if (value === null) return null;
    if (value === 0) return "0";
    return `${(value / step).toFixed(fraction).replace("-", MINUS)} ${name}`.trim();
  });
}

/** Return how long ago `seconds` is: `just now`, `40 s ago`, `3 h ago`. */
export function ago(seconds) {
  if (seconds < 5) return "just now";
  const [step, unit] = TIMES.find(([least]) => seconds >= least);
  return `${Math.floor(seconds / step)} ${unit} ago`;
}
