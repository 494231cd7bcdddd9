// The search field and the filters: they change the state, and show it.

import { byId, h } from "./dom.js";
import { LEVELS } from "./metrics.js";

const MAX_OPTIONS = 500;
const TITLES = { level: "All levels", source: "All sources", tag: "All tags" };

export class Filters {
  /** `change(part of the state)` is called as a person types or chooses. */
  constructor(change) {
    this.search = byId("search");
    this.own = byId("own");
    this.clear = byId("clear");
    this.picks = Object.fromEntries(Object.keys(TITLES).map((name) => [name, byId(`filter-${name}`)]));
    this.shape = {};
    this.search.addEventListener("input", () => change({ q: this.search.value }));
    this.own.addEventListener("click", () => change({ own: this.state.own ? "" : "1" }));
    this.clear.addEventListener("click", () => change({ q: "", level: "", source: "", tag: "" }));
    for (const [name, select] of Object.entries(this.picks))
      select.addEventListener("change", () => change({ [name]: select.value }));
  }

  /** Show `state`, the values there are to choose from, and whether the daemon has self-metrics. */
  show(state, facets, hasSelfMetrics) {
    this.state = state;
    if (this.search.value !== state.q) this.search.value = state.q;
    for (const [name, select] of Object.entries(this.picks)) {
      this.options(name, select, facets[name], state[name]);
      select.value = state[name];
      select.parentElement.classList.toggle("set", Boolean(state[name]));
    }
    this.own.setAttribute("aria-pressed", String(Boolean(state.own)));
    this.own.hidden = !hasSelfMetrics;
    this.clear.hidden = !(state.q || state.level || state.source || state.tag);
  }

  options(name, select, values, chosen) {
    const shown = filterOptions(name, values, chosen);
    const shape = shown.map(([value]) => value).join("\n");
    if (shape === this.shape[name] && select.options.length) return;
    this.shape[name] = shape;
    select.replaceChildren(
      h("option", { value: "" }, TITLES[name]),
      ...shown.map(([value, label]) => h("option", { value }, label)),
    );
    select.disabled = !shown.length;
  }
}

/** Return [value, label] of each option: the values there are, what is chosen if it is none of them,
 * and for levels the thresholds. */
export function filterOptions(name, values, chosen) {
  const all = chosen && !values.includes(chosen) ? [chosen, ...values] : values;
  const standard = values.filter((value) => LEVELS.includes(value));
  const thresholds = name === "level" ? standard.slice(1).map((value) => `${value}+`) : [];
  const label = (value) => (name === "level" && value.endsWith("+") ? `${value.slice(0, -1)} and up` : value);
  return [...new Set([...all.slice(0, MAX_OPTIONS), ...thresholds])].map((value) => [value, label(value)]);
}
