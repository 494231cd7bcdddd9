// The few lines that stand between plain DOM calls and readable ones.

/** Return a new element; `properties` are DOM properties, or attributes where the name has a dash
 * or is `role` or `for`. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Set the text of `element`, which costs nothing where it is the same. */
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

/** Return a function that calls `run` once, with the newest arguments, at the next frame. */
export function oncePerFrame(run) {
  let waiting = false;
  let newest = [];
  return (...args) => {
    newest = args;
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      run(...newest);
    });
  };
}

/** Return the cleared context, in CSS pixels, of `canvas`, which it sizes for the screen's pixels. */
export function clearedContext(canvas, width, height) {
  const ratio = devicePixelRatio || 1;
  const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}
