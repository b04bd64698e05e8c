/** The parts around the stage that mirror the store: transport, display, progress, readout, hint, split. */

import { byId, bytes, clamp, clock, setIcon, setText } from "./dom.js";
import { say } from "./messages.js";

export function transport(store, editor) {
  const [frame, time, speed, play] = ["frame", "time", "speed", "play"].map(byId);
  store.watch(["frame", "state"], () => {
    if (document.activeElement !== frame) frame.value = store.frame + 1;
    const { rate } = store.state.project;
    setText(time, `of ${store.numFrames} · ${clock(store.frame, rate)}`);
  });
  const jump = () => {
    const t = Number.parseInt(frame.value, 10) - 1;
    if (Number.isInteger(t)) editor.seek(t);
    frame.value = store.frame + 1;
  };
  frame.addEventListener("change", jump);
  frame.addEventListener("keydown", (event) => event.key === "Enter" && byId("stage").focus());
  frame.addEventListener("focus", () => frame.select());
  speed.addEventListener("change", () => store.set({ speed: Number(speed.value) }));
  store.watch(["speed"], () => (speed.value = String(store.speed)));
  store.watch(["playing"], () => {
    setIcon(play, store.playing ? "pause" : "play");
    play.setAttribute("aria-label", store.playing ? "Pause" : "Play");
  });
  store.watch(["state"], () => {
    const { suggested } = store.state;
    setText(byId("suggestion"), Number.isInteger(suggested) ? `Look at frame ${suggested + 1}` : "Suggested frame");
  });
}

export function display(store) {
  const [mode, opacity] = ["mode", "opacity"].map(byId);
  mode.addEventListener("change", () => store.set({ mode: mode.value }));
  opacity.addEventListener("input", () => store.set({ opacity: Number(opacity.value) }));
  store.watch(["mode"], () => {
    mode.value = store.mode;
    opacity.disabled = store.mode === "off" || store.mode.startsWith("cutout");
  });
  store.watch(["opacity"], () => (opacity.value = store.opacity));
  store.watch(["holding"], () => (byId("compare-tag").hidden = !store.holding));
  const compare = document.querySelector("[data-command=compare]");
  compare.addEventListener("pointerdown", () => !compare.disabled && store.set({ holding: true }));
  for (const type of ["pointerup", "pointerleave", "blur"]) compare.addEventListener(type, () => store.set({ holding: false }));
  store.watch(["state"], () => store.state.previous === null && store.set({ wipe: null, holding: false }));
}

const DOING = { propagating: "Propagating", restoring: "Restoring", writing: "Saving masks", importing: "Importing" };

export function progress(store) {
  const [work, bar, text, follow] = ["work", "work-progress", "work-text", "follow"].map(byId);
  follow.addEventListener("change", () => store.set({ follow: follow.checked }));
  store.watch(["follow"], () => (follow.checked = store.follow));
  let saidAt = 0;
  store.watch(["busy"], () => {
    const { busy } = store;
    // A click's answer is quicker than a progress bar could be read.
    const long = busy !== null && busy.total > 1;
    work.hidden = !long;
    byId("editor").classList.toggle("busy", long);
    if (!long) return;
    bar.max = busy.total;
    bar.value = busy.done;
    const left = busy.seconds_per_frame ? ` · ${Math.ceil((busy.total - busy.done) * busy.seconds_per_frame)} s left` : "";
    setText(text, `${DOING[busy.what] ?? busy.what} ${busy.done} / ${busy.total}${left}`);
    if (performance.now() - saidAt < 3000) return;
    saidAt = performance.now();
    say(`${DOING[busy.what] ?? busy.what}: ${busy.done} of ${busy.total} frames.`);
  });
  store.watch(["state", "outbox"], () => {
    const count = store.pending;
    byId("pending").hidden = count === 0;
    setText(byId("pending"), String(count));
    byId("pending").setAttribute("aria-label", `${count} uncommitted`);
  });
}

export function readout(store) {
  store.watch(["machine", "answer", "outbox", "state"], () => {
    const parts = [];
    const waiting = store.outbox.filter(({ status }) => status === "waiting").length;
    if (waiting) parts.push(`${waiting} waiting`);
    if (store.answer !== null) parts.push(`answer ${Math.round(store.answer)} ms`);
    if (store.machine?.seconds_per_frame) parts.push(`${store.machine.seconds_per_frame.toFixed(2)} s per frame`);
    if (store.machine?.rss) parts.push(bytes(store.machine.rss));
    if (store.state.model) parts.push(store.state.model.name);
    setText(byId("readout"), parts.join("  ·  "));
  });
}

export function hint(store) {
  const node = byId("hint");
  store.watch(["state", "tool", "negative", "cursor", "outbox"], () => {
    let text = "";
    if (store.cursor) text = "Arrows move the cross-hair, Enter draws, Alt+Enter marks what does not belong";
    else if (store.negative) text = "Marking what does not belong (N)";
    else if (store.untouched && store.outbox.length === 0) text = "Click an object, or press S and scribble on it";
    setText(node, text);
  });
}

export function project(store) {
  const { name, width, height, num_frames: count } = store.state.project;
  setText(byId("project-name"), name);
  setText(byId("project-size"), `${width}×${height} · ${count} frames`);
  document.title = `${name} · Annotate`;
}

export function zoom(stage) {
  const show = () => setText(byId("zoom"), `${Math.round(100 * stage.camera.scale * stage.ratio)}%`);
  stage.cameraMoved = show;
  new ResizeObserver(() => requestAnimationFrame(show)).observe(stage.element);
}

/** The handle of the split view. */
export function split(store, stage) {
  const handle = byId("wipe");
  const place = () => {
    handle.hidden = store.wipe === null || store.holding;
    if (store.wipe === null) return;
    const { camera } = stage;
    handle.style.left = `${clamp(camera.x + store.wipe * camera.scale * camera.width, 0, camera.stageWidth)}px`;
    handle.setAttribute("aria-valuenow", Math.round(100 * store.wipe));
  };
  const moved = stage.cameraMoved;
  stage.cameraMoved = () => {
    moved();
    place();
  };
  store.watch(["wipe", "holding"], place);
  handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const { camera, element } = stage;
    const x = event.clientX - element.getBoundingClientRect().left;
    store.set({ wipe: clamp((x - camera.x) / (camera.scale * camera.width), 0, 1) });
  });
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    store.set({ wipe: clamp(store.wipe + step, 0, 1) });
  });
}
