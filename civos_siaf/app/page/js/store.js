/** What the page shows: the server's state and the person's own view of it, in one place with listeners. */

import { count } from "./spans.js";

export const MODES = ["tint", "outline", "both", "cutout-grey", "cutout-checker", "off"];
export const SPEEDS = [0.25, 0.5, 1, 2, 4];

export class Store {
  constructor() {
    Object.assign(this, {
      state: null, // the server's, replaced by every action
      scores: null, // a byte per frame: how much it deserves a look
      frame: 0,
      selected: null, // number of the object that prompts go to
      tool: "click",
      negative: false, // left button marks what does not belong
      mode: "both",
      opacity: 0.5,
      solo: false, // only the selected object is drawn
      showPrompts: true,
      holding: false, // the previous round is shown while a key is held
      wipe: null, // share of the frame's width left of which the previous round is shown
      playing: false,
      speed: 1,
      busy: null, // {what, done, total, seconds_per_frame}
      live: new Map(), // frame -> how often its labels arrived during this propagation
      follow: true,
      connected: true,
      outbox: [], // actions that the server has not taken yet
      machine: null,
      cursor: null, // {x, y} of the keyboard's cross-hair
      answer: null, // ms from the last prompt to its mask
    });
    this.listeners = [];
  }

  /** Change fields; listeners of those that really changed are called at once. */
  set(patch) {
    const changed = Object.keys(patch).filter((name) => this[name] !== patch[name]);
    if (changed.length === 0) return;
    for (const name of changed) this[name] = patch[name];
    for (const [names, listener] of this.listeners) {
      if (changed.some((name) => names.includes(name))) listener(this);
    }
  }

  /** Call `listener` now and whenever one of the fields `names` changes. */
  watch(names, listener) {
    this.listeners.push([names, listener]);
    listener(this);
  }

  get numFrames() {
    return this.state?.project.num_frames ?? 0;
  }

  object(id) {
    return this.state?.objects.find((object) => object.id === id) ?? null;
  }

  promptsOf(frame) {
    return this.state ? this.state.prompts.filter((prompt) => prompt.frame === frame) : [];
  }

  /** How many prompts are not committed; masks count by frame. */
  get pending() {
    if (!this.state) return 0;
    const { prompts, masks } = this.state;
    const drawn = prompts.filter(({ status }) => status === "pending").length;
    return masks.reduce((sum, { status, frames }) => sum + (status === "pending" ? count(frames) : 0), drawn);
  }

  /** Was nothing drawn yet? */
  get untouched() {
    return this.state.frames.prompted.length === 0;
  }

  /** Take a state of the server unless a newer one is here. */
  take(state, { always = false } = {}) {
    if (!always && this.state && state.revision < this.state.revision) return;
    const ids = state.objects.map((object) => object.id);
    const selected = ids.includes(this.selected) ? this.selected : (ids.at(-1) ?? null);
    this.set({ state, selected, frame: Math.min(this.frame, state.project.num_frames - 1) });
  }

  /** Name of the labels to show on `frame`: {version for the server, key for caches}, or null. */
  labelsOf(frame) {
    const arrivals = this.live.get(frame);
    if (arrivals) return { version: "live", key: `live${arrivals}/${frame}` };
    const version = this.state?.shown.frames[frame] ?? this.state?.shown.base ?? null;
    return version === null ? null : { version, key: `${version}/${frame}` };
  }

  /** The same for the round before. */
  previousOf(frame) {
    const version = this.state?.previous ?? null;
    return version === null ? null : { version, key: `${version}/${frame}` };
  }
}
