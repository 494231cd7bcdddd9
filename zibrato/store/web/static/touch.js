// Dragging with a finger zooms like dragging with a mouse; a tap shows the values there.

const SHORTEST_SWIPE = 24; // pixels; less is a tap

/** A uPlot plugin's hooks; up and down stays the page's own scrolling. */
export const touch = {
  ready: [
    (plot) => {
      const { over } = plot;
      let from = null;
      over.style.touchAction = "pan-y";
      const position = (event) => event.clientX - over.getBoundingClientRect().left;
      const select = (to, done) => {
        const [left, right] = from < to ? [from, to] : [to, from];
        plot.setSelect({ left, width: right - left, top: 0, height: over.clientHeight }, done);
      };
      over.addEventListener("pointerdown", (event) => {
        if (event.pointerType !== "touch") return;
        from = position(event);
        plot.setCursor({ left: from, top: 10 });
      });
      over.addEventListener("pointermove", (event) => {
        if (from === null) return;
        plot.setCursor({ left: position(event), top: 10 });
        select(position(event), false);
      });
      over.addEventListener("pointerup", (event) => {
        if (from !== null && Math.abs(position(event) - from) >= SHORTEST_SWIPE) select(position(event), true);
        from = null;
      });
      over.addEventListener("pointercancel", () => {
        from = null;
        plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
      });
    },
  ],
};
