// Puts the page together: one state (the URL), one set of metrics, one stream.

import * as api from "./api.js";
import { byId, framed, text } from "./dom.js";
import { nothingFound, nothingYet } from "./empty.js";
import { Filters } from "./filters.js";
import { whole } from "./format.js";
import { Health, lost } from "./health.js";
import { watchKeys } from "./keys.js";
import { List } from "./list.js";
import { Live } from "./live.js";
import { Metrics } from "./metrics.js";
import { Panel } from "./plot.js";
import * as route from "./route.js";
import { recolor } from "./spark.js";
import { moment } from "./times.js";

const metrics = new Metrics();
let state = route.read();
let loaded = false;

const elsewhere = (part) => "view" in part && (part.view !== state.view || part.name !== state.name);
const change = (part) => route.go({ ...state, ...part }, elsewhere(part));
const home = () => change({ view: "list", kind: "", name: "", from: "", to: "" });
const plotOf = ({ kind, name }) => ({ ...state, view: "plot", kind, name, ...(state.view === "plot" ? {} : { from: "", to: "" }) });
const clear = () => change({ q: "", level: "", source: "", tag: "" });

const filters = new Filters((part) => {
  const unseen = !byId("list").closest(".browser").offsetParent; // what is searched has to show
  change(unseen ? { ...part, view: "list", kind: "", name: "", from: "", to: "" } : part);
});
const list = new List(byId("list"), {
  link: (row) => route.format(plotOf(row)),
  open: (row, focus) => {
    change(plotOf(row));
    if (focus) byId("panel").focus();
  },
});
const panel = new Panel(byId("panel"), { change, close });
const health = new Health(byId("health"), {
  link: (kind, name) => route.format({ ...route.parse(""), own: "1", view: "plot", kind, name }),
  sparks: (name) => merged(name),
});

/** Add up the sparklines of the daemon's series of one name. */
function merged(name) {
  const found = [...metrics.series.values()].filter((one) => one.name === name);
  return (found[0]?.spark ?? []).map((_, index) => {
    const values = found.map((one) => one.spark[index]).filter((value) => value !== null);
    return values.length ? values.reduce((a, b) => a + b) : null;
  });
}

function close() {
  home();
  byId("list").focus({ preventScroll: true });
}

/** Show the list as the state and the metrics are now. */
function showList() {
  const rows = metrics.select(state);
  const facets = metrics.facets(state.own);
  filters.show(state, facets, metrics.owned);
  const clock = { now: metrics.now, interval: metrics.interval, selected: state.view === "plot" ? `${state.kind} ${state.name}` : "" };
  list.set(rows, clock);
  text(byId("count"), loaded ? `${whole(rows.length)} metric${rows.length === 1 ? "" : "s"}` : "");
  const bare = loaded && !rows.length;
  const narrowed = state.q || state.level || state.source || state.tag;
  byId("list").hidden = bare;
  byId("heads").hidden = bare;
  byId("empty").hidden = !bare;
  if (bare) byId("empty").replaceChildren(...(narrowed ? nothingFound(state, clear) : nothingYet()));
  for (const head of byId("heads").querySelectorAll("[data-sort]"))
    head.setAttribute("aria-pressed", String(head.dataset.sort === state.sort));
}

/** Show the view that the state asks for. */
function showView() {
  const metric = state.view === "plot" ? metrics.find(state) : null;
  const view = state.view === "plot" && loaded && !metric ? "list" : state.view;
  byId("main").dataset.view = view;
  document.title = { plot: `${state.name} · Zibrato`, health: "Health · Zibrato" }[view] ?? "Zibrato";
  if (metric) panel.show(metric, state, metrics);
  else panel.hide();
  if (view === "health") health.show();
  else byId("health").hidden = true;
  byId("health-link").toggleAttribute("aria-current", view === "health");
}

const show = () => {
  showList();
  showView();
};

async function load() {
  const answer = await api.series();
  metrics.load(answer);
  live.interval = metrics.interval;
  loaded = true;
  show();
  if (state.view === "plot") list.reveal();
  await checkHealth();
}

async function checkHealth() {
  const known = await health.load();
  const gone = known ? lost(known) : 0;
  byId("health-badge").hidden = !gone;
  byId("health-link").title = gone ? `${whole(gone)} measurements were lost` : "How the daemon is";
  if (state.view === "health" && known) health.draw();
}

const appeared = framed(show); // what is linked to may be among it
const followed = framed(() => {
  showList();
  panel.tick(metrics.now);
});

const STATES = {
  connecting: "Connecting",
  live: "Live",
  stalled: "No data",
  reconnecting: "Reconnecting…",
};

const live = new Live({
  state: (name) => {
    byId("status").dataset.state = name;
    text(byId("status-text"), STATES[name]);
  },
  opened: (again) => load().catch(() => again || setTimeout(() => live.open(), 1000)),
  series: (fresh) => {
    metrics.add(fresh);
    appeared();
  },
  interval: (closed) => {
    metrics.apply(closed);
    live.interval = metrics.interval;
    byId("status").title = `Last interval: ${moment(closed.end)}`;
    byId("status").classList.remove("beat");
    requestAnimationFrame(() => byId("status").classList.add("beat"));
    followed();
    checkHealth();
  },
});

route.watch(() => {
  state = route.read();
  show();
});

byId("heads").addEventListener("click", (event) => {
  const { sort } = event.target.dataset;
  if (sort) change({ sort });
});

watchKeys({ state: () => state, clear: () => change({ q: "" }), close });

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
  recolor();
  if (loaded) showList();
  if (state.view === "health" && health.list) health.draw();
}
byId("theme").addEventListener("click", () => window.nextTheme());
addEventListener("theme", showTheme);

showTheme();
show();
live.open();
