// The search field and the filters: they change the state, and show it.

import { byId, h } from "./dom.js";
import { LEVELS } from "./metrics.js";

const MOST_OPTIONS = 500;
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

  /** Show `state`, the values there are to choose from, and how many series the daemon has. */
  show(state, facets, owned) {
    this.state = state;
    if (this.search.value !== state.q) this.search.value = state.q;
    for (const [name, select] of Object.entries(this.picks)) {
      this.options(name, select, facets[name], state[name]);
      select.value = state[name];
      select.parentElement.classList.toggle("set", Boolean(state[name]));
    }
    this.own.setAttribute("aria-pressed", String(Boolean(state.own)));
    this.own.hidden = !owned;
    this.clear.hidden = !(state.q || state.level || state.source || state.tag);
  }

  options(name, select, values, chosen) {
    const all = chosen && !values.includes(chosen) ? [chosen, ...values] : values;
    const shape = all.join("\n");
    if (shape === this.shape[name] && select.options.length) return;
    this.shape[name] = shape;
    const standard = values.filter((value) => LEVELS.includes(value));
    const thresholds = name === "level" ? standard.slice(1).map((value) => `${value}+`) : [];
    const shown = [...new Set([...all.slice(0, MOST_OPTIONS), ...thresholds])];
    select.replaceChildren(
      h("option", { value: "" }, TITLES[name]),
      ...shown.map((value) => h("option", { value }, value.endsWith("+") && name === "level" ? `${value.slice(0, -1)} and up` : value)),
    );
    select.disabled = !all.length;
  }
}
