// How the daemon is: what it received, what was rejected or dropped and why, what waits, how late it is.

import { acknowledge, readAcknowledged, unacknowledged } from "./acknowledged.js";
import * as api from "./api.js";
import { h } from "./dom.js";
import { bytes, duration, number, rate, whole } from "./format.js";
import { backendCounts, CLAMPED, LOSSES, lossCounts, lossWords, named, reasons, total } from "./self-metrics.js";
import { drawSparkline } from "./sparkline.js";

const SPARKLINE_HEIGHT = 44;

export class HealthView {
  /** `spark(name, source)` returns the values of the daemon's series of that name; `link(kind, name,
   * source)` the address of its plot; `acknowledged()` is called when losses were acknowledged. */
  constructor(root, on) {
    this.root = root;
    this.on = on;
    this.daemon = null;
    this.isStale = false;
  }

  /** Return what the daemon tells of itself, or null if it can't be asked; then its last answer stays. */
  async load() {
    try {
      this.daemon = await api.health();
    } catch {
      return null; // the connection's own state says why
    }
    return this.daemon;
  }

  get list() {
    return this.daemon?.series ?? null;
  }

  /** Return the worst of the problems, or null: the daemon's own verdict, as `zibrato status` has it. */
  get problem() {
    return bySeverity(this.daemon.problems)[0] ?? null;
  }

  /** Return the losses that no one has acknowledged, in words, or null. */
  get news() {
    const { series, started } = this.daemon;
    return lossWords(unacknowledged(lossCounts(series), started, readAcknowledged()), whole);
  }

  /** Say whether the figures are the last ones of a daemon that can't be reached. */
  stale(isStale) {
    this.isStale = isStale;
    if (!this.root.hidden && this.list) this.draw();
  }

  show() {
    this.root.hidden = false;
    if (this.list) this.draw();
  }

  hide() {
    this.root.hidden = true;
  }

  draw() {
    const { list } = this;
    const close = h("a", { className: "button", href: "#/" }, "← Metrics");
    this.root.replaceChildren(
      ...[
        h("header", {}, h("h2", {}, "Health"), close),
        ...this.problems(),
        this.verdict(list),
        h("div", { className: "cards" }, ...this.cards(list)),
        backendTable(list),
        lossTable(list),
      ].filter(Boolean),
    );
    for (const canvas of this.root.querySelectorAll("canvas"))
      drawSparkline(canvas, canvas.dataset.kind, this.on.spark(canvas.dataset.name, this.daemon.source), canvas.clientWidth, SPARKLINE_HEIGHT);
  }

  problems() {
    if (this.isStale) return [];
    return bySeverity(this.daemon.problems).map(({ severity, text }) => verdict(severity, h("span", {}, h("b", {}, `${severity}:`), ` ${text}`)));
  }

  verdict(list) {
    if (this.isStale) return verdict("loss", "The daemon can’t be reached. These are its last figures.");
    const loss = lossWords(lossCounts(list), whole);
    if (!loss) return verdict(this.problem ? "seen" : "good", "Nothing was rejected or dropped since the daemon started.");
    const { news } = this;
    const received = whole(total(named(list, "zibrato.intake.received")));
    const words = `Measurements since the daemon started: ${loss}, ${received} received.`;
    return news ? verdict("loss", words, this.button()) : verdict("seen", `${words} You have acknowledged that.`);
  }

  button() {
    const title = "Hide the badge until more is rejected or dropped; the counts stay";
    const button = h("button", { type: "button", className: "chip", title }, "Acknowledge");
    button.addEventListener("click", () => {
      acknowledge(lossCounts(this.list), this.daemon.started);
      this.draw();
      this.on.acknowledged();
    });
    return button;
  }

  cards(list) {
    const newest = (name) => named(list, name)[0]?.last;
    const sum = (name) => named(list, name).reduce((all, series) => all + (series.last ?? 0), 0);
    const received = total(named(list, "zibrato.intake.received"));
    const waiting = `${number(sum("zibrato.outbox.snapshots"))} intervals wait`;
    const others = `since the start; ${rate(this.daemon.received_rate)} besides the daemon’s own`;
    return [
      this.card("Received", whole(received), others, "counter", "zibrato.intake.received"),
      this.card("Open series", whole(newest("zibrato.series")), "in the last interval", "gauge", "zibrato.series"),
      this.card("Outbox", bytes(sum("zibrato.outbox.bytes")), waiting, "gauge", "zibrato.outbox.bytes"),
      this.card("Reactor lag", duration(newest("zibrato.reactor.lag")), "worst in the last interval", "gauge", "zibrato.reactor.lag"),
      this.card("Flush", duration(newest("zibrato.flush.duration")), "to close an interval", "gauge", "zibrato.flush.duration"),
      this.card("Memory", bytes(newest("zibrato.process.resident_memory")), "resident", "gauge", "zibrato.process.resident_memory"),
    ];
  }

  card(title, value, note, kind, name) {
    return h(
      "a",
      { className: "card", href: this.on.link(kind, name, this.daemon.source) },
      h("span", {}, title),
      h("b", {}, value),
      h("small", {}, note),
      h("canvas", { "aria-hidden": "true", dataset: { kind, name } }),
    );
  }
}

/** Return the problems, critical ones first. */
function bySeverity(problems) {
  return problems.toSorted((a, b) => a.severity.localeCompare(b.severity)); // critical, warning
}

function verdict(state, ...content) {
  return h("p", { className: "verdict", dataset: { state } }, h("i", { "aria-hidden": "true" }), ...content);
}

function lossTable(list) {
  const rows = LOSSES.map(([name, fate, where, hint]) => {
    const title = `${fate[0].toUpperCase()}${fate.slice(1)} ${where[0].toLowerCase()}${where.slice(1)}`;
    return lossRow(list, name, title, hint, "number bad");
  });
  if (total(named(list, CLAMPED)))
    rows.push(lossRow(list, CLAMPED, "Timestamps clamped at the intake", "too old or in the future: counted at the time of arrival instead", "number"));
  return table("Rejected and dropped, by reason", ["Where", "Reason", "Measurements"], rows);
}

function lossRow(list, name, title, hint, className) {
  const count = total(named(list, name));
  const why = reasons(list, name).map(([reason, sum]) => `${reason}: ${whole(sum)}`);
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, title, h("small", {}, hint)),
    h("td", {}, why.join(", ") || "–"),
    h("td", { className: count ? className : "number" }, whole(count)),
  );
}

function backendTable(list) {
  const rows = backendCounts(list).map(([backend, counts]) => {
    const { accepted, delivered, retried, dropped, waiting } = counts;
    const cells = [...[accepted, delivered, retried, dropped].map(whole), number(waiting)];
    return h("tr", {}, h("th", { scope: "row" }, backend), ...cells.map((cell) => h("td", { className: "number" }, cell)));
  });
  const heads = ["Backend", "Accepted", "Delivered", "Retried", "Dropped", "Intervals waiting"];
  return rows.length ? table("Backends", heads, rows) : null;
}

function table(title, heads, rows) {
  const isNumber = (name, index) => index > 0 && name !== "Reason";
  const head = heads.map((name, index) => h("th", { scope: "col", className: isNumber(name, index) ? "number" : "" }, name));
  return h(
    "section",
    { className: "table" },
    h("h3", {}, title),
    h("div", { className: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows))),
  );
}
