/** Toasts, the banner of a lost connection, and what is read aloud. */

import { byId, el, icon, setText } from "./dom.js";

const SHORT = 5000;

/** Show `text`; errors stay until dismissed. `actions`: [{title, run}]. Returns a function that takes it away. */
export function toast(text, { kind = "info", actions = [], closed = () => {} } = {}) {
  const error = kind === "error";
  const box = el("div", { class: `toast ${kind}`, role: error ? "alert" : "status" });
  const remove = () => box.remove();
  const button = ({ title, run }) => {
    const press = () => {
      remove();
      run();
    };
    return el("button", { class: "quiet", type: "button", text: title, on: { click: press } });
  };
  const dismiss = () => {
    remove();
    closed();
  };
  const close = el("button", { class: "ghost small", type: "button", "aria-label": "Dismiss", on: { click: dismiss } });
  close.append(icon("close"));
  box.append(icon(error ? "alert" : "info"), el("p", { text }), ...actions.map(button), close);
  byId("toasts").append(box);
  if (!error) setTimeout(remove, SHORT);
  return remove;
}

const shownErrors = new Map();

/** An error that may come many times (frames that fail to load): one toast for all. */
export function complain(error) {
  const text = error.message;
  if (shownErrors.has(text)) return;
  shownErrors.set(text, toast(text, { kind: "error", closed: () => shownErrors.delete(text) }));
}

/** An action the server did not take: it can be tried again or given up. */
export function refusal(what, item, retry, discard) {
  const actions = [
    { title: "Retry", run: retry },
    { title: "Discard", run: discard },
  ];
  toast(`${what}: ${item.error}`, { kind: "error", actions, closed: discard });
}

let spoken = 0;

/** Read `text` aloud (politely) and show it in the status bar. */
export function say(text) {
  clearTimeout(spoken);
  spoken = setTimeout(() => setText(byId("status"), text), 60);
}

export function watchConnection(store, tryNow) {
  const banner = byId("banner");
  byId("banner-retry").addEventListener("click", tryNow);
  store.watch(["connected", "outbox"], () => {
    banner.hidden = store.connected;
    const waiting = store.outbox.length;
    const kept = waiting ? ` ${waiting} unsent ${waiting === 1 ? "action is" : "actions are"} kept.` : "";
    setText(byId("banner-text"), `Connection to the server lost, trying again.${kept}`);
  });
}
