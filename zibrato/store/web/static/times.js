// Times for people, in the browser's own zone, 24 hours.

const DAY = 86400;

/** The time ranges that a plot offers, in seconds. */
export const RANGES = [
  [300, "5m", "5 minutes"],
  [3600, "1h", "1 hour"],
  [21600, "6h", "6 hours"],
  [DAY, "1d", "1 day"],
  [7 * DAY, "1w", "1 week"],
  [30 * DAY, "30d", "30 days"],
  [90 * DAY, "90d", "90 days"],
  [365 * DAY, "1y", "1 year"],
];

const twoDigits = (value) => String(value).padStart(2, "0");
const month = (date) => date.toLocaleString("en", { month: "short" });
const day = (date) => `${date.getDate()} ${month(date)}`;
const clock = (date) => `${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`;
const clockWithSeconds = (date) => `${clock(date)}:${twoDigits(date.getSeconds())}`;

/** Return the Unix time as `14 Mar 2026, 09:05:10`; without the date where it is today. */
export function timeText(seconds, now = Date.now() / 1000) {
  const date = new Date(seconds * 1000);
  const time = clockWithSeconds(date);
  if (date.toDateString() === new Date(now * 1000).toDateString()) return time;
  return `${day(date)} ${date.getFullYear()}, ${time}`;
}

/** Return the time range as a short text; with dates where it does not lie in today alone, the day
 * once where it is the same. */
export function timeRangeText(start, end, now = Date.now() / 1000) {
  const time = end - start > DAY ? clock : clockWithSeconds;
  const text = (seconds, before) => {
    const [date, known] = [seconds, before].map((one) => new Date(one * 1000));
    const isDated = date.toDateString() !== known.toDateString();
    return isDated ? `${day(date)} ${date.getFullYear()}, ${time(date)}` : time(date);
  };
  return `${text(start, now)} – ${text(end, start)}`;
}

/** Return the browser's time zone, in which all times are: `Europe/Berlin`. */
export const timeZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Return an axis label for each Unix time, given the seconds between two of them. A new day or year
 * has a second row, where the label before is of another. */
export function timeLabels(times, step) {
  const dates = times.map((seconds) => new Date(seconds * 1000));
  return dates.map((date, index) => label(date, dates[index - 1], step));
}

function label(date, previous, step) {
  if (step >= DAY) {
    const text = step >= 27 * DAY ? month(date) : day(date);
    const newYear = previous && previous.getFullYear() !== date.getFullYear();
    return newYear ? `${text}\n${date.getFullYear()}` : text;
  }
  const text = step < 60 ? clockWithSeconds(date) : clock(date);
  const newDay = previous && previous.toDateString() !== date.toDateString();
  return newDay ? `${text}\n${day(date)}` : text;
}

/** Return a step of `seconds` as a short text: `10 s`, `15 min`, `2.5 h`. */
export function stepText(seconds) {
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3600 ? `${Math.round(seconds / 60)} min` : `${Math.round((seconds / 3600) * 10) / 10} h`;
}
