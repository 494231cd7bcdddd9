// The theme's colours, for what is drawn on a canvas.

const colors = new Map();
addEventListener("theme", () => colors.clear());

/** Return the colour that a CSS custom property is in the current theme, as `rgb(1, 2, 3)`. The
 * property itself would say `light-dark(…)`: only an element's own colour is worked out. */
export function color(name) {
  if (!colors.has(name)) {
    const probe = document.body.appendChild(document.createElement("i"));
    probe.hidden = true;
    probe.style.color = `var(${name})`;
    colors.set(name, getComputedStyle(probe).color);
    probe.remove();
  }
  return colors.get(name);
}
