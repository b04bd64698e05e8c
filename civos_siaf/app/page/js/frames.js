/** Frames as bitmaps: fetched when wanted, kept within a byte budget, the neighbours fetched ahead. */

import { Lru } from "./lru.js";

const BUDGET = 320e6;
const AT_ONCE = 4;

export class FrameCache {
  /** `arrived(t)` is called when a frame is there; `failed(error)` when one cannot be had. */
  constructor(api, project, arrived, failed) {
    this.api = api;
    this.frameBytes = 4 * project.width * project.height;
    this.numFrames = project.num_frames;
    this.arrived = arrived;
    this.failed = failed;
    this.bitmaps = new Lru(BUDGET, (bitmap) => bitmap.close());
    this.underway = new Map();
    this.wanted = [];
  }

  get(t) {
    return this.bitmaps.get(t);
  }

  has(t) {
    return this.bitmaps.has(t);
  }

  /** Frames wanted now, most wanted first; what is no longer wanted is given up. */
  want(frames) {
    const room = Math.max(3, Math.floor(BUDGET / this.frameBytes) - 2);
    this.wanted = frames.filter((t) => t >= 0 && t < this.numFrames).slice(0, room);
    const near = new Set(this.wanted);
    for (const [t, controller] of this.underway) if (!near.has(t)) controller.abort();
    this.next();
  }

  /** Frame `t` first, then its neighbours in the direction of travel, `step` apart. */
  wantAround(t, direction = 1, step = 1, ahead = 8) {
    const frames = [t];
    for (let i = 1; i <= ahead; i++) {
      frames.push(t + direction * i * step);
      if (i <= 2) frames.push(t - direction * i * step);
    }
    this.want(frames);
  }

  next() {
    for (const t of this.wanted) {
      if (this.underway.size >= AT_ONCE) return;
      if (!this.bitmaps.has(t) && !this.underway.has(t)) this.fetch(t);
    }
  }

  async fetch(t) {
    const controller = new AbortController();
    this.underway.set(t, controller);
    try {
      const bitmap = await createImageBitmap(await this.api.frame(t, controller.signal));
      this.bitmaps.put(t, bitmap, this.frameBytes);
      this.arrived(t);
    } catch (error) {
      if (error.name !== "AbortError") {
        this.wanted = this.wanted.filter((other) => other !== t);
        this.failed(error, t);
      }
    } finally {
      this.underway.delete(t);
      this.next();
    }
  }
}
