// @ts-check
/* What reviewers say of the decision in sight, or of the whole run: three buttons, a note, and what others said. Saved at once. */
import { h, icon } from "./dom.js";
import { plural, WORDS } from "./words.js";

const NAME = "tellwhy.reviewer";

/** The name that somebody chose in this browser; "" before, or where nothing is kept. */
function kept() {
  try {
    return localStorage.getItem(NAME) || "";
  } catch {
    return "";
  }
}

export class Judge {
  /** @param {(said: any) => Promise<any>} send @param {(text: string) => void} say @param {() => void} changed */
  constructor(send, say, changed) {
    this.send = send;
    this.say = say;
    this.changed = changed;
    this.login = "";
    this.chosen = ""; // on the page of the queue
    this.wanted = "";
    /** @type {any} the decision in sight */
    this.decision = null;
    /** @type {any} the run, judged as a whole: a decision without an id */
    this.run = { id: null, said: [], mine: null };
    this.whole = false;
    this.scopes = [["Decision", false], ["Whole run", true]].map(([label, whole]) => h("button.sc", {
      type: "button", role: "radio", title: "V changes between the two", on: { click: () => this.scope(Boolean(whole)) },
    }, String(label)));
    this.name = h("input.nm", { type: "text", maxlength: 200, placeholder: "Your name, kept in this browser", "aria-label": "Your name" });
    this.name.addEventListener("change", () => this.called());
    this.who = h("button.lnk", { type: "button", title: "Change the name", on: { click: () => this.rename() } });
    this.words = h("div.vd", { role: "radiogroup", "aria-label": "Your verdict" },
      Object.entries(WORDS).map(([word, [, , label, key]]) => h("button.vb", {
        type: "button", role: "radio", "data-verdict": word, "aria-checked": "false", on: { click: () => this.give(word) },
      }, label, h("kbd", null, key))));
    this.note = h("textarea.nt2", { rows: 2, maxlength: 4000, placeholder: "Add a note; #word is a label", "aria-label": "Note" });
    this.note.addEventListener("change", () => this.noted());
    this.note.addEventListener("keydown", (e) => {
      if (e.key === "Escape" || (e.key === "Enter" && !e.shiftKey)) {
        e.preventDefault();
        this.note.blur();
      }
    });
    this.others = h("div.oth");
    this.root = h("section.judge", { "aria-label": "Review" },
      h("h3", null, "Your verdict", h("span.x", null, this.who)),
      h("div.scs", { role: "radiogroup", "aria-label": "What the verdict is of" }, this.scopes), this.name, this.words, this.note, this.others);
    this.bar = h("i");
    this.count = h("span");
    this.progress = h("div.rev", { title: "Decisions that you have judged" }, h("span.rb", null, this.bar), this.count);
  }

  /** Take what is stored. @param {any} page */
  take(page) {
    this.page = page;
    this.login = page.login || "";
    this.mark();
    if (!page.decisions.length) this.scope(true);
  }

  /** What a verdict is of now. */
  get d() {
    return this.whole ? this.run : this.decision;
  }

  /** @param {boolean} whole judge the run instead of the decision in sight */
  scope(whole) {
    this.whole = whole || !this.decision;
    this.draw();
  }

  me() {
    return this.login || kept() || this.chosen;
  }

  /** Write beside each decision what was said of it; `mine` is the reviewer's own. */
  mark() {
    const me = this.me();
    const by = new Map();
    for (const v of this.page.verdicts || []) by.set(v.decision, [...(by.get(v.decision) || []), v]);
    for (const d of [this.run, ...this.page.decisions]) {
      d.said = by.get(d.id) || [];
      d.mine = me ? d.said.find((v) => v.reviewer === me) || null : null;
    }
    const all = this.page.decisions.length;
    const done = this.page.decisions.filter((d) => d.mine).length;
    this.bar.style.width = `${all ? (100 * done) / all : 0}%`;
    this.count.textContent = `${done.toLocaleString("en")} of ${all.toLocaleString("en")} reviewed`;
    this.progress.toggleAttribute("hidden", !all);
  }

  /** @param {any} d */
  show(d) {
    const same = this.decision && this.decision.id === d.id;
    this.decision = d;
    if (!same) this.whole = false;
    this.draw(same && this.root.contains(this.note.getRootNode().activeElement));
  }

  /** @param {boolean} [typing] leave the note as it is being written */
  draw(typing = false) {
    const d = this.d;
    const me = this.me();
    const mine = d.mine ? d.mine.verdict : "";
    this.scopes.forEach((one, at) => {
      const of = at ? this.run : this.decision;
      one.setAttribute("aria-checked", String(this.whole === Boolean(at)));
      one.toggleAttribute("disabled", !of);
      one.classList.toggle("has", Boolean(of && of.said.length));
    });
    for (const one of this.words.children) {
      one.setAttribute("aria-checked", String(one.dataset.verdict === mine));
    }
    if (!typing) this.note.value = d.mine && d.mine.note ? d.mine.note : "";
    this.name.toggleAttribute("hidden", Boolean(me));
    this.who.replaceChildren(me);
    this.who.toggleAttribute("disabled", Boolean(this.login));
    const others = d.said.filter((v) => v.reviewer !== me);
    this.others.replaceChildren(
      ...(others.length ? [h("h4", null, plural(others.length, "other reviewer"))] : []),
      ...others.slice(0, 20).map((v) => {
        const [kind, image, label] = WORDS[v.verdict] || ["dim", "dot", v.verdict];
        return h(`div.ov.${kind}`, null, icon(image), h("b", null, label), h("span.mut", null, v.reviewer), v.note ? h("q", null, v.note) : null);
      }));
  }

  rename() {
    if (this.login) return;
    this.name.value = this.me();
    this.name.removeAttribute("hidden");
    this.name.focus();
  }

  /** A name was typed: keep it, and go on with what waited for it. */
  called() {
    const name = this.name.value.trim();
    if (!name) return;
    try {
      localStorage.setItem(NAME, name);
    } catch {
      this.say("This browser keeps nothing, so the name cannot be kept.");
      return;
    }
    const word = this.wanted;
    this.wanted = "";
    this.mark();
    this.draw();
    this.changed();
    if (word) this.give(word);
  }

  /** The same word again takes it back. @param {string} word */
  give(word) {
    if (!this.d) return;
    if (!this.me()) {
      this.wanted = word;
      this.name.focus();
      this.say("Type your name first; it is kept in this browser.");
      return;
    }
    const again = this.d.mine && this.d.mine.verdict === word;
    this.store(this.d, again ? "withdrawn" : word, again ? "" : this.note.value.trim());
  }

  /** The note was changed: it goes with the verdict that stands, or waits for one. */
  noted() {
    const mine = this.d && this.d.mine;
    const text = this.note.value.trim();
    if (!mine) {
      if (text) this.say("The note is saved with your verdict: 1, 2 or 3.");
    } else if (text !== (mine.note || "")) this.store(this.d, mine.verdict, text);
  }

  /** Show it at once, then store it; put it back when that fails. */
  async store(d, verdict, note) {
    const me = this.me();
    const before = this.page.verdicts;
    const gone = before.filter((v) => v.decision !== d.id || v.reviewer !== me);
    const now = { decision: d.id, reviewer: me, verdict, note: note || null, labels: [], time: null };
    this.put(d, verdict === "withdrawn" ? gone : [now, ...gone]);
    try {
      await this.send({ decision_id: d.id, verdict, note: note || null, reviewer: me });
      this.say(verdict === "withdrawn" ? "Taken back" : `Saved: ${WORDS[verdict][2]}`);
    } catch (error) {
      this.put(d, before);
      this.say(error instanceof Error ? error.message : "The verdict was not saved.");
    }
  }

  /** @param {any} d @param {any[]} verdicts */
  put(d, verdicts) {
    this.page.verdicts = verdicts;
    this.mark();
    if (this.d && this.d.id === d.id) this.draw(true);
    this.changed();
  }
}
