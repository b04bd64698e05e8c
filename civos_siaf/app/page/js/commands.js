/** Every command of the page: one table for keys, buttons and the help sheet. */

import { MODES, SPEEDS } from "./store.js";
import { clamp } from "./dom.js";
import { includes, neighbour } from "./spans.js";

/** Next of `values` after `value`, `step` further, around the end where `around`. */
function cycle(values, value, step, around = true) {
  const at = values.indexOf(value) + step;
  return values[around ? (at + values.length) % values.length : clamp(at, 0, values.length - 1)];
}

function frameCommands(store, editor) {
  const go = (step) => () => editor.step(step);
  const along = (step) => () => {
    const { frames } = store.state;
    const marked = [...frames.prompted, ...frames.doubtful];
    editor.seek(neighbour(marked, store.frame, step));
  };
  const frame = (id, keys, title, run, more = {}) => ({ id, keys, title, run, group: "Frames", ...more });
  return [
    frame("play", ["Space"], "Play or pause", () => editor.playback.toggle()),
    frame("back", ["Left"], "Previous frame", go(-1), { repeats: true }),
    frame("forward", ["Right"], "Next frame", go(1), { repeats: true }),
    frame("back10", ["Shift+Left"], "10 frames back", go(-10), { repeats: true }),
    frame("forward10", ["Shift+Right"], "10 frames forward", go(10), { repeats: true }),
    frame("first", ["Home"], "First frame", () => editor.seek(0)),
    frame("last", ["End"], "Last frame", () => editor.seek(store.numFrames - 1)),
    frame("previous-mark", ["Up"], "Previous frame with prompts or doubts", along(-1)),
    frame("next-mark", ["Down"], "Next frame with prompts or doubts", along(1)),
    frame("suggested", ["G"], "Go to the suggested frame", () => editor.seek(store.state.suggested), {
      when: () => Number.isInteger(store.state.suggested),
    }),
    frame("slower", ["<"], "Play slower", () => store.set({ speed: cycle(SPEEDS, store.speed, -1, false) })),
    frame("faster", [">"], "Play faster", () => store.set({ speed: cycle(SPEEDS, store.speed, 1, false) })),
    frame("reviewed", ["R"], "Mark this frame as reviewed", () => editor.review("reviewed"), {
      pressed: () => includes(store.state.frames.reviewed, store.frame),
    }),
    frame("doubtful", ["D"], "Mark this frame as doubtful", () => editor.review("doubtful"), {
      pressed: () => includes(store.state.frames.doubtful, store.frame),
    }),
  ];
}

function toolCommands(store, editor) {
  const tool = (name, key, title) => ({
    id: `tool-${name}`,
    keys: [key],
    title,
    group: "Tools",
    run: () => store.set({ tool: name }),
    pressed: () => store.tool === name,
  });
  const one = (id, keys, title, run, more = {}) => ({ id, keys, title, run, group: "Tools", ...more });
  return [
    tool("click", "C", "Click: left object, right background"),
    tool("scribble", "S", "Scribble: left object, right background"),
    tool("box", "B", "Box around an object"),
    tool("pan", "H", "Hand: move the picture"),
    one("negative", ["N"], "Swap the mouse buttons", () => store.set({ negative: !store.negative }), {
      pressed: () => store.negative,
    }),
    one("cross-hair", ["K"], "Crosshair: draw with the keys", () => editor.crossHair.toggle(), {
      pressed: () => store.cursor !== null,
    }),
    one("clear", ["Shift+Backspace"], "Take back this frame's uncommitted prompts", () => editor.clear(), {
      when: () => includes(store.state.frames.pending, store.frame),
    }),
  ];
}

function objectCommands(store, editor) {
  const ids = () => store.state.objects.map((object) => object.id);
  const one = (id, keys, title, run, more = {}) => ({ id, keys, title, run, group: "Objects", ...more });
  const chosen = { when: () => store.selected !== null };
  return [
    one("add-object", ["O"], "Add an object", () => editor.act({ type: "add_object" })),
    one("next-object", ["]"], "Next object", () => store.set({ selected: cycle(ids(), store.selected, 1) }), chosen),
    one("previous-object", ["["], "Previous object", () => store.set({ selected: cycle(ids(), store.selected, -1) }), chosen),
    one("rename", ["F2"], "Rename the object", () => editor.objects.rename(store.selected), chosen),
    one("hide", ["V"], "Hide or show the object", () => editor.hide(), chosen),
    one("solo", ["I"], "Show this object alone", () => store.set({ solo: !store.solo }), { pressed: () => store.solo }),
    one("delete-object", ["Delete"], "Delete the object", () => editor.act({ type: "delete_object", object: store.selected }), chosen),
  ];
}

function workCommands(store, editor, dialogs) {
  const idle = () => store.busy === null;
  const one = (id, keys, title, run, more = {}) => ({ id, keys, title, run, group: "Work", ...more });
  return [
    one("commit", ["Enter"], "Commit: masks of all frames with new prompts", () => editor.commit(), {
      when: () => idle() && store.pending > 0,
    }),
    one("propagate", ["Shift+Enter", "P"], "Propagate to every frame", () => editor.propagate(), {
      when: () => idle() && !store.untouched,
    }),
    one("cancel", ["Escape"], "Cancel, or hide the crosshair", () => editor.escape()),
    one("undo", ["Ctrl+Z"], "Undo", () => editor.act({ type: "undo" }), { when: () => Boolean(store.state.undo), repeats: true }),
    one("redo", ["Ctrl+Shift+Z", "Ctrl+Y"], "Redo", () => editor.act({ type: "redo" }), {
      when: () => Boolean(store.state.redo),
      repeats: true,
    }),
    one("export", ["E"], "Export", () => dialogs.export.open()),
    one("import", [], "Import masks", () => dialogs.import.open()),
    one("help", ["?"], "Keys and help", () => dialogs.help.open()),
    one("projects", [], "All projects", () => editor.leave()),
  ];
}

function viewCommands(store, editor) {
  const one = (id, keys, title, run, more = {}) => ({ id, keys, title, run, group: "View", ...more });
  const opacity = (step) => () => store.set({ opacity: clamp(Math.round(20 * store.opacity + step) / 20, 0.05, 1) });
  const previous = { when: () => store.state.previous !== null };
  return [
    one("mode", ["M"], "Next overlay mode", () => store.set({ mode: cycle(MODES, store.mode, 1) })),
    one("more-opaque", ["Shift+Up"], "Overlay stronger", opacity(1), { repeats: true }),
    one("less-opaque", ["Shift+Down"], "Overlay weaker", opacity(-1), { repeats: true }),
    one("prompts", ["T"], "Show or hide the prompts", () => store.set({ showPrompts: !store.showPrompts }), {
      pressed: () => store.showPrompts,
    }),
    one("compare", ["X"], "Hold: see the previous round", () => store.set({ holding: true }), {
      ...previous,
      release: () => store.set({ holding: false }),
      pressed: () => store.holding,
    }),
    one("wipe", ["W"], "Split: previous round left, this one right", () => store.set({ wipe: store.wipe === null ? 0.5 : null }), {
      ...previous,
      pressed: () => store.wipe !== null,
    }),
    one("zoom-in", ["+", "="], "Zoom in", () => editor.stage.zoom(1.25), { repeats: true }),
    one("zoom-out", ["-"], "Zoom out", () => editor.stage.zoom(0.8), { repeats: true }),
    one("fit", ["F"], "Fit the frame into the stage", () => editor.stage.fit()),
    one("actual", ["Shift+F"], "One pixel of the video is one of the screen", () => editor.actualSize()),
  ];
}

export function makeCommands(store, editor, dialogs) {
  return [
    ...toolCommands(store, editor),
    ...objectCommands(store, editor),
    ...workCommands(store, editor, dialogs),
    ...viewCommands(store, editor),
    ...frameCommands(store, editor),
  ];
}
