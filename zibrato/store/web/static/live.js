// The stream of closed intervals: it connects again by itself and says how it is.

const FIRST = 500;
const LONGEST = 5000;

/** Holds one EventSource open. `on.state(name)` gets connecting, live, stalled or reconnecting. */
export class Live {
  constructor(on, path = "/events") {
    this.on = on;
    this.path = path;
    this.wait = FIRST;
    this.interval = 10;
    this.failed = false;
    this.stale = false;
    addEventListener("online", () => this.retry());
    document.addEventListener("visibilitychange", () => document.hidden || this.retry());
  }

  open() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = new EventSource(this.path);
    this.source.onopen = () => this.opened();
    this.source.onerror = () => this.lost();
    this.source.addEventListener("interval", (event) => {
      this.stale = false;
      this.heard();
      this.on.interval(JSON.parse(event.data));
    });
    this.source.addEventListener("series", (event) => this.on.series(JSON.parse(event.data)));
  }

  /** Try at once where an attempt waits. */
  retry() {
    if (this.failed) this.open();
  }

  opened() {
    this.wait = FIRST;
    const again = this.failed;
    this.failed = false;
    this.heard();
    this.on.opened(again);
  }

  /** Whatever closed the stream, the next attempt is ours: a browser gives up at an HTTP error. */
  lost() {
    this.source.close();
    clearTimeout(this.silence);
    this.failed = true;
    this.on.state("reconnecting");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST);
  }

  /** A connection over which nothing came for three intervals is dead or the daemon stands still. */
  heard() {
    this.on.state(this.stale ? "stalled" : "live");
    clearTimeout(this.silence);
    this.silence = setTimeout(
      () => {
        this.stale = true;
        this.failed = true;
        this.on.state("stalled");
        this.open();
      },
      this.interval * 3000 + 5000,
    );
  }
}
