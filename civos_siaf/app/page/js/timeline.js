/** The timeline: thumbnails, marks, scores, play head. One canvas, so that an hour of video costs no more. */

import { clamp, clock, onFrame } from "./dom.js";
import { includes, spansOf, within } from "./spans.js";
import { Thumbnails } from "./thumbnails.js";

const THUMB_TOP = 4;
const THUMB_HEIGHT = 44;
const CURVE_TOP = 52;
const CURVE_HEIGHT = 22;
const MARK_TOP = 78;
const BAR_HEIGHT = 5;
const HEIGHT = 100;
export const COLOURS = {
  prompted: "#ffd166",
  committed: "#5aa9ff",
  propagated: "#3f6fb5",
  unfinished: "#7f8fa6",
  damaged: "#ff5c5c",
  reviewed: "#4cc38a",
  doubtful: "#ff8a4c",
  live: "#8fd0ff",
  suggested: "#d9a8ff",
};

export class Timeline {
  /** `seek(t)` is called where the person wants another frame. */
  constructor(element, store, api, seek) {
    Object.assign(this, { element, store, seek, from: 0, to: store.numFrames, scrubbing: null });
    this.canvas = element.querySelector("canvas");
    this.context = this.canvas.getContext("2d");
    this.tip = element.querySelector(".tip");
    this.draw = onFrame(() => this.paint());
    const { width, height } = store.state.project;
    this.thumbWidth = clamp(Math.round((THUMB_HEIGHT * width) / height), 20, 160);
    this.thumbs = new Thumbnails((t) => api.thumbnail(t), this.draw);
    new ResizeObserver(() => this.resize()).observe(element);
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
      element.addEventListener(type, (event) => event.pointerId === this.scrubbing && (this.scrubbing = null));
    }
    element.addEventListener("pointerleave", () => (this.tip.hidden = true));
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    store.watch(["state", "scores", "live", "outbox"], this.draw);
    store.watch(["frame", "state"], () => this.moved());
  }

  moved() {
    const { frame, numFrames } = this.store;
    const span = this.to - this.from;
    if (frame < this.from || frame >= this.to) {
      this.from = clamp(frame - span / 2, 0, Math.max(0, numFrames - span));
      this.to = this.from + span;
    }
    this.element.setAttribute("aria-valuemax", numFrames - 1);
    this.element.setAttribute("aria-valuenow", frame);
    this.element.setAttribute("aria-valuetext", this.describe(frame));
    this.draw();
  }

  describe(frame) {
    const { frames } = this.store.state;
    const marks = Object.keys(frames).filter((name) => includes(frames[name], frame));
    if (frame === this.store.state.suggested) marks.push("suggested");
    return `Frame ${frame + 1} of ${this.store.numFrames}${marks.length ? `: ${marks.join(", ")}` : ""}`;
  }

  resize() {
    this.bounds = this.element.getBoundingClientRect();
    this.ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.bounds.width * this.ratio);
    this.canvas.height = Math.round(HEIGHT * this.ratio);
    this.paint();
  }

  frameAt(event) {
    const share = clamp((event.clientX - this.bounds.left) / this.bounds.width, 0, 0.999999);
    return Math.floor(this.from + share * (this.to - this.from));
  }

  down(event) {
    if (event.button !== 0 || this.scrubbing !== null) return;
    this.bounds = this.element.getBoundingClientRect();
    this.element.setPointerCapture(event.pointerId);
    this.scrubbing = event.pointerId;
    this.seek(this.frameAt(event));
  }

  move(event) {
    const frame = clamp(this.frameAt(event), 0, this.store.numFrames - 1);
    if (this.scrubbing === event.pointerId) this.seek(frame);
    this.tip.hidden = false;
    this.tip.textContent = `${this.describe(frame)} · ${clock(frame, this.store.state.project.rate)}`;
    const half = 0.5 * this.tip.offsetWidth + 4;
    const x = clamp(event.clientX - this.bounds.left, half, this.bounds.width - half);
    this.tip.style.transform = `translateX(calc(${x}px - 50%))`;
  }

  /** Pinch or ctrl + wheel: zoom in time; two fingers: move along. */
  wheel(event) {
    event.preventDefault();
    const { numFrames } = this.store;
    let span = this.to - this.from;
    const share = (event.clientX - this.bounds.left) / this.bounds.width;
    const fixed = this.from + share * span;
    if (event.ctrlKey || event.metaKey) {
      span = clamp(span * Math.exp(0.01 * event.deltaY), Math.min(numFrames, 12), numFrames);
      this.from = fixed - share * span;
    } else {
      this.from += ((event.deltaX || event.deltaY) / this.bounds.width) * span;
    }
    this.from = clamp(this.from, 0, numFrames - span);
    this.to = this.from + span;
    this.draw();
  }

  x(frame) {
    return ((frame - this.from) / (this.to - this.from)) * this.bounds.width;
  }

  paint() {
    if (!this.bounds?.width) return;
    const { context } = this;
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.bounds.width, HEIGHT);
    this.paintThumbs();
    this.paintCurve();
    this.paintBars();
    this.paintHead();
    this.paintSigns();
    this.paintOverview();
  }

  paintThumbs() {
    const { context, bounds } = this;
    const count = Math.max(1, Math.ceil(bounds.width / this.thumbWidth));
    const width = bounds.width / count;
    const span = this.to - this.from;
    const wanted = Array.from({ length: count }, (_, i) => Math.floor(this.from + ((i + 0.5) / count) * span));
    this.thumbs.want(wanted);
    wanted.forEach((t, i) => {
      const image = this.thumbs.get(t);
      context.fillStyle = "#20242b";
      context.fillRect(i * width, THUMB_TOP, width - 1, THUMB_HEIGHT);
      if (image) context.drawImage(image, i * width, THUMB_TOP, width - 1, THUMB_HEIGHT);
    });
  }

  /** Where in the video the shown part is. */
  paintOverview() {
    const { numFrames } = this.store;
    if (this.to - this.from >= numFrames) return;
    const { context, bounds } = this;
    context.fillStyle = "#22262d";
    context.fillRect(0, HEIGHT - 3, bounds.width, 3);
    context.fillStyle = "#8b95a5";
    const width = Math.max(8, ((this.to - this.from) / numFrames) * bounds.width);
    context.fillRect((this.from / numFrames) * bounds.width, HEIGHT - 3, width, 3);
  }

  /** Scores as an area: high means look here. */
  paintCurve() {
    const { scores } = this.store;
    const { context } = this;
    context.fillStyle = "#171a1f";
    context.fillRect(0, CURVE_TOP, this.bounds.width, CURVE_HEIGHT);
    if (!scores) return;
    const base = CURVE_TOP + CURVE_HEIGHT;
    const first = Math.max(0, Math.floor(this.from) - 1);
    const last = Math.min(scores.length, Math.ceil(this.to) + 1);
    const step = Math.max(1, Math.floor((last - first) / this.bounds.width));
    context.beginPath();
    context.moveTo(this.x(first), base);
    for (let t = first; t < last; t += step) {
      let score = 0;
      for (let i = t; i < Math.min(last, t + step); i++) score = Math.max(score, scores[i]);
      context.lineTo(this.x(t + 0.5 * step), base - (score / 255) * (CURVE_HEIGHT - 2));
    }
    context.lineTo(this.x(last), base);
    context.fillStyle = "rgba(217, 168, 255, 0.28)";
    context.fill();
    context.strokeStyle = COLOURS.suggested;
    context.lineWidth = 1;
    context.stroke();
  }

  bars(spans, top, height, colour) {
    const { context } = this;
    context.fillStyle = colour;
    for (const [first, last] of spans) {
      const x = this.x(first);
      context.fillRect(x, top, Math.max(2, this.x(last + 1) - x), height);
    }
  }

  paintBars() {
    const { frames } = this.store.state;
    const { context } = this;
    context.fillStyle = "#171a1f";
    context.fillRect(0, MARK_TOP, this.bounds.width, BAR_HEIGHT);
    this.bars(frames.propagated, MARK_TOP, BAR_HEIGHT, COLOURS.propagated);
    const live = [...this.store.live.keys()].sort((a, b) => a - b);
    this.bars(spansOf(live), MARK_TOP, BAR_HEIGHT, COLOURS.live);
    this.bars(frames.unfinished, MARK_TOP, BAR_HEIGHT, COLOURS.unfinished);
    this.bars(frames.damaged, MARK_TOP + 12, 3, COLOURS.damaged);
    this.bars(frames.reviewed, MARK_TOP + 7, 4, COLOURS.reviewed);
    this.bars(frames.doubtful, MARK_TOP + 7, 4, COLOURS.doubtful);
  }

  paintSigns() {
    const { frames, suggested } = this.store.state;
    for (const t of this.seen(frames.doubtful)) this.text("?", t, MARK_TOP + 20, COLOURS.doubtful);
    for (const t of this.seen(frames.committed)) this.diamond(t, COLOURS.committed);
    for (const t of this.seen(frames.pending)) this.dot(t, COLOURS.prompted);
    if (suggested !== null && suggested !== undefined) this.pointer(suggested);
  }

  /** Frames of the spans that are in view, one for each place that a sign can take. */
  seen(spans) {
    const gap = Math.max(1, Math.floor((this.to - this.from) / this.bounds.width));
    return within(spans, this.from - gap, this.to, gap);
  }

  centre(t) {
    return this.x(t + 0.5);
  }

  text(text, t, y, colour) {
    this.context.fillStyle = colour;
    this.context.font = "700 9px system-ui, sans-serif";
    this.context.textAlign = "center";
    if (this.to - this.from < 0.12 * this.bounds.width) this.context.fillText(text, this.centre(t), y);
  }

  dot(t, colour) {
    this.context.beginPath();
    this.context.arc(this.centre(t), MARK_TOP + 2.5, 4, 0, 2 * Math.PI);
    this.outlined(colour);
  }

  diamond(t, colour) {
    const [x, y] = [this.centre(t), MARK_TOP + 2.5];
    this.context.beginPath();
    for (const [dx, dy] of [[0, -5], [5, 0], [0, 5], [-5, 0]]) this.context.lineTo(x + dx, y + dy);
    this.context.closePath();
    this.outlined(colour);
  }

  pointer(t) {
    const x = this.centre(t);
    this.context.beginPath();
    this.context.moveTo(x - 6, CURVE_TOP - 3);
    this.context.lineTo(x + 6, CURVE_TOP - 3);
    this.context.lineTo(x, CURVE_TOP + 7);
    this.context.closePath();
    this.outlined(COLOURS.suggested);
  }

  outlined(colour) {
    this.context.lineWidth = 2;
    this.context.strokeStyle = "#0e1013";
    this.context.stroke();
    this.context.fillStyle = colour;
    this.context.fill();
  }

  paintHead() {
    const { context } = this;
    const { frame } = this.store;
    const width = Math.max(2, this.x(frame + 1) - this.x(frame));
    context.fillStyle = "rgba(255, 255, 255, 0.14)";
    context.fillRect(this.x(frame), 0, width, HEIGHT);
    const x = Math.round(this.centre(frame));
    context.fillStyle = "#0e1013";
    context.fillRect(x - 2, 0, 4, HEIGHT);
    context.fillStyle = "#ffffff";
    context.fillRect(x - 1, 0, 2, HEIGHT);
    context.beginPath();
    context.moveTo(x - 6, 0);
    context.lineTo(x + 6, 0);
    context.lineTo(x, 7);
    context.closePath();
    context.fill();
  }
}
