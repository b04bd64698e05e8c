/** Fingers on the stage: two of them move and scale the picture; one alone is the tools' business. */

export class Pinch {
  constructor(stage) {
    this.stage = stage;
    this.fingers = new Map();
    this.active = false;
  }

  /** A finger came down at `place` (CSS pixels on the stage). True: it does not draw, as there are several. */
  down(id, place) {
    this.fingers.set(id, place);
    if (this.fingers.size > 1) this.active = true;
    return this.active;
  }

  move(id, place) {
    if (!this.fingers.has(id)) return;
    const before = this.grip();
    this.fingers.set(id, place);
    if (!before) return;
    const after = this.grip();
    this.stage.pan(after.x - before.x, after.y - before.y);
    if (before.apart > 0 && after.apart > 0) this.stage.zoom(after.apart / before.apart, after.x, after.y);
  }

  /** Until all fingers are up nothing is drawn: the last one to leave would leave a mark. */
  up(id) {
    this.fingers.delete(id);
    if (this.fingers.size === 0) this.active = false;
  }

  /** Middle and distance of two fingers. */
  grip() {
    if (this.fingers.size !== 2) return null;
    const [a, b] = this.fingers.values();
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) };
  }
}
