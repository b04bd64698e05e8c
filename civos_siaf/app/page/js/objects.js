/** The list of objects: choose, name, colour, hide, delete. */

import { el, icon, setIcon, setText } from "./dom.js";

export class ObjectsPanel {
  /** `act(action)` sends; `choose(id)` selects. */
  constructor(list, store, { act, choose }) {
    Object.assign(this, { list, store, act, choose, rows: new Map() });
    store.watch(["state", "selected"], () => this.update());
  }

  update() {
    const { objects } = this.store.state;
    const ids = new Set(objects.map(({ id }) => id));
    for (const [id, row] of this.rows) {
      if (ids.has(id)) continue;
      row.item.remove();
      this.rows.delete(id);
    }
    for (const object of objects) {
      if (!this.rows.has(object.id)) {
        const row = this.build(object.id);
        this.rows.set(object.id, row);
        this.list.append(row.item);
      }
      this.fill(this.rows.get(object.id), object);
    }
    const row = this.rows.get(this.store.selected);
    if (row && row !== this.shown) row.item.scrollIntoView({ block: "nearest" });
    this.shown = row;
  }

  build(id) {
    const send = (change) => this.act({ type: "change_object", object: id, ...change });
    const choose = () => this.choose(id);
    const number = el("button", { class: "object-number", type: "button", on: { click: choose } });
    const colour = el("input", { class: "swatch", type: "color" });
    colour.addEventListener("change", () => send({ colour: colour.value }));
    const name = el("input", { class: "object-name", type: "text", maxlength: 200, readonly: true, spellcheck: "false" });
    this.nameEvents(name, id, send);
    const eye = el("button", { class: "ghost small", type: "button" }, icon("eye"));
    eye.addEventListener("click", () => send({ hidden: !this.store.object(id).hidden }));
    const bin = el("button", { class: "ghost small danger", type: "button" }, icon("bin"));
    bin.addEventListener("click", () => this.act({ type: "delete_object", object: id }));
    const item = el("li", { class: "object", "data-object": id }, number, colour, name, eye, bin);
    item.addEventListener("click", (event) => event.target === item && choose());
    return { item, number, colour, name, eye, bin };
  }

  /** A click selects, a double click, F2 or Enter edits, Escape takes back. */
  nameEvents(name, id, send) {
    const edit = () => {
      name.readOnly = false;
      name.select();
    };
    const end = (keep) => {
      if (name.readOnly) return;
      name.readOnly = true;
      const text = name.value.trim();
      const before = this.store.object(id)?.name ?? "";
      if (keep && text && text !== before) send({ name: text });
      else name.value = before;
      window.getSelection().removeAllRanges();
    };
    name.addEventListener("click", () => name.readOnly && this.choose(id));
    name.addEventListener("dblclick", () => name.readOnly && edit());
    name.addEventListener("blur", () => end(true));
    name.addEventListener("keydown", (event) => {
      if (name.readOnly && (event.key === "Enter" || event.key === "F2")) edit();
      else if (!name.readOnly && event.key === "Enter") end(true);
      else if (!name.readOnly && event.key === "Escape") end(false);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  /** Begin to edit the name of object `id`. */
  rename(id) {
    const name = this.rows.get(id)?.name;
    if (!name) return;
    name.focus();
    name.readOnly = false;
    name.select();
  }

  fill({ item, number, colour, name, eye, bin }, object) {
    const selected = object.id === this.store.selected;
    item.classList.toggle("selected", selected);
    item.classList.toggle("hidden-object", object.hidden);
    setText(number, String(object.id));
    number.setAttribute("aria-pressed", selected);
    number.setAttribute("aria-label", `Select ${object.name}, object ${object.id}`);
    number.title = `Select (type ${object.id})`;
    if (colour.value !== object.colour) colour.value = object.colour;
    colour.setAttribute("aria-label", `Colour of ${object.name}`);
    if (name.readOnly && name.value !== object.name) name.value = object.name;
    name.setAttribute("aria-label", `Name of object ${object.id}`);
    name.title = `${object.name} (double click or F2 to rename)`;
    eye.setAttribute("aria-pressed", object.hidden);
    eye.setAttribute("aria-label", `Hide ${object.name}`);
    eye.title = object.hidden ? "Show (V)" : "Hide (V)";
    setIcon(eye, object.hidden ? "eye-off" : "eye");
    bin.setAttribute("aria-label", `Delete ${object.name}`);
    bin.title = "Delete (can be undone)";
  }
}
