// The keys of the whole page: / searches, Escape goes one step back.

import { byId } from "./dom.js";

/** Watch the keyboard; `page` has state(), clearSearch() and close() for what is open. */
export function watchKeys(page) {
  addEventListener("keydown", (event) => {
    const searching = event.target === byId("search");
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      byId("search").focus();
      byId("search").select();
    } else if (event.key === "Escape") {
      escape(page, searching);
    } else if (searching && ["ArrowDown", "Enter"].includes(event.key)) {
      event.preventDefault();
      byId("list").focus();
    }
  });
}

function escape(page, searching) {
  if (searching && page.state().q) page.clearSearch();
  else if (searching) byId("list").focus();
  else if (page.state().view !== "list") page.close();
}
