// The stream of closed intervals: it connects again by itself and says how it is.

const FIRST_WAIT = 500; // milliseconds
const LONGEST_WAIT = 5000;

/** Holds one EventSource open. `on.state(name)` gets connecting, live, stalled or reconnecting;
 * `on.opened()` a connection; `on.series(list, update)` and `on.interval(closed, update)` what came,
 * with the number of the update that it tells of, `on.descriptions(list)` what is said of metrics. */
export class EventStream {
  constructor(on, path = "/events") {
    this.on = on;
    this.path = path;
    this.wait = FIRST_WAIT;
    this.interval = 10; // seconds
    this.failed = false;
    this.stale = false;
    addEventListener("online", () => this.retry());
    document.addEventListener("visibilitychange", () => document.hidden || this.retry());
  }

  open() {
    clearTimeout(this.reconnection);
    this.source?.close();
    this.source = new EventSource(this.path);
    this.source.onopen = () => this.opened();
    this.source.onerror = () => this.disconnected();
    this.source.addEventListener("interval", (event) => {
      this.stale = false;
      this.alive();
      this.on.interval(JSON.parse(event.data), Number(event.lastEventId));
    });
    this.source.addEventListener("series", (event) =>
      this.on.series(JSON.parse(event.data), Number(event.lastEventId)),
    );
    this.source.addEventListener("descriptions", (event) => this.on.descriptions(JSON.parse(event.data)));
  }

  /** Try at once where an attempt waits. */
  retry() {
    if (this.failed) this.open();
  }

  opened() {
    this.wait = FIRST_WAIT;
    this.failed = false;
    this.alive();
    this.on.opened();
  }

  /** Whatever closed the stream, the next attempt is ours: a browser gives up at an HTTP error. */
  disconnected() {
    this.source.close();
    clearTimeout(this.silence);
    this.failed = true;
    this.on.state("reconnecting");
    clearTimeout(this.reconnection);
    this.reconnection = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
  }

  /** Expect an interval in time: where nothing comes for three of them, the connection is dead or the
   * daemon stands still. */
  alive() {
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
