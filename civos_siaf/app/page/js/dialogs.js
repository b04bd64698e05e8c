/** Dialogs: export, import, help. */

import { listFormats } from "./api.js";
import { byId, el, setText } from "./dom.js";
import { complain, toast } from "./messages.js";

class Dialog {
  constructor(id) {
    this.element = byId(id);
    for (const button of this.element.querySelectorAll("[data-close]")) {
      button.addEventListener("click", () => this.element.close());
    }
    this.element.addEventListener("click", (event) => event.target === this.element && this.element.close());
  }

  open() {
    if (!this.element.open) this.element.showModal();
  }
}

/** A control for one option of a format: {name, type, default, help?, choices?, least?, most?}. */
function optionControl({ name, type, default: standard, help = "", choices, least, most }) {
  let control;
  if (choices) {
    control = el("select", { name }, ...choices.map((value) => el("option", { value, text: String(value) })));
    if (standard !== undefined) control.value = standard;
  } else if (type === "bool") {
    control = el("input", { type: "checkbox", name, checked: Boolean(standard) });
  } else {
    const kind = type === "int" || type === "float" ? "number" : "text";
    control = el("input", { type: kind, name, min: least, max: most, step: type === "int" ? 1 : "any" });
    control.value = standard ?? "";
  }
  const read = () => {
    if (control.type === "checkbox") return control.checked;
    if (control.value === "") return undefined;
    const chosen = choices?.find((value) => String(value) === control.value);
    return chosen ?? (control.type === "number" ? Number(control.value) : control.value);
  };
  const label = el("span", { text: name.replaceAll("_", " ") });
  const note = el("small", { class: "muted", text: help });
  return { name, read, row: el("label", { class: "field" }, label, control, note) };
}

export class ExportDialog extends Dialog {
  constructor(editor) {
    super("export-dialog");
    this.editor = editor;
    this.running = null;
    this.early = [];
    this.options = [];
    this.list = byId("formats");
    this.button = byId("export-start");
    this.button.addEventListener("click", () => this.start());
    this.stop = byId("export-cancel");
    this.stop.addEventListener("click", () => this.cancel());
    editor.on("export", (message) => this.progress(message));
  }

  async open() {
    super.open();
    if (this.formats) return;
    try {
      this.formats = await listFormats();
      this.list.replaceChildren(...this.formats.map((format, i) => this.choice(format, i === 0)));
      this.choose(this.formats[0]);
    } catch (error) {
      complain(error);
    }
  }

  choice(format, checked) {
    const radio = el("input", { type: "radio", name: "format", value: format.id, checked });
    radio.addEventListener("change", () => this.choose(format));
    return el("label", { class: "choice" }, radio, el("span", { text: format.title }));
  }

  choose(format) {
    this.format = format;
    if (!this.button.disabled) this.show(0, 1, "").hidden = true;
    this.options = (format.options ?? []).map(optionControl);
    const none = el("p", { class: "muted", text: "This format has no options." });
    byId("export-options").replaceChildren(...(this.options.length ? this.options.map(({ row }) => row) : [none]));
  }

  async start() {
    const options = {};
    for (const { name, read } of this.options) if (read() !== undefined) options[name] = read();
    this.show(0, 1, `Writing ${this.format.title}…`);
    this.button.disabled = true;
    this.stop.hidden = false;
    this.stop.disabled = true; // until the export has a name
    try {
      this.running = (await this.editor.api.startExport(this.format.id, options)).id;
      this.stop.disabled = false;
      for (const message of this.early.splice(0)) this.progress(message);
    } catch (error) {
      this.end(error.message, true);
    }
  }

  async cancel() {
    this.stop.disabled = true;
    try {
      await this.editor.api.cancelExport(this.running);
    } catch (error) {
      // It may have ended in this moment, or its end was not heard here.
      if (error.status === 409) this.progress({ id: this.running, finished: true });
      else if (error.status === 404) this.end(error.message, true);
      else complain(error);
      this.stop.disabled = false;
    }
  }

  show(done, total, text) {
    const bar = byId("export-progress");
    bar.hidden = false;
    bar.max = Math.max(1, total);
    bar.value = done;
    setText(byId("export-status"), text);
    byId("export-status").classList.remove("bad");
    return bar;
  }

  progress(message) {
    // The first messages may be here before the answer that names the export.
    if (this.running === null && this.button.disabled) {
      this.early.push(message);
      return;
    }
    if (message.id !== this.running) return;
    if (message.error) this.end(message.error, true);
    else if (message.cancelled) this.end("Export cancelled, nothing was written.", false, true);
    else if (!message.finished) this.show(message.done, message.total, `${message.done} of ${message.total} frames`);
    else {
      this.show(1, 1, "");
      this.end(`${this.format.title}: written, the download has begun.`, false);
      this.download(message.id);
    }
  }

  end(text, failed, cancelled = false) {
    this.running = null;
    this.button.disabled = false;
    this.stop.hidden = true;
    setText(byId("export-status"), text);
    byId("export-status").classList.toggle("bad", failed);
    if (failed || cancelled) byId("export-progress").hidden = true;
  }

  download(id) {
    const link = el("a", { href: this.editor.api.exportAddress(id), download: true });
    document.body.append(link);
    link.click();
    link.remove();
  }
}

export class ImportDialog extends Dialog {
  constructor(editor, store) {
    super("import-dialog");
    this.editor = editor;
    this.store = store;
    byId("import-start").addEventListener("click", () => this.start());
    byId("import-file").addEventListener("change", () => this.chosen());
  }

  /** Only a single picture needs to be told its frame; other files say it themselves. */
  chosen() {
    byId("import-question").replaceChildren();
    const name = byId("import-file").files[0]?.name.toLowerCase() ?? "";
    this.format = name.endsWith(".json") ? "coco" : name.endsWith(".xml") ? "cvat" : "png";
    this.single = name.endsWith(".png");
    byId("import-frame").disabled = name !== "" && !this.single;
  }

  open() {
    super.open();
    byId("import-frame").value = this.store.frame + 1;
    byId("import-frame").max = this.store.numFrames;
    setText(byId("import-status"), "");
    byId("import-question").replaceChildren();
  }

  async start() {
    const file = byId("import-file").files[0];
    const status = byId("import-status");
    status.classList.remove("bad");
    if (!file) {
      setText(status, "Choose a file first.");
      return;
    }
    setText(status, "Reading…");
    byId("import-question").replaceChildren();
    try {
      const frame = Number(byId("import-frame").value) - 1;
      const values = this.format === "png" ? byId("import-values").value : "";
      const how = { format: this.format, frame: this.single ? frame : null, first: byId("import-first").value, values };
      const { state, notes } = await this.editor.api.importMasks(file, how);
      this.store.take(state);
      this.element.close();
      this.editor.seek(this.single ? frame : (state.frames.prompted[0]?.[0] ?? 0));
      const said = notes.length ? ` Read as follows: ${notes.join("; ")}.` : "";
      toast(`Masks imported. They count as prompts: commit or propagate goes on from them.${said}`);
    } catch (error) {
      status.classList.add("bad");
      setText(status, error.message);
      if (error.question) this.ask(error.question);
    }
  }

  /** A button for every way in which the file can be read; the choice stays in the dialog's own field. */
  ask({ option, choices }) {
    const buttons = Object.entries(choices).map(([value, text]) => {
      const button = el("button", { type: "button", text });
      button.addEventListener("click", () => {
        byId(`import-${option}`).value = value;
        this.start();
      });
      return button;
    });
    byId("import-question").replaceChildren(...buttons);
    buttons[0].focus();
  }
}

export class HelpDialog extends Dialog {
  constructor() {
    super("help-dialog");
  }

  fill(commands) {
    const groups = Map.groupBy ? Map.groupBy(commands, ({ group }) => group) : new Map();
    if (!Map.groupBy) for (const command of commands) groups.set(command.group, [...(groups.get(command.group) ?? []), command]);
    const row = ({ keys, title }) =>
      el("tr", {}, el("th", { scope: "row" }, ...keys.map((key) => el("kbd", { text: key }))), el("td", { text: title }));
    const extra = {
      Objects: [{ keys: ["1…254"], title: "Choose the object; 1 3 typed quickly is 13" }],
      Tools: [{ keys: ["Alt+Enter"], title: "With the cross-hair: mark what does not belong" }],
    };
    const sections = [...groups].map(([name, list]) => {
      const rows = [...list.filter(({ keys }) => keys.length), ...(extra[name] ?? [])].map(row);
      return el("section", {}, el("h3", { text: name }), el("table", {}, el("tbody", {}, ...rows)));
    });
    byId("keys").replaceChildren(...sections);
  }
}
