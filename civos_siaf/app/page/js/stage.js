/** The stage: three canvases (picture, prompts, the stroke being drawn), painted only in animation frames. */

import { Camera } from "./camera.js";
import { onFrame } from "./dom.js";
import { FrameCache } from "./frames.js";
import { LabelCache } from "./labels.js";
import * as marks from "./marks.js";
import { Picture } from "./picture.js";

const SOON = 150;
const STILL = matchMedia("(prefers-reduced-motion: reduce)").matches;

export class Stage {
  constructor(element, store, api, failed) {
    const project = store.state.project;
    Object.assign(this, { element, store, project });
    this.camera = new Camera(project.width, project.height);
    [this.picture, this.prompts, this.live] = ["picture", "prompts", "live"].map((name) => {
      const canvas = element.querySelector(`canvas.${name}`);
      return canvas.getContext("2d");
    });
    this.painter = new Picture(this.picture, project.width, project.height);
    this.invalidate = onFrame(() => this.drawPicture());
    this.invalidatePrompts = onFrame((now) => this.drawPrompts(now));
    const arrived = (t) => t === store.frame && this.invalidate();
    this.frames = new FrameCache(api, project, arrived, failed);
    this.labels = new LabelCache(api, project, arrived, failed);
    this.drawn = { frame: -1, bitmapOf: -1, layers: undefined, previous: undefined };
    this.painted = () => {};
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(element);
    this.resize();
    store.watch(["state", "solo", "selected"], () => this.recolour());
    store.watch(["state", "frame", "mode", "opacity", "holding", "wipe", "live", "connected"], this.invalidate);
    store.watch(["state", "frame", "outbox", "showPrompts", "cursor", "selected", "holding"], this.invalidatePrompts);
  }

  resize() {
    this.ratio = window.devicePixelRatio || 1;
    const { width, height } = this.element.getBoundingClientRect();
    for (const { canvas } of [this.picture, this.prompts, this.live]) {
      canvas.width = Math.max(1, Math.round(width * this.ratio));
      canvas.height = Math.max(1, Math.round(height * this.ratio));
    }
    this.camera.resize(width, height);
    this.drawPicture();
    this.drawPrompts();
  }

  /** Colours of the objects that are seen: not hidden, and where one is alone, only that. */
  recolour() {
    const { solo, selected, state } = this.store;
    const seen = state.objects.filter(({ id, hidden }) => (solo ? id === selected : !hidden));
    if (this.labels.colour(seen)) this.invalidate();
  }

  moved() {
    this.invalidate();
    this.invalidatePrompts();
    this.cameraMoved?.();
  }

  fit() {
    this.camera.fit();
    this.moved();
  }

  zoom(factor, x, y) {
    this.camera.zoom(factor, x, y);
    this.moved();
  }

  pan(dx, dy) {
    this.camera.pan(dx, dy);
    this.moved();
  }

  /** Layers to draw for `name`: the wanted ones, else those drawn last on this frame, so that nothing flickers. */
  layersOf(name, last) {
    if (name === null) return undefined;
    // What left the cache in the meantime is closed, and has no width any more.
    return this.labels.get(this.store.frame, name) ?? (last?.fill.width ? last : undefined);
  }

  drawPicture() {
    const { store, drawn, camera, ratio } = this;
    const frame = store.frame;
    const bitmap = this.frames.get(frame);
    if (drawn.frame !== frame && bitmap) Object.assign(drawn, { frame, layers: undefined, previous: undefined });
    const same = drawn.frame === frame;
    const off = store.mode === "off";
    const now = off ? null : store.labelsOf(frame);
    const before = off || !(store.holding || store.wipe !== null) ? null : store.previousOf(frame);
    const layers = this.layersOf(now, same ? drawn.layers : undefined);
    const previous = this.layersOf(before, same ? drawn.previous : undefined);
    if (same) Object.assign(drawn, { layers, previous });
    // Until a frame is there the last one stays: a blink would be worse than a moment's delay.
    if (!bitmap && this.frames.get(drawn.frame)) return;
    const shown = store.holding ? previous : layers;
    const wipe = store.wipe === null || store.holding || off ? null : store.wipe;
    const { mode, opacity } = store;
    this.painter.draw({ camera, ratio, bitmap, layers: shown, previous, mode, opacity, wipe });
    if (bitmap) this.painted(frame, layers?.key);
  }

  clear(context) {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
  }

  drawPrompts(now = performance.now()) {
    const { store, prompts, camera } = this;
    this.clear(prompts);
    if (store.showPrompts && !store.holding) {
      for (const item of store.promptsOf(store.frame)) {
        const object = store.object(item.object);
        if (item.object === 0 || (object && !object.hidden)) marks.prompt(prompts, camera, store, item);
      }
    }
    for (const { ghost, status, at } of store.outbox) {
      if (ghost?.frame !== store.frame) continue;
      marks.prompt(prompts, camera, store, { ...ghost, status });
      if (status !== "failed" && now - at > SOON) marks.waiting(prompts, marks.placeOf(camera, ghost), STILL ? 0 : now);
      if (status !== "failed" && !STILL) this.invalidatePrompts();
    }
    if (store.cursor) {
      const colour = store.negative ? "#ffffff" : marks.colourOf(store, store.selected);
      marks.crossHair(prompts, camera, store.cursor, colour);
    }
  }

  close() {
    this.observer.disconnect();
    this.labels.close();
  }
}
