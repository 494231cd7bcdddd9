// The keys of the whole page, and the dialog that lists them.

import { byId } from "./dom.js";

/** Watch the keyboard; `page` has state(), clearSearch(), close() for what is open, and plotKey(name),
 * which returns whether the plot has used a key. */
export function watchKeys(page) {
  const help = byId("help");
  byId("help-button").addEventListener("click", () => help.showModal());
  help.addEventListener("click", (event) => event.target === help && help.close()); // beside it
  addEventListener("keydown", (event) => {
    if (help.open || event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input, select, textarea");
    if (use(event, page, typing)) event.preventDefault();
  });
}

/** Return whether a key stands for anything here; if so, it was done. */
function use({ key, target }, page, typing) {
  const searching = target === byId("search");
  if (key === "Escape") return escape(page, searching);
  if (searching && ["ArrowDown", "Enter"].includes(key)) byId("list").focus();
  else if (typing) return false;
  else if (key === "/") byId("search").select();
  else if (key === "?") byId("help").showModal();
  else return page.state().view === "plot" && page.plotKey(key);
  return true;
}

/** Go one step back. */
function escape(page, searching) {
  if (searching && page.state().q) page.clearSearch();
  else if (searching) byId("list").focus();
  else if (page.state().view !== "list") page.close();
  return false;
}
