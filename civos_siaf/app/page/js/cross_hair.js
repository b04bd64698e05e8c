/** Drawing with the keys: a cross-hair that the arrows move. */

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class CrossHair {
  constructor(store, stage, prompt, say) {
    Object.assign(this, { store, stage, prompt, say, start: null });
    // Before the page's commands: while the cross-hair is there, the arrows are its own.
    window.addEventListener("keydown", (event) => this.key(event), { capture: true });
    store.watch(["tool", "frame"], () => (this.start = null));
  }

  toggle() {
    if (this.store.cursor) {
      this.put(null);
      this.say("Cross-hair put away.");
      return;
    }
    const { camera, element } = this.stage;
    const centre = camera.toFrame(camera.stageWidth / 2, camera.stageHeight / 2);
    this.put(camera.inside(centre));
    element.focus({ preventScroll: true });
    this.say("Cross-hair: arrows move, with Shift in small steps, with Ctrl in large ones; Enter draws, Alt+Enter marks what does not belong.");
  }

  put(cursor) {
    this.store.set({ cursor });
    if (cursor === null) this.start = null;
  }

  key(event) {
    const { store, stage } = this;
    if (!store.cursor || document.activeElement !== stage.element) return;
    if (event.key in MOVES) this.move(event);
    else if (event.key === "Enter" && !event.shiftKey) this.draw(event.altKey !== store.negative);
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  move(event) {
    const { camera } = this.stage;
    const pixels = event.shiftKey ? 1 : event.ctrlKey || event.metaKey ? 60 : 10;
    const [dx, dy] = MOVES[event.key];
    const step = Math.max(event.shiftKey ? 1 : 0, pixels / camera.scale);
    this.put(camera.inside({ x: this.store.cursor.x + dx * step, y: this.store.cursor.y + dy * step }));
    if (this.start?.points) this.start.points.push([this.store.cursor.x, this.store.cursor.y]);
  }

  /** A click at once; of strokes and boxes Enter is first the beginning, then the end. */
  draw(negative) {
    const { store } = this;
    const { x, y } = store.cursor;
    const base = { frame: store.frame, object: store.selected };
    if (store.tool === "click" || store.tool === "pan") {
      this.prompt({ kind: "click", ...base, x, y, positive: !negative });
      this.say(`${negative ? "Negative" : "Positive"} click at ${Math.round(x)}, ${Math.round(y)}.`);
    } else if (this.start === null) {
      this.start = { x, y, points: [[x, y]] };
      this.say("Begun. Move on and press Enter to end.");
    } else if (store.tool === "scribble") {
      this.prompt({ kind: "scribble", ...base, object: negative ? 0 : base.object, points: this.start.points });
      this.start = null;
      this.say("Scribble drawn.");
    } else {
      const box = { x0: Math.min(x, this.start.x), x1: Math.max(x, this.start.x), y0: Math.min(y, this.start.y), y1: Math.max(y, this.start.y) };
      this.start = null;
      if (box.x1 - box.x0 < 3 || box.y1 - box.y0 < 3) return;
      this.prompt({ kind: "box", ...base, ...box });
      this.say("Box drawn.");
    }
  }
}
