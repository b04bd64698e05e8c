/** Mouse, pen and trackpad on the stage: clicks, strokes, boxes, panning, zooming. */

import { onFrame } from "./dom.js";
import * as marks from "./marks.js";

const LEFT = 0;
const MIDDLE = 1;
const RIGHT = 2;
const MOST_POINTS = 10_000;
const LEAST_BOX = 3;

/** At most `most` of the points, evenly chosen, the last kept. */
export function thin(points, most) {
  if (points.length <= most) return points;
  const step = (points.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, i) => points[Math.round(i * step)]);
}

export class Tools {
  /** `prompt(ghost)` gets what was drawn: {kind, frame, object, ...}. */
  constructor(stage, store, prompt) {
    Object.assign(this, { stage, store, prompt, drag: null, panKey: false });
    this.drawLive = onFrame(() => this.paintLive());
    const { element } = stage;
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    element.addEventListener("pointerup", (event) => this.up(event));
    element.addEventListener("pointercancel", () => this.abandon());
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    // Layout is read when it changes, not for every point of a stroke.
    const measure = () => (this.bounds = element.getBoundingClientRect());
    new ResizeObserver(measure).observe(element);
    window.addEventListener("resize", measure);
    store.watch(["tool"], () => (element.dataset.tool = store.tool));
  }

  place(event) {
    return { x: event.clientX - this.bounds.left, y: event.clientY - this.bounds.top };
  }

  toFrame(event) {
    const { x, y } = this.place(event);
    return this.stage.camera.toFrame(x, y);
  }

  down(event) {
    if (this.drag || event.target.closest("button, input, .wipe")) return;
    const { stage, store } = this;
    stage.element.focus({ preventScroll: true });
    this.bounds = stage.element.getBoundingClientRect();
    const panning = this.panKey || store.tool === "pan" || event.button === MIDDLE;
    if (!panning && event.button !== LEFT && event.button !== RIGHT) return;
    const at = this.toFrame(event);
    if (!panning && !stage.camera.contains(at)) return;
    event.preventDefault();
    stage.element.setPointerCapture(event.pointerId);
    const negative = (event.button === RIGHT || event.altKey || event.ctrlKey) !== store.negative;
    this.begin(panning ? "pan" : store.tool, at, this.place(event), negative);
  }

  begin(kind, at, place, negative) {
    const { camera } = this.stage;
    const { x, y } = camera.inside(at);
    const base = { frame: this.store.frame, object: this.store.selected };
    this.store.set({ playing: false, cursor: kind === "pan" ? this.store.cursor : null });
    if (kind === "click") {
      this.prompt({ kind, ...base, x, y, positive: !negative });
      return;
    }
    this.drag = { kind, base, place, from: { x, y }, points: [[x, y]], painted: 0, negative };
    if (kind === "scribble") this.drawLive();
    this.stage.element.classList.toggle("panning", kind === "pan");
  }

  move(event) {
    if (!this.drag) return;
    const { camera } = this.stage;
    if (this.drag.kind === "pan") {
      const place = this.place(event);
      this.stage.pan(place.x - this.drag.place.x, place.y - this.drag.place.y);
      this.drag.place = place;
      return;
    }
    const coalesced = event.getCoalescedEvents?.() ?? [];
    for (const one of coalesced.length ? coalesced : [event]) {
      const { x, y } = camera.inside(this.toFrame(one));
      const [lastX, lastY] = this.drag.points.at(-1);
      if (Math.abs(x - lastX) + Math.abs(y - lastY) >= 0.5) this.drag.points.push([x, y]);
    }
    this.drawLive();
  }

  up() {
    const { drag } = this;
    if (!drag) return;
    this.abandon();
    const { kind, base, from, points, negative } = drag;
    if (kind === "scribble") {
      const object = negative ? 0 : base.object;
      this.prompt({ kind, ...base, object, points: thin(points, MOST_POINTS) });
    } else if (kind === "box") {
      const [x, y] = points.at(-1);
      if (Math.abs(x - from.x) < LEAST_BOX || Math.abs(y - from.y) < LEAST_BOX) return;
      const [x0, x1] = [Math.min(x, from.x), Math.max(x, from.x)];
      const [y0, y1] = [Math.min(y, from.y), Math.max(y, from.y)];
      this.prompt({ kind, ...base, x0, y0, x1, y1 });
    }
  }

  abandon() {
    this.drag = null;
    this.stage.element.classList.remove("panning");
    this.stage.clear(this.stage.live);
  }

  /** Only what is new of a stroke is drawn; a box is drawn anew. */
  paintLive() {
    const { drag, stage, store } = this;
    if (!drag) return;
    const { camera, live } = stage;
    const toStage = ([x, y]) => camera.toStage(x, y);
    const colour = marks.colourOf(store, drag.base.object);
    if (drag.kind === "box") {
      stage.clear(live);
      marks.box(live, toStage(drag.points[0]), toStage(drag.points.at(-1)), colour);
    } else if (drag.kind === "scribble") {
      if (drag.painted === 0) stage.clear(live);
      const fresh = drag.points.slice(Math.max(0, drag.painted - 1)).map(toStage);
      if (drag.painted === drag.points.length) return;
      drag.painted = drag.points.length;
      live.lineCap = live.lineJoin = "round";
      live.lineWidth = 5;
      live.strokeStyle = drag.negative ? "#f2f3f5" : colour;
      live.beginPath();
      live.moveTo(fresh[0].x, fresh[0].y);
      for (const point of fresh) live.lineTo(point.x, point.y);
      if (fresh.length === 1) live.lineTo(fresh[0].x + 0.01, fresh[0].y);
      live.stroke();
      // The dark rim goes under what is drawn already.
      live.globalCompositeOperation = "destination-over";
      live.lineWidth = 8;
      live.strokeStyle = "#0a0c10";
      live.stroke();
      live.globalCompositeOperation = "source-over";
    }
  }

  /** Two fingers pan, a pinch (which comes as ctrl + wheel) zooms; a mouse wheel with ctrl zooms too. */
  wheel(event) {
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    if (event.ctrlKey || event.metaKey) {
      const { x, y } = this.place(event);
      const step = Math.max(-60, Math.min(60, unit * event.deltaY));
      this.stage.zoom(Math.exp(-0.01 * step), x, y);
    } else if (!this.drag) {
      const [dx, dy] = event.shiftKey && !event.deltaX ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
      this.stage.pan(-unit * dx, -unit * dy);
    }
  }
}
