/** From key presses to commands. */

const NAMES = { " ": "Space", ArrowLeft: "Left", ArrowRight: "Right", ArrowUp: "Up", ArrowDown: "Down" };
const MOVING = ["Left", "Right", "Up", "Down", "Home", "End", "PageUp", "PageDown"];
const CHOOSING = [...MOVING, "Space", "Enter", "Escape"];
const TYPING_TIME = 700;

// Signs of a keyboard with Latin letters by the place of the key, plain and with shift.
const PLACES = {
  Backquote: "`~", Minus: "-_", Equal: "=+", BracketLeft: "[{", BracketRight: "]}", Backslash: "\\|",
  Semicolon: ";:", Quote: "'\"", Comma: ",<", Period: ".>", Slash: "/?",
};

/** The sign that a key stands for: its own, or where the layout has no Latin letters the one of its place. */
function signOf({ key, code = "", shiftKey }) {
  const digit = /^Digit(\d)$/.exec(code)?.[1];
  // AZERTY has the digits above; without shift its keys give other signs.
  if (digit && !/^[0-9]$/.test(key) && (!shiftKey || key > "\x7f")) return digit;
  if (key !== "Dead" && (key.length !== 1 || key <= "\x7f")) return key;
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  return letter?.toLowerCase() ?? digit ?? PLACES[code]?.[Number(shiftKey)] ?? key;
}

/** The name of a key press, such as Ctrl+Shift+Z, Left or ?. On a Mac, Cmd counts as Ctrl. */
export function nameOf(event) {
  // AltGr makes another sign, which is meant as it is.
  const sign = event.getModifierState("AltGraph") ? event.key : signOf(event);
  const key = NAMES[sign] ?? sign;
  const letter = key.length === 1 && key.toLowerCase() !== key.toUpperCase();
  const parts = [];
  // AltGr comes as Ctrl and Alt, but only makes another sign.
  const plain = event.getModifierState("AltGraph");
  if (!plain && (event.ctrlKey || event.metaKey)) parts.push("Ctrl");
  if (!plain && event.altKey) parts.push("Alt");
  // Of signs such as ? the shift is part already.
  if (event.shiftKey && (letter || key.length > 1)) parts.push("Shift");
  parts.push(letter ? key.toUpperCase() : key);
  return parts.join("+");
}

/** Does the focused control need this key itself? */
function belongsTo(target, name) {
  if (target.closest("dialog")) return true;
  if (target.matches("select")) return CHOOSING.includes(name);
  if (target.matches("input[type=text], input[type=number]")) return !target.readOnly || name === "Enter" || name === "F2";
  if (target.matches("input[type=range]")) return MOVING.includes(name);
  return target.matches("button, a, summary, input") && (name === "Space" || name === "Enter");
}

export class Keys {
  /** `commands`: see commands.js; `digits(number)` gets numbers typed quickly, `space` {down, up}: the space bar, with the event. */
  constructor(commands, { digits, space, enabled }) {
    Object.assign(this, { digits, space, enabled, typed: "", held: null });
    this.byKey = new Map();
    for (const command of commands) for (const key of command.keys) this.byKey.set(key, command);
    window.addEventListener("keydown", (event) => this.down(event));
    window.addEventListener("keyup", (event) => this.up(event));
    window.addEventListener("blur", () => this.release());
  }

  down(event) {
    const name = nameOf(event);
    if (event.isComposing || !this.enabled() || belongsTo(event.target, name)) return;
    if (name === "Space") {
      event.preventDefault();
      if (!event.repeat) this.space.down(event);
      return;
    }
    if (/^\d$/.test(name)) {
      this.digit(name);
      return;
    }
    const command = this.byKey.get(name);
    if (!command) return;
    event.preventDefault();
    if (event.repeat && !command.repeats) return;
    if (command.when && !command.when()) return;
    if (command.release) this.held = { key: event.code || event.key, command };
    command.run(event);
  }

  up(event) {
    if (event.key === " ") this.space.up(event);
    if (this.held?.key === (event.code || event.key)) this.release();
  }

  release() {
    this.held?.command.release();
    this.held = null;
  }

  /** 1 then 3, typed quickly, is 13. */
  digit(text) {
    clearTimeout(this.timer);
    this.typed += text;
    if (!this.digits(Number(this.typed))) {
      this.typed = text;
      this.digits(Number(text));
    }
    this.timer = setTimeout(() => (this.typed = ""), TYPING_TIME);
  }
}

/** Give the buttons with data-command their command, its keys and its name. */
export function bindButtons(commands, stage) {
  const buttons = [];
  for (const button of document.querySelectorAll("[data-command]")) {
    const command = commands.find(({ id }) => id === button.dataset.command);
    if (!command) throw new Error(`no command ${button.dataset.command}`);
    const keys = command.keys.map((key) => key.replace("Ctrl", "Control"));
    if (keys.length) button.setAttribute("aria-keyshortcuts", keys.join(" "));
    if (!button.textContent.trim()) button.setAttribute("aria-label", command.title);
    button.title = command.keys.length ? `${command.title} (${command.keys[0]})` : command.title;
    button.onclick = (event) => {
      // What is held by a key is held by the mouse button, too; pressed by the keys it stays until pressed again.
      if (!command.release) command.run(event);
      else if (event.detail === 0) command.pressed() ? command.release() : command.run(event);
      // After a mouse click the keys belong to the stage again.
      if (event.detail > 0 && !document.querySelector("dialog[open]")) stage.focus({ preventScroll: true });
    };
    buttons.push([button, command]);
  }
  /** Bring disabled and pressed states in step. */
  return () => {
    for (const [button, command] of buttons) {
      if (command.when) button.disabled = !command.when();
      if (command.pressed) button.setAttribute("aria-pressed", command.pressed());
    }
  };
}
