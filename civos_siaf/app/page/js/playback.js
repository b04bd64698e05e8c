/** Playing: the clock decides which frame is due; frames that are late are skipped, the pace is kept. */

const PATIENCE = 300;

export class Playback {
  constructor(store, stage, seek) {
    Object.assign(this, { store, stage, seek });
    store.watch(["playing"], () => store.playing && this.start());
    store.watch(["speed"], () => store.playing && this.rebase(performance.now()));
  }

  toggle() {
    const { store } = this;
    if (!store.playing && store.frame >= store.numFrames - 1) this.seek(0);
    store.set({ playing: !store.playing });
  }

  rebase(now) {
    this.origin = { now, frame: this.store.frame };
    this.shownAt = now;
  }

  start() {
    this.rebase(performance.now());
    const step = (now) => {
      if (!this.store.playing) return;
      this.advance(now);
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  advance(now) {
    const { store, stage } = this;
    const pace = store.state.project.rate * store.speed;
    const last = store.numFrames - 1;
    const passed = Math.max(0, now - this.origin.now) / 1000;
    const due = Math.min(last, this.origin.frame + Math.floor(passed * pace));
    const stride = Math.max(1, Math.round(pace / 30));
    stage.frames.wantAround(due, 1, stride, 12);
    // The newest frame that is there and due; the clock goes on even where none is.
    const late = now - this.shownAt > PATIENCE;
    for (let t = due; t > store.frame; t--) {
      if (!this.ready(t, late)) continue;
      this.shownAt = now;
      store.set({ frame: t });
      break;
    }
    this.labelsAhead(due, stride);
    const waited = now - this.origin.now > 1000 && due - store.frame > 2 * pace;
    if (waited) this.rebase(now);
    if (store.frame >= last) store.set({ playing: false });
  }

  /** Is frame `t` there, with its masks unless they take too long? */
  ready(t, late) {
    const { store, stage } = this;
    const name = store.mode === "off" || late ? null : store.labelsOf(t);
    return stage.frames.has(t) && (name === null || stage.labels.has(name));
  }

  labelsAhead(t, stride) {
    const { store, stage } = this;
    if (store.mode === "off") return;
    for (let i = 0; i <= 4; i++) {
      const next = t + i * stride;
      const name = next < store.numFrames ? store.labelsOf(next) : null;
      if (name) stage.labels.get(next, name);
    }
  }
}
