// What is said where there is nothing to show.

import { h } from "./dom.js";

const CODE = `from zibrato import Zibrato

z = Zibrato()

@z.time_me(name="render")
@z.count_me(name="pages")
def render(page): ...`;

/** Return what to tell someone whose filters let nothing through. */
export function noMatches(state, clear) {
  const button = h("button", { type: "button", className: "button" }, "Clear search and filters");
  button.addEventListener("click", clear);
  const what = state.q ? `No metric matches “${state.q}”` : "No metric passes these filters";
  return [h("h2", {}, what), h("p", {}, "Names, sources, tags and levels are searched; all words have to match."), button];
}

/** Return what to tell a newcomer: nothing was measured yet. */
export function noMetricsYet() {
  return [
    h("h2", {}, "Nothing measured yet"),
    h("p", {}, "This daemon is up and waits for measurements. Instrument a function, call it, and it appears here after one interval, without a reload:"),
    h("pre", {}, h("code", {}, CODE)),
    h("p", {}, "Or watch the example of the source tree: ", h("code", {}, "python examples/demo.py")),
    h("p", { className: "hint" }, "Nothing arrives? A client sends to ", h("code", {}, "$ZIBRATO_SOCKET"), ", else to ", h("code", {}, "tcp://127.0.0.1:5550"), "; the daemon listens on its ", h("code", {}, "--socket"), ". ", h("a", { href: "#/health" }, "Health"), " shows what it received and rejected."),
  ];
}

/** Return what to tell someone whose link names a metric that can't be shown. */
export function noSuchMetric({ kind, name }, isKnown) {
  return isKnown
    ? `No series of the ${kind} “${name}” passes these filters; this is the list of what does.`
    : `This daemon has no ${kind} “${name}”. It shows here once it is measured; this is the list of what there is.`;
}
