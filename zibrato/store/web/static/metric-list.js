// The list of metrics: only the rows in view exist, whatever the number of metrics is.

import { h, oncePerFrame, text } from "./dom.js";
import { ago, inUnit, rate, unitOf } from "./format.js";
import { ColumnLetters, nameText, sourceText } from "./row-text.js";
import { drawSparkline } from "./sparkline.js";
import { summary } from "./summary.js";

const NOTES = { timer: () => "p95", gauge: (series) => (series > 1 ? "mean" : "") };
const OVERSCAN = 6;
const ROOMY_HEIGHT = 52; // of a row, in pixels, as list.css has it

/** `on.open(row)` is called for a click or Enter; `link(row)` returns a row's address. */
export class MetricList {
  constructor(root, on) {
    this.root = root;
    this.space = root.firstElementChild;
    this.on = on;
    this.rows = [];
    this.pool = [];
    this.active = -1;
    this.selected = "";
    this.letters = new ColumnLetters(); // of all rows that were ever shown: see fit()
    this.fitted = { name: 0, source: 0 };
    this.version = 0; // of what the rows show: a row that shows it already is left alone
    this.draw = oncePerFrame(() => this.paint());
    root.addEventListener("scroll", this.draw, { passive: true });
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("focus", () => this.active < 0 && this.move(0));
    root.addEventListener("click", (event) => this.click(event));
    new ResizeObserver(() => this.measure()).observe(root);
  }

  /** Show `rows`; `now` and `interval` in seconds tell what is out of date. */
  set(rows, { now, interval, selected }) {
    const key = this.rows[this.active]?.key;
    this.rows = rows;
    this.now = now;
    this.interval = interval;
    this.selected = selected;
    this.version += 1;
    this.active = key ? rows.findIndex((row) => row.key === key) : -1;
    this.root.setAttribute("aria-rowcount", rows.length);
    this.fit();
    this.space.style.height = `${rows.length * this.rowHeight()}px`;
    this.draw();
  }

  /** Give the columns the width that their texts need, and few rows more height than many. */
  fit() {
    // Never narrower than before: columns must not jump about while a person types a search.
    for (const [name, count] of Object.entries(this.letters.of(this.rows))) {
      if (count === this.fitted[name]) continue;
      this.fitted[name] = count;
      this.root.parentElement.style.setProperty(`--${name}-letters`, count);
      for (const slot of this.pool) slot.sparkWidth = 0;
    }
    const isRoomy = this.rows.length * ROOMY_HEIGHT <= this.root.clientHeight;
    if (this.root.classList.contains("roomy") === isRoomy) return;
    this.root.classList.toggle("roomy", isRoomy);
    this.height = undefined;
    for (const slot of this.pool) slot.sparkWidth = 0;
  }

  /** Bring the selected row into view, where it isn't. */
  reveal() {
    const index = this.rows.findIndex((row) => row.key === this.selected);
    if (index < 0) return;
    const top = index * this.rowHeight();
    const seen = top >= this.root.scrollTop && top + this.rowHeight() <= this.root.scrollTop + this.root.clientHeight;
    if (!seen) this.root.scrollTop = top - this.root.clientHeight / 2;
    this.move(index);
  }

  rowHeight() {
    this.height ??= parseFloat(getComputedStyle(this.space).getPropertyValue("--row")) || 44;
    return this.height;
  }

  measure() {
    this.fit();
    this.height = undefined;
    this.space.style.height = `${this.rows.length * this.rowHeight()}px`;
    for (const slot of this.pool) slot.sparkWidth = 0;
    this.version += 1;
    this.draw();
  }

  paint() {
    const height = this.rowHeight();
    const first = Math.max(0, Math.floor(this.root.scrollTop / height) - OVERSCAN);
    const last = Math.min(
      this.rows.length,
      Math.ceil((this.root.scrollTop + this.root.clientHeight) / height) + OVERSCAN,
    );
    const needed = Math.ceil(this.root.clientHeight / height) + 2 * OVERSCAN + 2;
    while (this.pool.length < needed) this.pool.push(emptySlot(this.space));
    while (this.pool.length > needed) this.pool.pop().element.remove();
    const used = new Set();
    for (let index = first; index < last; index += 1) {
      const slot = this.pool[index % this.pool.length];
      used.add(slot);
      this.fill(slot, index, height);
    }
    for (const slot of this.pool) if (!used.has(slot)) slot.element.hidden = true;
    this.mark();
  }

  /** Show the row at `index` in a slot of the pool, which may show it already. */
  fill(slot, index, height) {
    if (slot.index === index && slot.version === this.version && !slot.element.hidden) return;
    Object.assign(slot, { index, version: this.version });
    const row = this.rows[index];
    const { element, parts } = slot;
    const { last, rate: perSecond, seen, spark, bound } = summary(row);
    const unit = unitOf(row.shown, row.name, row.about.units);
    const { space, own, tags } = nameText(row);
    const stale = this.now - seen > Math.max(60, 6 * this.interval);
    element.hidden = false;
    element.id = `row-${index}`;
    element.dataset.key = row.key;
    element.dataset.kind = row.shown;
    element.style.transform = `translateY(${index * height}px)`;
    element.setAttribute("aria-rowindex", index + 1);
    element.setAttribute("aria-selected", row.key === this.selected);
    element.classList.toggle("stale", stale);
    parts.link.href = this.on.link(row);
    parts.link.title = row.name;
    text(parts.space, space);
    text(parts.own, own);
    text(parts.tags, tags);
    text(parts.kind, row.shown);
    showLevels(parts.level, row.series);
    showSources(parts.source, sourceText(row));
    text(parts.last, last === null ? "–" : bound + inUnit(unit, last));
    text(parts.note, NOTES[row.shown]?.(row.series.length) ?? "");
    const idle = seen ? ago(this.now - seen) : "idle";
    text(parts.rate, stale ? idle : row.shown === "gauge" ? "" : rate(perSecond));
    if (!slot.sparkWidth) Object.assign(slot, { sparkWidth: parts.spark.clientWidth, sparkHeight: parts.spark.clientHeight });
    drawSparkline(parts.canvas, row.shown, spark, slot.sparkWidth, slot.sparkHeight, row.kind !== "counter");
  }

  mark() {
    for (const { element } of this.pool)
      element.classList.toggle("active", !element.hidden && element.id === `row-${this.active}`);
    if (this.active >= 0) this.root.setAttribute("aria-activedescendant", `row-${this.active}`);
    else this.root.removeAttribute("aria-activedescendant");
  }

  move(index) {
    if (!this.rows.length) return;
    this.active = Math.max(0, Math.min(this.rows.length - 1, index));
    const height = this.rowHeight();
    const top = this.active * height;
    if (top < this.root.scrollTop) this.root.scrollTop = top;
    else if (top + height > this.root.scrollTop + this.root.clientHeight)
      this.root.scrollTop = top + height - this.root.clientHeight;
    this.draw();
  }

  key(event) {
    const page = Math.max(1, Math.floor(this.root.clientHeight / this.rowHeight()) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1, PageDown: page, PageUp: -page };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in steps) this.move(this.active + steps[event.key]);
    else if (event.key === "Home") this.move(0);
    else if (event.key === "End") this.move(this.rows.length - 1);
    else if (event.key === "Enter" && this.rows[this.active]) this.on.open(this.rows[this.active], true);
    else return;
    event.preventDefault();
  }

  click(event) {
    const element = event.target.closest("[role=row]");
    if (!element || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.active = this.rows.findIndex((row) => row.key === element.dataset.key);
    this.on.open(this.rows[this.active], false);
  }
}

/** Append an empty row to `root`; return it with its parts, as a slot of the pool. */
function emptySlot(root) {
  const cell = (name, ...children) => h("span", { className: name, role: "gridcell" }, ...children);
  const [space, own, tags] = ["space-name", "own-name", "tags"].map((name) => h("span", { className: name }));
  const link = h("a", { tabIndex: -1, draggable: false }, space, own);
  const canvas = h("canvas", { "aria-hidden": "true" });
  const [value, note] = [h("span"), h("small")];
  const parts = { space, own, tags, link, canvas, last: value, note };
  parts.spark = cell("spark", canvas);
  parts.kind = cell("kind");
  parts.level = cell("level");
  parts.source = cell("source", h("span"), h("b"));
  parts.rate = cell("rate number");
  const element = h(
    "div",
    { className: "row", role: "row", hidden: true },
    cell("name", link, tags),
    parts.spark,
    h("span", { className: "meta", role: "presentation" }, parts.kind, parts.level, parts.source),
    cell("last number", note, value),
    parts.rate,
  );
  root.append(element);
  return { element, parts, sparkWidth: 0, sparkHeight: 0 };
}

function showLevels(cell, series) {
  const names = [...new Set(series.map(({ level }) => level))];
  text(cell, names.length > 2 ? `${names.length} levels` : names.join(", "));
  cell.dataset.level = names.length === 1 ? names[0] : "";
}

function showSources(cell, { names, first, others }) {
  text(cell.firstChild, first);
  text(cell.lastChild, others);
  cell.title = names.slice(0, 20).join("\n");
}
