// What the stream tells while the whole is on its way, by another connection, to the same page.

/** Applies each update once: those that came while the whole was asked for after it, and none that
 * the whole contains. */
export class HeldUpdates {
  constructor() {
    this.contained = 0;
    this.held = null; // [number, action], while the whole is on its way
  }

  /** Hold what comes until `release`. Return a function that tells whether this is the newest hold. */
  hold() {
    const held = [];
    this.held = held;
    return () => this.held === held;
  }

  /** The whole is there, and contains the updates up to the number `contained`. */
  release(contained) {
    const held = this.held;
    this.held = null;
    this.contained = contained;
    for (const [number, action] of held) this.apply(number, action);
  }

  /** Call `action` for the update of that number, now or later or, where the whole has it, never. */
  apply(number, action) {
    if (this.held) this.held.push([number, action]);
    else if (number > this.contained) action();
  }
}
