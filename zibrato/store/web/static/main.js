// Puts the page together: one state (the URL), one set of metrics, one stream.

import * as api from "./api.js";
import { byId, oncePerFrame, text } from "./dom.js";
import { EventStream } from "./event-stream.js";
import { Filters } from "./filters.js";
import { duration, whole } from "./format.js";
import { HealthView } from "./health-view.js";
import { HeldUpdates } from "./held-updates.js";
import { watchKeys } from "./keyboard.js";
import { MetricList } from "./metric-list.js";
import { Metrics, SPARK_LENGTH } from "./metrics.js";
import { noMatches, noMetricsYet, noSuchMetric } from "./notices.js";
import { PlotPanel } from "./plot-panel.js";
import * as route from "./route.js";
import { timeText } from "./times.js";

const UNFILTERED = { q: "", level: "", source: "", tag: "" };
const LIST = { view: "list", kind: "", name: "", from: "", to: "" };

const RETRY = 1000; // milliseconds

const metrics = new Metrics();
const updates = new HeldUpdates();
let state = route.read();
let loaded = false;
let emptyShape = null; // what the words on the empty list were made of

const isOtherView = (part) => "view" in part && (part.view !== state.view || part.name !== state.name);
/** Go to the state with `part` of it changed; Back undoes a change of view, and what is `undoable`. */
const change = (part, undoable = false) => route.go({ ...state, ...part }, undoable || isOtherView(part));
const clearFilters = () => change(UNFILTERED);

/** Return the state that shows the plot of a metric; a zoom stays, from plot to plot. */
function plotState({ kind, name }) {
  const zoom = state.view === "plot" ? {} : { from: "", to: "" };
  return { ...state, view: "plot", kind, name, ...zoom };
}

const filters = new Filters((part) => {
  const isListHidden = !byId("list").closest(".browser").offsetParent; // what is searched has to show
  change(isListHidden ? { ...part, ...LIST } : part);
});
const list = new MetricList(byId("list"), {
  link: (row) => route.format(plotState(row)),
  open: (row, focus) => {
    change(plotState(row));
    if (focus) byId("panel").focus();
  },
});
const panel = new PlotPanel(byId("panel"), { change, close });
const health = new HealthView(byId("health"), {
  link: (kind, name, source) => {
    const filter = metrics.hasOtherSources({ kind, name, source }) ? { source } : {};
    return route.format({ ...route.parse(""), own: "1", view: "plot", kind, name, ...filter });
  },
  spark: (name, source) => metrics.addedUp(name, source),
  acknowledged: showBadge,
});

function close() {
  change(LIST);
  byId("list").focus({ preventScroll: true });
}

/** Show the list as the state and the metrics are now. */
function showList() {
  const rows = metrics.select(state);
  filters.show(state, metrics.facets(state.own), metrics.hasSelfMetrics);
  const selected = state.view === "plot" ? `${state.kind} ${state.name}` : "";
  list.set(rows, { now: metrics.now, interval: metrics.interval, selected });
  text(byId("count"), loaded ? `${whole(rows.length)} metric${rows.length === 1 ? "" : "s"}` : "");
  showEmpty(loaded && !rows.length);
  for (const head of byId("heads").querySelectorAll("[data-sort]"))
    head.setAttribute("aria-pressed", String(head.dataset.sort === state.sort));
}

function showEmpty(isEmpty) {
  const isFiltered = Object.keys(UNFILTERED).some((name) => state[name]);
  byId("list").hidden = isEmpty;
  byId("heads").hidden = isEmpty;
  byId("empty").hidden = !isEmpty;
  const addresses = health.daemon?.addresses ?? null;
  const shape = isEmpty && JSON.stringify(isFiltered ? [state.q] : addresses);
  if (shape === emptyShape) return; // what is focused or selected there stays so
  emptyShape = shape;
  if (isEmpty) byId("empty").replaceChildren(...(isFiltered ? noMatches(state, clearFilters) : noMetricsYet(addresses)));
}

/** Show the view that the state asks for; the list with a word, where that metric is not there. */
function showView() {
  const metric = state.view === "plot" ? metrics.find(state) : null;
  const isMissing = state.view === "plot" && loaded && !metric;
  const view = isMissing ? "list" : state.view;
  byId("main").dataset.view = view;
  byId("notice").hidden = !isMissing;
  if (isMissing) text(byId("notice"), noSuchMetric(state, metrics.has(state)));
  document.title = { plot: `${state.name} · Zibrato`, health: "Health · Zibrato" }[view] ?? "Zibrato";
  if (metric) panel.show(metric, state, metrics);
  else panel.hide();
  if (view === "health") health.show();
  else health.hide();
  byId("health-link").toggleAttribute("aria-current", view === "health");
}

function show() {
  showList();
  showView();
}

async function load() {
  const isNewest = updates.hold();
  const answer = await api.series();
  if (!isNewest()) return; // the stream was opened anew meanwhile
  metrics.load(answer);
  updates.release(answer.updates);
  stream.interval = metrics.interval;
  text(byId("activity"), `Activity, ${duration(SPARK_LENGTH * metrics.interval)}`);
  loaded = true;
  show();
  if (state.view === "plot") list.reveal();
  await checkHealth();
}

async function checkHealth() {
  if (!(await health.load())) return;
  showBadge();
  if (state.view === "health") health.draw();
  if (emptyShape) showList(); // it says where the daemon listens
}

function showBadge() {
  const { news, problem } = health;
  const badge = byId("health-badge");
  badge.hidden = !news && !problem;
  badge.dataset.state = news ? "loss" : (problem?.severity ?? "");
  const words = [problem && `${problem.severity}: ${problem.text}`, news && `Measurements: ${news}`].filter(Boolean);
  byId("health-link").title = words.join("\n") || "Health of the daemon";
}

const showSoon = oncePerFrame(show); // what is linked to may be among new series
const followSoon = oncePerFrame(() => {
  showList();
  panel.tick(metrics.now);
});

const STATES = {
  connecting: "Connecting",
  live: "Live",
  stalled: "No data",
  reconnecting: "Reconnecting…",
};

const stream = new EventStream({
  state: (name) => {
    byId("status").dataset.state = name;
    text(byId("status-text"), STATES[name]);
    health.stale(name === "reconnecting");
  },
  opened: () => load().catch(() => setTimeout(() => stream.open(), RETRY)),
  series: (added, update) =>
    updates.apply(update, () => {
      metrics.add(added);
      showSoon();
    }),
  // Of no update: what is said twice of a metric is the same.
  descriptions: (list) =>
    updates.apply(Infinity, () => {
      metrics.tell(list);
      showSoon();
    }),
  interval: (closed, update) =>
    updates.apply(update, () => {
      metrics.apply(closed);
      showBeat(closed.end);
      followSoon();
      checkHealth();
    }),
});

function showBeat(end) {
  byId("status").title = `Last interval: ${timeText(end)}`;
  byId("status").classList.remove("beat");
  requestAnimationFrame(() => byId("status").classList.add("beat"));
}

route.watch(() => {
  state = route.read();
  show();
});

byId("heads").addEventListener("click", (event) => {
  const { sort } = event.target.dataset;
  if (sort) change({ sort });
});

watchKeys({ state: () => state, clearSearch: () => change({ q: "" }), close, plotKey: (name) => panel.key(name) });

byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("list").focus();
});

const THEMES = { auto: ["◐", "as the system"], light: ["☀", "light"], dark: ["☾", "dark"] };
function showTheme() {
  const [glyph, words] = THEMES[document.documentElement.dataset.theme];
  text(byId("theme"), glyph);
  byId("theme").setAttribute("aria-label", `Theme: ${words}`);
  byId("theme").title = `Theme: ${words}`;
  if (loaded) showList();
  if (state.view === "health" && health.list) health.draw();
}
byId("theme").addEventListener("click", () => window.nextTheme());
addEventListener("theme", showTheme);

showTheme();
show();
stream.open();
