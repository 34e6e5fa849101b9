// @ts-check
/* The editor of the SQL page. What is typed stays in this tab until it is run. */
import { Api } from "./api.js";
import { h, icon, themed } from "./dom.js";
import { Saved } from "./saved.js";
import { CodeField, PlainField } from "./sqlfield.js";
import { visible } from "./words.js";

const DRAFT = "tellwhy.draft";
const HINT = "sql-hint";
const REST_MS = 200;

/** @type {WeakMap<object, Editor>} */
const editors = new WeakMap();

/** What was typed in this tab after the page had put the text with this id. @param {string} id @returns {string|null} */
function draft(id) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(DRAFT) || "null");
    return kept && kept.id === id && typeof kept.text === "string" ? kept.text : null;
  } catch {
    return null; // storage is switched off or holds something else
  }
}

class Editor {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.send = (_name, _value) => {};
    this.api = new Api(() => this.send("renew", Date.now()), "/api/sql/");
    this.saved = new Saved("tellwhy.queries", "query", "queries");
    this.hears = { changed: () => this.changed(), run: () => this.run(), leave: () => this.go.focus() };
    /** @type {any} */
    this.field = new PlainField(this.hears, HINT);
    this.go = h("button.run", { type: "button", on: { click: () => this.run() } }, "Run");
    this.link = h("button.link", { type: "button", on: { click: () => this.copy() } }, icon("link"), "Copy link");
    this.told = h("span.told", { role: "status" });
    const hint = h("span.hint", { id: HINT }, "Ctrl+Enter runs, Ctrl+Space completes, Escape leaves");
    root.replaceChildren(this.field.box, h("div.bar", null, this.go, this.link, this.told, hint), this.saved.root);
    // The page's own keys must not hear what is typed here: for them it comes from no field.
    for (const kind of ["keydown", "keypress", "keyup"]) root.addEventListener(kind, (e) => e.stopPropagation());
    /** @type {any} */
    this.put = null;
    this.inserted = 0;
    /** @type {string|null} */
    this.sent = null;
  }

  /** @param {any} data */
  take(data) {
    this.api.take(data.permit);
    this.most = data.most_chars;
    this.busy(false);
    if (!this.put) this.begin(data);
    else if (data.put.n !== this.put.n) {
      if (data.put.text !== this.sent) this.field.set(data.put.text);
      this.sent = null;
    }
    this.put = data.put;
    if (data.insert.n !== this.inserted) this.field.insert(data.insert.text);
    this.inserted = data.insert.n;
    this.changed();
    this.mark(data.trouble);
  }

  begin(data) {
    const kept = draft(data.put.id);
    this.field.set(kept === null ? data.put.text : kept);
    this.inserted = data.insert.n;
    this.upgrade(data);
  }

  /** Put the real editor in the place of the plain field, when it loads. */
  async upgrade(data) {
    let library;
    try {
      library = await import("./vendor/codemirror.js");
    } catch {
      this.root.dataset.editor = "plain";
      this.say("The editor did not load; this plain field runs SQL too. Reload the page to try again.");
      return;
    }
    if (!this.root.isConnected) return;
    this.field = new CodeField(library, this.field, this.hears, HINT);
    this.root.dataset.editor = "code";
    this.mark(data.trouble);
    try {
      this.field.teach(await this.api.get("words"));
      this.root.dataset.words = "true";
    } catch (error) {
      this.say(`Names are not completed: ${error instanceof Error ? error.message : error}`);
    }
  }

  mark(trouble) {
    if (!trouble) this.field.mark(null);
    else if (trouble.text === this.field.text) {
      this.field.mark(trouble);
      this.say(`Stopped at line ${trouble.line}${trouble.column ? `, column ${trouble.column}` : ""}.`);
    }
  }

  changed() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.keep(), REST_MS);
  }

  keep() {
    const { text } = this.field;
    const id = this.put && this.put.id;
    if (!this.put || (text === this.kept && id === this.keptFor)) return;
    const other = text !== this.kept;
    [this.kept, this.keptFor] = [text, id];
    try {
      sessionStorage.setItem(DRAFT, JSON.stringify({ id, text }));
    } catch {
      // storage is full or switched off: a reload forgets what was not run
    }
    // Drawn again only for another text: somebody may be writing a name for this one.
    if (other) this.saved.take(text.trim() ? text : "", "", (chosen) => this.field.set(chosen));
  }

  run() {
    const { text } = this.field;
    if (!text.trim() || this.root.getAttribute("aria-busy") === "true") return;
    this.sent = text;
    this.say("");
    this.busy(true);
    this.send("run", text);
  }

  busy(now) {
    this.root.setAttribute("aria-busy", String(now));
    this.go.replaceChildren(now ? "Running\u2026" : "Run");
  }

  /** Copy the address that opens this text, without running it. */
  async copy() {
    const asked = encodeURIComponent(this.field.text.toWellFormed()).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
    if (asked.length > this.most) {
      this.say(`Too long for a link: ${asked.length.toLocaleString("en")} characters of at most ${this.most.toLocaleString("en")}. Save it under a name, or send the text.`);
      return;
    }
    const link = `${location.origin}${location.pathname}?q=${asked}`;
    try {
      await navigator.clipboard.writeText(link);
      this.say("Link copied. It opens the query; it does not run it.");
    } catch {
      const shown = h("input.shown", { type: "text", readonly: true, "aria-label": "Link", value: link });
      this.told.replaceChildren("Copy this: ", shown);
      shown.select();
    }
  }

  say(text) {
    this.told.replaceChildren(visible(text));
  }

  end() {
    clearTimeout(this.resting);
    this.keep();
    if (this.field.end) this.field.end();
  }
}

/** Streamlit calls this at first and whenever its data or the theme change. */
export default function ({ data, parentElement, setTriggerValue }) {
  let editor = editors.get(parentElement);
  if (!editor) {
    editor = new Editor(parentElement.querySelector("#root"));
    editors.set(parentElement, editor);
  }
  editor.send = setTriggerValue;
  themed(editor.root);
  editor.take(data);
  const shown = editor;
  return () => {
    shown.end();
    editors.delete(parentElement);
  };
}
