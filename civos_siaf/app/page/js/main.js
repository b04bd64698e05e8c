/** Start: the project named in the address, else the only one there is, else the first screen. */

import { ProjectApi, listProjects } from "./api.js";
import { makeCommands } from "./commands.js";
import { ExportDialog, HelpDialog, ImportDialog } from "./dialogs.js";
import { byId, onFrame } from "./dom.js";
import { Editor } from "./editor.js";
import { Keys, bindButtons } from "./keys.js";
import { complain, watchConnection } from "./messages.js";
import * as panels from "./panels.js";
import { showStart } from "./start.js";
import { Store } from "./store.js";

const TAP = 250;

/** Space: a tap plays, held it moves the picture. */
function spaceBar(editor) {
  let since = null;
  const hold = (on) => {
    editor.tools.panKey = on;
    editor.stage.element.classList.toggle("pan-key", on);
  };
  return {
    down(event) {
      since = event.timeStamp; // when it happened: the page may be busy and hear of it later
      hold(true);
    },
    up(event) {
      if (since === null) return;
      const moved = editor.tools.drag?.kind === "pan" || editor.tools.panned;
      if (event.timeStamp - since < TAP && !moved) editor.playback.toggle();
      since = null;
      hold(false);
    },
  };
}

function wire(id, store) {
  const elements = { stage: byId("stage"), timeline: byId("timeline"), objects: byId("objects") };
  const editor = new Editor(id, store, elements);
  const dialogs = { export: new ExportDialog(editor), import: new ImportDialog(editor, store), help: new HelpDialog() };
  const commands = makeCommands(store, editor, dialogs);
  dialogs.help.fill(commands);
  const refresh = onFrame(bindButtons(commands, elements.stage));
  const all = ["state", "frame", "selected", "tool", "negative", "solo", "showPrompts", "holding", "wipe", "busy", "cursor"];
  store.watch(all, refresh);
  const digits = (number) => {
    if (!store.object(number)) return false;
    store.set({ selected: number });
    return true;
  };
  const enabled = () => !document.querySelector("dialog[open]");
  new Keys(commands, { digits, space: spaceBar(editor), enabled });
  panels.project(store);
  panels.transport(store, editor);
  panels.display(store);
  panels.progress(store);
  panels.readout(store);
  panels.hint(store);
  panels.zoom(editor.stage);
  panels.split(store, editor.stage);
  watchConnection(store, () => editor.tryNow());
  elements.stage.focus({ preventScroll: true });
  return editor;
}

async function open(id, frame = 0) {
  const store = new Store();
  const { busy, ...state } = await new ProjectApi(id).state();
  store.take(state);
  store.set({ busy, frame: Math.min(frame, store.numFrames - 1) });
  byId("start").hidden = true;
  byId("editor").hidden = false;
  // For the console, and for tests that look behind the scenes.
  window.annotator = { store, editor: wire(id, store) };
}

/** Open another project, with nothing left of the screen before. */
function choose(id) {
  history.replaceState(null, "", `#${encodeURIComponent(id)}`);
  location.reload();
}

function load(id, frame) {
  return open(id, frame).catch((error) => {
    complain(error);
    return showStart(choose);
  });
}

async function begin() {
  const [, id, frame] = /^#([^/]+)(?:\/(\d+))?/.exec(location.hash) ?? [];
  if (id) return load(decodeURIComponent(id), Number(frame ?? 0));
  const projects = location.hash === "" ? await listProjects().catch(() => []) : [];
  return projects.length === 1 ? load(projects[0].id, 0) : showStart(choose);
}

// A file dropped beside its place must not replace the page.
for (const type of ["dragover", "drop"]) window.addEventListener(type, (event) => event.preventDefault());
window.addEventListener("hashchange", () => location.reload());
window.addEventListener("beforeunload", (event) => {
  if (window.annotator?.store.outbox.length) event.preventDefault();
});
begin();
