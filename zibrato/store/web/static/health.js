// How the daemon is: what it received, what was lost and why, what waits, how late it is.

import * as api from "./api.js";
import { bytes, duration, number, whole } from "./format.js";
import { h } from "./dom.js";
import { spark } from "./spark.js";

const LOSSES = [
  ["zibrato.intake.rejected", "Refused at the intake", "unreadable, or a value that can't be kept"],
  ["zibrato.series.overflow", "Over the bound of series", "raise --max-series, or use fewer tag values"],
  ["zibrato.backend.given_up", "Given up by a backend", "refused, or too old or too much to hold"],
  ["zibrato.client.dropped", "Dropped by clients", "while the daemon was away, or for a wrong value"],
];

const find = (list, name) => list.filter((one) => one.name === name);
const total = (list) => list.reduce((sum, one) => sum + (one.total ?? 0), 0);

/** Return how many measurements were lost since the daemon's start. */
export const lost = (list) => total(LOSSES.flatMap(([name]) => find(list, name)));

export class Health {
  /** `sparks(name)` returns the values of the daemon's series of that name; `link(kind, name)` the
   * address of its plot. */
  constructor(root, { sparks, link }) {
    this.root = root;
    this.sparks = sparks;
    this.link = link;
  }

  async load() {
    try {
      this.list = (await api.health()).series;
    } catch {
      this.list = null; // the connection's own state says why
    }
    return this.list;
  }

  show() {
    this.root.hidden = false;
    if (this.list) this.draw();
  }

  draw() {
    const { list } = this;
    const gone = lost(list);
    const close = h("a", { className: "button", href: "#/" }, "← Metrics");
    this.root.replaceChildren(
      h("header", {}, h("div", {}, h("h2", {}, "Health"), verdict(list, gone)), close),
      h("div", { className: "cards" }, ...this.cards(list)),
      losses(list),
      backends(list),
    );
    for (const canvas of this.root.querySelectorAll("canvas"))
      spark(canvas, canvas.dataset.kind, this.sparks(canvas.dataset.name), canvas.clientWidth, 44);
  }

  cards(list) {
    const newest = (name) => find(list, name)[0]?.last;
    const sum = (name) => (find(list, name).length ? find(list, name).reduce((all, one) => all + (one.last ?? 0), 0) : undefined);
    const received = find(list, "zibrato.intake.received");
    return [
      this.card("Received", whole(total(received)), "measurements since the start", "counter", "zibrato.intake.received"),
      this.card("Open series", whole(newest("zibrato.series")), "in the last interval", "gauge", "zibrato.series"),
      this.card("Outbox", bytes(sum("zibrato.outbox.bytes") ?? 0), `${number(sum("zibrato.outbox.snapshots") ?? 0)} intervals wait`, "gauge", "zibrato.outbox.bytes"),
      this.card("Reactor lag", duration(newest("zibrato.reactor.lag")), "worst in the last interval", "gauge", "zibrato.reactor.lag"),
      this.card("Flush", duration(newest("zibrato.flush.duration")), "to close an interval", "gauge", "zibrato.flush.duration"),
      this.card("Memory", bytes(newest("zibrato.process.resident_memory")), "resident", "gauge", "zibrato.process.resident_memory"),
    ];
  }

  card(title, value, note, kind, name) {
    return h(
      "a",
      { className: "card", href: this.link(kind, name) },
      h("span", {}, title),
      h("b", {}, value),
      h("small", {}, note),
      h("canvas", { "aria-hidden": "true", dataset: { kind, name } }),
    );
  }
}

function verdict(list, gone) {
  const received = total(find(list, "zibrato.intake.received"));
  const words = gone
    ? `${whole(gone)} ${gone === 1 ? "measurement was" : "measurements were"} lost since the daemon started, of ${whole(received)} received.`
    : "Nothing was lost since the daemon started.";
  return h("p", { className: "verdict", dataset: { state: gone ? "loss" : "good" } }, h("i", { "aria-hidden": "true" }), words);
}

function losses(list) {
  const rows = LOSSES.map(([name, title, hint]) => {
    const found = find(list, name);
    const reasons = found.filter((one) => one.total).map((one) => `${reason(one)}: ${whole(one.total)}`);
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, title, h("small", {}, hint)),
      h("td", {}, reasons.join(", ") || "–"),
      h("td", { className: total(found) ? "number bad" : "number" }, whole(total(found))),
    );
  });
  return table("Lost, by reason", ["Where", "Reason", "Measurements"], rows);
}

const reason = ({ tags }) =>
  [tags.reason ?? "unknown", tags.backend && `(${tags.backend})`].filter(Boolean).join(" ");

function backends(list) {
  const names = [...new Set(list.map((one) => one.tags.backend).filter(Boolean))].sort();
  const of = (name, backend) => find(list, name).filter((one) => one.tags.backend === backend);
  const rows = names.map((backend) => {
    const cells = [
      whole(total(of("zibrato.outbox.accepted", backend))),
      whole(total(of("zibrato.backend.delivered", backend))),
      whole(total(of("zibrato.backend.retried", backend))),
      whole(total(of("zibrato.backend.given_up", backend))),
      number(of("zibrato.outbox.snapshots", backend)[0]?.last ?? 0),
    ];
    return h("tr", {}, h("th", { scope: "row" }, backend), ...cells.map((cell) => h("td", { className: "number" }, cell)));
  });
  if (!rows.length) return null;
  return table("Backends", ["Backend", "Accepted", "Delivered", "Retried", "Given up", "Waiting"], rows);
}

function table(title, heads, rows) {
  const head = heads.map((name, index) => h("th", { scope: "col", className: index > 0 && name !== "Reason" ? "number" : "" }, name));
  return h(
    "section",
    { className: "table" },
    h("h3", {}, title),
    h("div", { className: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows))),
  );
}
