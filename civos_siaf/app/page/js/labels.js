/** Label maps as bitmaps {fill, outline}: fetched once per version, painted in a worker, kept by version and colours. */

import { Lru } from "./lru.js";
import { palette } from "./runs.js";

const PAINTED_BUDGET = 256e6;
const RUNS_BUDGET = 64e6;
const REST = 1500;

export class LabelCache {
  constructor(api, project, arrived, failed) {
    this.api = api;
    this.project = project;
    this.arrived = arrived;
    this.failed = failed;
    this.painted = new Lru(PAINTED_BUDGET, (layers) => {
      layers.fill.close();
      layers.outline.close();
    });
    this.runs = new Lru(RUNS_BUDGET);
    this.underway = new Set();
    this.failedAt = new Map();
    this.colours = palette([]);
    this.look = "";
    this.waiting = new Map();
    this.count = 0;
    this.worker = new Worker(new URL("./label_worker.js", import.meta.url), { type: "module" });
    this.worker.onerror = () => failed(new Error("This browser cannot paint masks: its workers do not load modules."));
    this.worker.onmessage = ({ data }) => {
      const { resolve, reject } = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if (data.error) reject(new Error(data.error));
      else resolve(data);
    };
  }

  /** Colour the objects so from now on; true where that changes anything. */
  colour(objects) {
    const look = objects.map(({ id, colour }) => `${id}${colour}`).join();
    if (look === this.look) return false;
    this.look = look;
    this.colours = palette(objects);
    return true;
  }

  /** Layers of `name` {version, key} of frame `t`, or undefined: then they are on their way. */
  get(t, name) {
    const key = `${name.key}|${this.look}`;
    const layers = this.painted.get(key);
    const resting = performance.now() - (this.failedAt.get(key) ?? -Infinity) < REST;
    if (layers === undefined && !resting && !this.underway.has(key)) this.make(t, name, key);
    return layers;
  }

  has(name) {
    return this.painted.has(`${name.key}|${this.look}`);
  }

  async make(t, name, key) {
    this.underway.add(key);
    try {
      const buffer = this.runs.get(name.key) ?? (await this.api.labels(t, name.version));
      this.runs.put(name.key, buffer, buffer.byteLength);
      const { fill, outline } = await this.paint(buffer);
      const { width, height } = this.project;
      this.painted.put(key, { fill, outline, key: name.key }, 8 * width * height);
      this.arrived(t);
    } catch (error) {
      this.failedAt.set(key, performance.now());
      // Live labels are gone when the propagation ends; those of the round follow.
      if (name.version !== "live") this.failed(error, t);
    } finally {
      this.underway.delete(key);
    }
  }

  paint(buffer) {
    const { width, height } = this.project;
    const id = ++this.count;
    const thickness = Math.max(1, Math.round(height / 320));
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, buffer, width, height, colours: this.colours, thickness });
    });
  }

  close() {
    this.worker.terminate();
  }
}
