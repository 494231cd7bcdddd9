// What is said where there is nothing to show.

import { h } from "./dom.js";

/** Return a program that a daemon at `address` hears of, or at the default one where it is null. */
export const snippet = (address) => `from zibrato import Zibrato

z = Zibrato(${address === null ? "" : JSON.stringify(address)})

@z.time_me(name="render")
@z.count_me(name="pages")
def render(page): ...

render("/")`;

/** Return which of the daemon's addresses a client reaches, of those that the page was found at
 * `host`: one that stands for all interfaces names none. */
export function reachable(addresses, host) {
  return addresses
    .filter((address) => !address.startsWith("inproc:"))
    .map((address) => address.replace(/^tcp:\/\/(0\.0\.0\.0|\[::\]|\*)(?=:\d+$)/, `tcp://${host}`));
}

/** Return what to tell someone whose filters let nothing through. */
export function noMatches(state, clear) {
  const button = h("button", { type: "button", className: "button" }, "Clear search and filters");
  button.addEventListener("click", clear);
  const what = state.q ? `No metric matches “${state.q}”` : "No metric passes these filters";
  return [h("h2", {}, what), h("p", {}, "The search covers names, sources, tags and levels; every word has to match."), button];
}

/** Return what to tell a newcomer: nothing was measured yet; `addresses` are the daemon's, null while
 * it has not told them. */
export function noMetricsYet(addresses) {
  const own = reachable(addresses ?? [], location.hostname);
  const code = h("code", {}, snippet(own[0] ?? null));
  const codes = own.flatMap((address) => [" ", h("code", {}, address)]);
  const nowhere = addresses ? "This daemon binds no address, and connects to clients that bind. A client" : "A client";
  const where = own.length ? ["This daemon listens at", ...codes, ". A client"] : [nowhere];
  return [
    h("h2", {}, "Nothing measured yet"),
    h("p", {}, "This daemon is up and waits for measurements. Run this, or instrument a function of your own. The metric appears here after one interval, without a reload:"),
    h("div", { className: "snippet" }, h("pre", {}, code), copyButton(code)),
    h("p", {}, "Or run the example in the source tree: ", h("code", {}, ["python examples/demo.py", ...own.slice(0, 1)].join(" "))),
    h("p", { className: "hint" }, ...where, " sends to the endpoint that it is given, else to ", h("code", {}, "$ZIBRATO_SOCKET"), ", else to ", h("code", {}, "tcp://127.0.0.1:5550"), ". ", h("a", { href: "#/health" }, "Health"), " shows what was received and rejected."),
  ];
}

/** Return a button that copies the text of `element`, or selects it where the browser lets nothing be
 * copied: it does so only for pages of this host or behind TLS. */
function copyButton(element) {
  const button = h("button", { type: "button", className: "chip" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(element.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(element);
    }
  });
  return button;
}

/** Return what to tell someone whose link names a metric that can't be shown. */
export function noSuchMetric({ kind, name }, isKnown) {
  return isKnown
    ? `No series of the ${kind} “${name}” passes these filters. The list shows the metrics that do.`
    : `This daemon has no ${kind} “${name}”. It appears here once it is measured. The list shows the metrics that exist.`;
}
