// @ts-check
/* Two fields for a text of SQL with one face: a plain one, and CodeMirror's. */
import { h } from "./dom.js";
import { language } from "./sqlwords.js";

const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffc]/g;

/** @typedef {{changed: () => void, run: () => void, leave: () => void}} Hears */

/** Ctrl+Enter or Cmd+Enter. @param {KeyboardEvent} e */
const runs = (e) => e.key === "Enter" && (e.ctrlKey || e.metaKey);

export class PlainField {
  /** @param {Hears} hears @param {string} described id of the hint */
  constructor(hears, described) {
    this.box = h("textarea.plain", { "aria-label": "SQL", "aria-describedby": described, spellcheck: "false", autocapitalize: "off", rows: "10" });
    this.box.addEventListener("input", hears.changed);
    this.box.addEventListener("keydown", (e) => {
      if (e.key === "Escape") hears.leave();
      if (!runs(e)) return;
      e.preventDefault();
      hears.run();
    });
  }

  get text() {
    return this.box.value;
  }

  set(text) {
    this.box.value = text;
  }

  insert(text) {
    this.box.setRangeText(text, this.box.selectionStart, this.box.selectionEnd, "end");
  }

  mark() {} // it has nothing to mark with; the page shows the message
}

export class CodeField {
  /** Take the place of *plain*: its text, its cursor. @param {any} cm the library @param {PlainField} plain @param {Hears} hears @param {string} described */
  constructor(cm, plain, hears, described) {
    this.cm = cm;
    this.words = new cm.Compartment();
    const run = () => (cm.closeCompletion(this.view), hears.run(), true);
    const leave = () => (hears.leave(), true);
    // Tab takes a completion while they are open; otherwise it leaves, as everywhere on the page.
    const keys = [{ key: "Mod-Enter", run }, { key: "Ctrl-Enter", run }, { key: "Escape", run: leave }, { key: "Tab", run: cm.acceptCompletion }];
    const focused = plain.box.matches(":focus");
    this.view = new cm.EditorView({
      root: plain.box.getRootNode(),
      doc: plain.text,
      selection: { anchor: Math.min(plain.box.selectionStart, plain.text.length) },
      extensions: [
        cm.keymap.of(keys),
        cm.lineNumbers(),
        cm.lintGutter(),
        cm.history(),
        cm.drawSelection(),
        cm.bracketMatching(),
        cm.closeBrackets(),
        cm.highlightSpecialChars({ specialChars: HIDDEN }),
        cm.syntaxHighlighting(style(cm)),
        cm.EditorView.lineWrapping,
        cm.EditorView.contentAttributes.of({ "aria-label": "SQL", "aria-describedby": described }),
        cm.EditorView.updateListener.of((update) => update.docChanged && hears.changed()),
        this.words.of(cm.sql().language),
        cm.keymap.of([...cm.closeBracketsKeymap, ...cm.historyKeymap, ...cm.defaultKeymap]),
      ],
    });
    this.box = h("div.code");
    plain.box.replaceWith(this.box);
    this.box.append(this.view.dom);
    if (focused) this.view.focus();
  }

  /** @param {any} told from /api/sql/words */
  teach(told) {
    this.view.dispatch({ effects: this.words.reconfigure(language(this.cm, told)) });
  }

  get text() {
    return this.view.state.doc.toString();
  }

  set(text) {
    this.view.dispatch(this.cm.setDiagnostics(this.view.state, []), { changes: { from: 0, to: this.view.state.doc.length, insert: text }, selection: { anchor: 0 }, scrollIntoView: true });
  }

  insert(text) {
    const at = this.view.state.selection.main;
    const before = this.view.state.sliceDoc(at.from - 1, at.from);
    const put = /[\w"]/.test(before) ? ` ${text}` : text;
    this.view.dispatch({ changes: { from: at.from, to: at.to, insert: put }, selection: { anchor: at.from + put.length }, userEvent: "input" });
    this.view.focus();
  }

  /** Show where the text went wrong; nothing when *fault* is null. @param {any} fault */
  mark(fault) {
    const { doc } = this.view.state;
    if (!fault || fault.line > doc.lines) {
      this.view.dispatch(this.cm.setDiagnostics(this.view.state, []));
      return;
    }
    const line = doc.line(fault.line);
    const from = fault.column ? Math.min(line.from + fault.column - 1, line.to) : line.from;
    const to = fault.column ? Math.min(from + Math.max(1, fault.chars), line.to) : line.to;
    this.view.dispatch(this.cm.setDiagnostics(this.view.state, [{ from, to, severity: "error", message: fault.said }]));
    this.view.dispatch({ effects: this.cm.EditorView.scrollIntoView(from) });
  }

  end() {
    this.view.destroy();
  }
}

/** Classes in place of colours: the page's theme decides. */
function style({ HighlightStyle, tags }) {
  return HighlightStyle.define([
    { tag: [tags.keyword, tags.operatorKeyword], class: "k" },
    { tag: tags.typeName, class: "t" },
    { tag: [tags.string, tags.special(tags.string)], class: "s" },
    { tag: [tags.number, tags.bool, tags.null], class: "n" },
    { tag: [tags.comment, tags.lineComment, tags.blockComment], class: "c" },
    { tag: [tags.operator, tags.punctuation], class: "o" },
  ]);
}
