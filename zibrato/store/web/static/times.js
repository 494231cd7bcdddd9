// Times for people, in the browser's own zone, 24 hours.

const two = (value) => String(value).padStart(2, "0");
const month = (date) => date.toLocaleString("en", { month: "short" });

const day = (date) => `${date.getDate()} ${month(date)}`;
const clock = (date) => `${two(date.getHours())}:${two(date.getMinutes())}`;

/** Return the Unix time as `14 Mar 2026, 09:05:10`; without the date where it is today. */
export function moment(seconds, now = Date.now() / 1000) {
  const date = new Date(seconds * 1000);
  const time = `${clock(date)}:${two(date.getSeconds())}`;
  if (date.toDateString() === new Date(now * 1000).toDateString()) return time;
  return `${day(date)} ${date.getFullYear()}, ${time}`;
}

/** Return the range as a short text; with the date where it does not lie in today alone. */
export function span(start, end) {
  const dated = new Date(start * 1000).toDateString() !== new Date().toDateString();
  const long = end - start > 86400;
  const shown = (seconds) => {
    const date = new Date(seconds * 1000);
    const time = long ? clock(date) : `${clock(date)}:${two(date.getSeconds())}`;
    return dated ? `${day(date)} ${date.getFullYear()}, ${time}` : time;
  };
  return `${shown(start)} – ${shown(end)}`;
}

/** Return an axis label for each Unix time, given the seconds between two of them. */
export function labels(times, step) {
  let before = null;
  return times.map((seconds) => {
    const date = new Date(seconds * 1000);
    const first = before === null || before.toDateString() !== date.toDateString();
    const newYear = before !== null && before.getFullYear() !== date.getFullYear();
    const started = before === null;
    before = date;
    if (step >= 27 * 86400) return newYear ? `${month(date)}\n${date.getFullYear()}` : month(date);
    if (step >= 86400) return newYear ? `${day(date)}\n${date.getFullYear()}` : day(date);
    const time = step < 60 ? `${clock(date)}:${two(date.getSeconds())}` : clock(date);
    return first && !started ? `${time}\n${day(date)}` : time;
  });
}

/** The ranges that a plot offers, in seconds. */
export const RANGES = [
  [300, "5m", "5 minutes"],
  [3600, "1h", "1 hour"],
  [21600, "6h", "6 hours"],
  [86400, "1d", "1 day"],
  [604800, "1w", "1 week"],
  [2592000, "30d", "30 days"],
  [7776000, "90d", "90 days"],
  [31536000, "1y", "1 year"],
];
