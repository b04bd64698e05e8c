/** Actions on their way to the server, one after the other. Nothing is dropped: what failed stays until retried. */

/** Random name of an action: a second attempt with the same name is not applied twice. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Outbox {
  /** `refused(item, retry, discard)` is told of every action that the server did not take. */
  constructor(api, store, refused) {
    Object.assign(this, { api, store, refused, running: false });
  }

  /** Send `action` (object null: the newest object); `ghost` is what is drawn until the answer is there. */
  push(action, ghost = null) {
    const item = { key: newKey(), action, ghost, status: "waiting", at: performance.now(), error: null };
    const done = new Promise((resolve) => (item.resolve = resolve));
    this.change([...this.store.outbox, item]);
    this.run();
    return done;
  }

  change(outbox) {
    this.store.set({ outbox });
  }

  mark(item, status, error = null) {
    Object.assign(item, { status, error });
    this.change([...this.store.outbox]);
  }

  without(item) {
    return this.store.outbox.filter((other) => other !== item);
  }

  /** Send what waits, in order, as long as the server can be reached. */
  async run() {
    if (this.running) return;
    this.running = true;
    for (let item = this.first(); item; item = this.first()) {
      if (!(await this.send(item))) break;
    }
    this.running = false;
  }

  first() {
    return this.store.outbox.find((item) => item.status === "waiting");
  }

  async send(item) {
    const { store } = this;
    const action = { ...item.action, key: item.key };
    if (action.object === null) action.object = store.state.objects.at(-1)?.id ?? 1;
    item.status = "sending";
    try {
      const { state } = await this.api.act(action);
      item.status = "done";
      store.take(state);
      this.change(this.without(item));
      item.resolve({ item, state });
    } catch (error) {
      item.unsure = error.offline || error.status >= 500;
      if (error.offline) {
        this.mark(item, "waiting");
        this.stalled?.();
        return false;
      }
      this.mark(item, "failed", error.message);
      this.refused(item, () => this.retry(item), () => this.discard(item));
      if (item.action.type === "propagate" || item.action.type === "commit") item.resolve({ item, error });
    }
    return true;
  }

  retry(item) {
    // What may have been applied keeps its key; what was refused for certain gets a new one.
    if (!item.unsure) item.key = newKey();
    this.mark(item, "waiting");
    this.run();
  }

  discard(item) {
    this.change(this.without(item));
    item.resolve({ item, error: new Error("discarded") });
  }
}
