/** One open project: everything a person can do to it. */

import { ProjectApi } from "./api.js";
import { CrossHair } from "./cross_hair.js";
import { clamp } from "./dom.js";
import { Events } from "./events.js";
import { complain, refusal, say, toast } from "./messages.js";
import { ObjectsPanel } from "./objects.js";
import { Outbox } from "./outbox.js";
import { Playback } from "./playback.js";
import { keepScores } from "./scores.js";
import { includes } from "./spans.js";
import { Stage } from "./stage.js";
import { Timeline } from "./timeline.js";
import { Tools } from "./tools.js";

const WHAT = {
  click: "The click",
  scribble: "The scribble",
  box: "The box",
  commit: "Committing",
  propagate: "Propagating",
  undo: "Undo",
  redo: "Redo",
  review: "The mark",
  add_object: "Adding an object",
  change_object: "Changing the object",
  delete_object: "Deleting the object",
  clear: "Clearing the frame",
};

export class Editor {
  constructor(id, store, elements) {
    Object.assign(this, { id, store, api: new ProjectApi(id), cancelling: false, listeners: new Map(), answers: [], worked: 0 });
    this.outbox = new Outbox(this.api, store, (item, retry, discard) => this.refused(item, retry, discard));
    this.outbox.stalled = () => this.stalled();
    this.stage = new Stage(elements.stage, store, this.api, (error) => this.trouble(error));
    const prompt = (ghost) => this.prompt(ghost);
    this.tools = new Tools(this.stage, store, prompt);
    this.crossHair = new CrossHair(store, this.stage, prompt, say);
    this.playback = new Playback(store, this.stage, (t) => this.seek(t));
    this.timeline = new Timeline(elements.timeline, store, this.api, (t) => this.seek(t));
    const choose = (selected) => store.set({ selected });
    this.objects = new ObjectsPanel(elements.objects, store, { act: (action) => this.act(action), choose });
    keepScores(store, this.api);
    this.stage.painted = (frame, key) => this.measure(frame, key);
    this.events = new Events(this.api.eventsAddress(), (message) => this.receive(message), (on) => this.connection(on));
    store.watch(["frame"], () => this.looking());
    store.watch(["busy"], () => this.worked++);
  }

  /** Call `listener` for every message of the server of this type. */
  on(type, listener) {
    this.listeners.set(type, listener);
  }

  // Going through the video

  seek(t) {
    if (!Number.isInteger(t)) return;
    const frame = clamp(t, 0, this.store.numFrames - 1);
    this.direction = frame < this.store.frame ? -1 : 1;
    this.store.set({ frame, playing: false, follow: this.store.busy === null });
  }

  step(step) {
    this.seek(this.store.frame + step);
  }

  looking() {
    const { frame, playing } = this.store;
    if (!playing) this.stage.frames.wantAround(frame, this.direction ?? 1);
    this.events.send({ type: "looking", frame });
    clearTimeout(this.remember);
    this.remember = setTimeout(() => history.replaceState(null, "", `#${encodeURIComponent(this.id)}/${frame}`), 200);
  }

  actualSize() {
    this.stage.zoom(1 / this.stage.ratio / this.stage.camera.scale);
  }

  // Acting

  async act(action, ghost = null) {
    const before = new Set(this.store.state.objects.map((object) => object.id));
    const { item, state } = await this.outbox.push(action, ghost);
    if (state && ghost) this.waiting = { frame: ghost.frame, key: this.store.labelsOf(ghost.frame)?.key, at: item.at, answered: performance.now() };
    const fresh = state?.objects.find((object) => !before.has(object.id));
    if (action.type === "add_object" && fresh) this.store.set({ selected: fresh.id });
    if (state && (action.type === "undo" || action.type === "redo")) say(`${WHAT[action.type]} done.`);
    if (state && action.type === "delete_object") {
      toast("Object deleted.", { actions: [{ title: "Undo", run: () => this.act({ type: "undo" }) }] });
    }
    return state;
  }

  prompt(ghost) {
    const { kind, ...rest } = ghost;
    // The first prompt of a project without objects makes one.
    if (this.store.selected === null && ghost.object !== 0) {
      if (!this.store.outbox.some(({ action }) => action.type === "add_object")) this.act({ type: "add_object" });
      rest.object = null;
    }
    if (this.store.busy) say(`${WHAT[kind]} waits until the work under way is done.`);
    this.act({ type: kind, ...rest }, ghost);
  }

  hide() {
    const object = this.store.object(this.store.selected);
    this.act({ type: "change_object", object: object.id, hidden: !object.hidden });
  }

  review(status) {
    const { frame, state } = this.store;
    const marked = includes(state.frames[status], frame);
    this.act({ type: "review", frame, status: marked ? null : status });
  }

  clear() {
    this.act({ type: "clear", frame: this.store.frame });
  }

  async commit() {
    if (await this.act({ type: "commit" })) say("Committed: masks of all prompted frames are shown.");
  }

  async propagate() {
    const { store } = this;
    const home = store.frame;
    this.cancelling = false;
    store.set({ busy: { what: "propagating", done: 0, total: store.numFrames }, follow: true, playing: false });
    const state = await this.act({ type: "propagate" });
    const back = store.follow;
    store.set({ busy: null, live: new Map(), follow: true });
    if (back) this.seek(home);
    if (state) say(`Round ${state.round} done: every frame has its masks.`);
  }

  escape() {
    if (this.store.busy) this.cancel();
    else if (this.store.cursor) this.crossHair.toggle();
    else this.tools.abandon();
  }

  async cancel() {
    const unsent = this.store.outbox.find(({ action, status }) => action.type === "propagate" && status === "waiting");
    if (unsent) {
      this.outbox.discard(unsent);
      return;
    }
    this.cancelling = true;
    say("Cancelling…");
    try {
      await this.api.cancel();
    } catch (error) {
      this.trouble(error);
    }
  }

  // What the server says

  receive(message) {
    const { store } = this;
    // The answer to an action may overtake what was told of it while it was under way.
    if (["busy", "arrived"].includes(message.type) && message.revision < store.state.revision) return;
    if (message.type === "state") {
      store.take(message.state);
      if (store.busy === null && store.live.size) store.set({ live: new Map() });
    }
    else if (message.type === "busy") store.set({ busy: message });
    else if (message.type === "idle") this.idle();
    else if (message.type === "arrived") this.arrived(message.frame);
    else if (message.type === "machine") store.set({ machine: message });
    else if (message.type === "error") complain(new Error(message.message));
    this.listeners.get(message.type)?.(message);
  }

  /** Live labels stay until the state that names the new ones is here, so that nothing flickers. */
  idle() {
    this.store.set({ busy: null });
    setTimeout(() => this.store.busy === null && this.store.set({ live: new Map() }), 400);
  }

  /** New labels of a frame in mid-propagation: shown at once, and followed where the person does not look elsewhere. */
  arrived(frame) {
    const { store } = this;
    const live = new Map(store.live);
    live.set(frame, (live.get(frame) ?? 0) + 1);
    store.set({ live });
    if (store.follow && store.busy) store.set({ frame });
  }

  async connection(connected) {
    this.store.set({ connected });
    if (!connected) return;
    try {
      await this.resync();
      this.outbox.run();
    } catch (error) {
      this.trouble(error);
    }
  }

  /** The server's word on everything, after a pause in which messages may have been missed. */
  async resync() {
    const { store, worked } = this;
    const { revision } = store.state;
    const { busy, ...state } = await this.api.state();
    // What came while the answer was on its way is newer; otherwise even a lower revision is right.
    store.take(state, { always: store.state.revision === revision });
    if (this.worked === worked) store.set({ busy, live: busy ? store.live : new Map() });
    this.stage.frames.wantAround(this.store.frame);
  }

  stalled() {
    this.store.set({ connected: false });
    clearTimeout(this.again);
    this.again = setTimeout(() => this.tryNow(), 1500);
  }

  /** See whether the server is back; the socket finds out by itself, but actions may fail first. */
  async tryNow() {
    this.events.hurry();
    try {
      await this.resync();
      this.store.set({ connected: true });
      this.outbox.run();
    } catch {
      if (this.store.outbox.length) this.stalled();
    }
  }

  trouble(error) {
    if (error.offline) this.store.set({ connected: false });
    else complain(error);
  }

  refused(item, retry, discard) {
    if (this.cancelling && item.action.type === "propagate") {
      discard();
      this.cancelling = false;
      say("Propagation cancelled; the masks are as before.");
      return;
    }
    refusal(WHAT[item.action.type] ?? "That", item, retry, discard);
  }

  /** Time from a prompt to its mask on the screen. */
  measure(frame, key) {
    const { store } = this;
    const wait = this.waiting;
    if (wait && frame === wait.frame && key === wait.key) {
      const now = performance.now();
      store.set({ answer: now - wait.at });
      this.answers.push({ total: now - wait.at, drawing: now - wait.answered });
      this.waiting = null;
    }
  }

  /** Leave for the list of projects. */
  leave() {
    history.replaceState(null, "", "#");
    location.reload();
  }
}
