/** Thumbnails of the timeline: few requests at a time, only those still in sight. */

import { Lru } from "./lru.js";

const KEPT = 600;
const AT_ONCE = 3;

export class Thumbnails {
  constructor(address, arrived) {
    Object.assign(this, { address, arrived, wanted: [], underway: new Set(), failed: new Set() });
    this.images = new Lru(KEPT);
  }

  get(t) {
    return this.images.get(t);
  }

  want(frames) {
    this.wanted = frames;
    this.next();
  }

  next() {
    for (const t of this.wanted) {
      if (this.underway.size >= AT_ONCE) return;
      if (!this.images.has(t) && !this.underway.has(t) && !this.failed.has(t)) this.load(t);
    }
  }

  async load(t) {
    this.underway.add(t);
    const image = new Image();
    image.src = this.address(t);
    try {
      await image.decode();
      this.images.put(t, image, 1);
      this.arrived();
    } catch {
      // An empty tile says it; not asked for again before the page is loaded anew.
      this.failed.add(t);
    } finally {
      this.underway.delete(t);
      this.next();
    }
  }
}
