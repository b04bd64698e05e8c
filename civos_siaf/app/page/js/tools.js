/** Mouse, pen, fingers and trackpad on the stage: clicks, strokes, boxes, panning, zooming. */

import { onFrame } from "./dom.js";
import * as marks from "./marks.js";
import { Pinch } from "./pinch.js";

const LEFT = 0;
const MIDDLE = 1;
const RIGHT = 2;
const ERASER = 5; // the other end of a pen
const MOST_POINTS = 10_000;
const LEAST_BOX = 3;
const TAP = 10; // CSS pixels that a finger may move in a tap

/** At most `most` of the points, evenly chosen, the last kept. */
export function thin(points, most) {
  if (points.length <= most) return points;
  const step = (points.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, i) => points[Math.round(i * step)]);
}

export class Tools {
  /** `prompt(ghost)` gets what was drawn: {kind, frame, object, ...}. */
  constructor(stage, store, prompt) {
    Object.assign(this, { stage, store, prompt, drag: null, panKey: false, penSeen: false });
    this.pinch = new Pinch(stage);
    this.drawLive = onFrame(() => this.paintLive());
    const { element } = stage;
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    element.addEventListener("pointerup", (event) => this.up(event));
    for (const type of ["pointercancel", "lostpointercapture"]) {
      element.addEventListener(type, (event) => this.lost(event));
    }
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
    if (event.target.closest("button, input, .wipe")) return;
    const { stage, store } = this;
    const finger = event.pointerType === "touch";
    stage.element.focus({ preventScroll: true });
    this.bounds = stage.element.getBoundingClientRect();
    if (finger && this.pinch.down(event.pointerId, this.place(event))) {
      event.preventDefault();
      stage.element.setPointerCapture(event.pointerId);
      this.abandon(); // what the first finger had begun
      return;
    }
    if (this.drag) return;
    this.penSeen ||= event.pointerType === "pen";
    // Who has a pen rests the hand on the screen.
    const panning = this.panKey || store.tool === "pan" || event.button === MIDDLE || (finger && this.penSeen);
    if (!panning && ![LEFT, RIGHT, ERASER].includes(event.button)) return;
    const at = this.toFrame(event);
    if (!panning && !stage.camera.contains(at)) return;
    event.preventDefault();
    stage.element.setPointerCapture(event.pointerId);
    const other = event.button === RIGHT || event.button === ERASER || event.altKey || event.ctrlKey;
    const kind = panning ? "pan" : finger && store.tool === "click" ? "tap" : store.tool;
    this.begin(kind, at, event, other !== store.negative);
  }

  /** A finger's click waits until it is lifted: it may become a pinch, or move the picture. */
  begin(kind, at, event, negative) {
    const { camera } = this.stage;
    const { x, y } = camera.inside(at);
    const base = { frame: this.store.frame, object: this.store.selected };
    this.store.set({ playing: false, cursor: kind === "pan" ? this.store.cursor : null });
    if (kind === "click") {
      this.prompt({ kind, ...base, x, y, positive: !negative });
      return;
    }
    const place = this.place(event);
    this.drag = { pointer: event.pointerId, kind, base, place, from: { x, y }, points: [[x, y]], painted: 0, negative };
    if (kind === "scribble") this.drawLive();
    this.stage.element.classList.toggle("panning", kind === "pan");
  }

  move(event) {
    if (event.pointerType === "touch") this.pinch.move(event.pointerId, this.place(event));
    if (this.drag?.pointer !== event.pointerId) return;
    const { camera } = this.stage;
    const place = this.place(event);
    if (this.drag.kind === "tap") {
      if (Math.hypot(place.x - this.drag.place.x, place.y - this.drag.place.y) < TAP) return;
      this.drag.kind = "pan";
      this.stage.element.classList.add("panning");
    }
    if (this.drag.kind === "pan") {
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

  up(event) {
    const { drag } = this;
    this.pinch.up(event.pointerId);
    if (drag?.pointer !== event.pointerId) return;
    this.abandon();
    const { kind, base, from, points, negative } = drag;
    if (kind === "tap") {
      this.prompt({ kind: "click", ...base, ...from, positive: !negative });
    } else if (kind === "scribble") {
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

  /** The pointer went away without being lifted; after it was lifted this says nothing new. */
  lost(event) {
    this.pinch.up(event.pointerId);
    if (this.drag?.pointer === event.pointerId) this.abandon();
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
