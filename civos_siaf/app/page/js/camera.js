/** Where the frame lies on the stage: scale and offset, in CSS pixels. Pixel centres of the frame are integers. */

import { clamp } from "./dom.js";

const MARGIN = 16;
const LARGEST = 40;

export class Camera {
  constructor(width, height) {
    Object.assign(this, { width, height, scale: 1, x: 0, y: 0, stageWidth: 1, stageHeight: 1, fitted: true });
  }

  resize(stageWidth, stageHeight) {
    Object.assign(this, { stageWidth, stageHeight });
    if (this.fitted) this.fit();
    else this.keepInside();
  }

  get fitScale() {
    const across = (this.stageWidth - 2 * MARGIN) / this.width;
    return Math.max(0.01, Math.min(across, (this.stageHeight - 2 * MARGIN) / this.height));
  }

  fit() {
    this.fitted = true;
    this.scale = this.fitScale;
    this.x = (this.stageWidth - this.scale * this.width) / 2;
    this.y = (this.stageHeight - this.scale * this.height) / 2;
  }

  /** Zoom by `factor` with the point (px, py) of the stage held in place. */
  zoom(factor, px = this.stageWidth / 2, py = this.stageHeight / 2) {
    const scale = clamp(this.scale * factor, 0.5 * this.fitScale, LARGEST);
    const ratio = scale / this.scale;
    this.x = px - ratio * (px - this.x);
    this.y = py - ratio * (py - this.y);
    this.scale = scale;
    this.fitted = false;
    this.keepInside();
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.fitted = false;
    this.keepInside();
  }

  /** Never lose the frame: some of it stays on the stage. */
  keepInside() {
    const keep = 60;
    this.x = clamp(this.x, keep - this.scale * this.width, this.stageWidth - keep);
    this.y = clamp(this.y, keep - this.scale * this.height, this.stageHeight - keep);
  }

  /** Frame coordinates of a point of the stage. */
  toFrame(px, py) {
    return { x: (px - this.x) / this.scale - 0.5, y: (py - this.y) / this.scale - 0.5 };
  }

  toStage(x, y) {
    return { x: this.x + (x + 0.5) * this.scale, y: this.y + (y + 0.5) * this.scale };
  }

  contains(point) {
    return point.x >= -0.5 && point.y >= -0.5 && point.x < this.width - 0.5 && point.y < this.height - 0.5;
  }

  /** The point, moved into the frame; rounded to tenths of a pixel. */
  inside(point) {
    const tenth = (value, size) => Math.round(10 * clamp(value, 0, size - 1)) / 10;
    return { x: tenth(point.x, this.width), y: tenth(point.y, this.height) };
  }
}
