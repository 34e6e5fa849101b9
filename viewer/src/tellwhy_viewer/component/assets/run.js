// @ts-check
/* The run page: loads the skeleton, keeps the selection, the address and the keys together. */
import { Api, Refused } from "./api.js";
import { cardBody, cardFoot, cardHead } from "./card.js";
import { unpacked } from "./columns.js";
import { h, themed } from "./dom.js";
import { died, lookFirst } from "./first.js";
import { head, notice, task } from "./head.js";
import { Judge } from "./judge.js";
import { Queue } from "./queue.js";
import { List } from "./list.js";
import { Reader } from "./reader.js";
import { notable } from "./sources.js";
import { sentences } from "./told.js";
import { Timeline } from "./timeline.js";
import { why } from "./why.js";

const LIVE_MS = 3000;
/** A run that takes long to load is looked at less often: this many times what it took. */
const LIVE_SHARE = 6;
const SLOW_MS = 120;
const REST_MS = 45;
const AGAIN_MS = 700;
const KEPT_CARDS = 200;

/** @param {number} ms @returns {Promise<void>} */
const rest = (ms) => new Promise((go) => setTimeout(go, ms));

/** @type {WeakMap<object, Page>} */
const pages = new WeakMap();

class Page {
  /** @param {HTMLElement} root @param {string} run */
  constructor(root, run) {
    this.root = root;
    this.runId = run;
    this.selected = -1;
    this.cards = new Map();
    this.trigger = (_name, _value) => {};
    this.api = new Api(() => this.trigger("renew", Date.now()));
    const choose = (i, jump) => this.select(i, jump);
    this.timeline = new Timeline(choose);
    this.list = new List(choose, (text) => this.look(text));
    this.reader = new Reader(this.api, run);
    this.card = h("article.card", { "aria-live": "polite", "aria-label": "Decision" });
    this.judge = new Judge((said) => this.api.post(`${encodeURIComponent(run)}/verdicts`, said), (text) => this.say(text), () => this.list.show(this.page.decisions));
    this.why = h("div.whyb");
    this.side = h("aside.why", { "aria-label": "Why" }, this.why, this.judge.root);
    this.queue = new Queue((run, decision) => this.go(run, decision));
    this.top = h("div.top");
    this.toast = h("div.toast", { role: "status", hidden: true });
    this.onkey = (e) => this.key(e);
    this.onpop = () => this.follow();
    document.addEventListener("keydown", this.onkey, true);
    addEventListener("popstate", this.onpop);
    root.addEventListener("mouseover", (e) => {
      const place = e.target instanceof Element ? e.target.closest("[data-n]") : null;
      this.timeline.light(place ? Number(place.getAttribute("data-n")) : 0);
    });
  }

  /** @param {string} text @returns {Promise<Set<string>>} */
  async look(text) {
    const got = await this.api.get(`${encodeURIComponent(this.runId)}/search?text=${encodeURIComponent(text)}`);
    return new Set(got.decisions);
  }

  async load() {
    const wait = setTimeout(() => this.root.replaceChildren(h("p.loading", { role: "status" }, "Loading this run\u2026")), SLOW_MS);
    try {
      this.page = await this.skeleton().catch(async (error) => {
        if (!(error instanceof Refused) || error.status !== 502) throw error;
        await rest(AGAIN_MS); // the collector was busy or is starting: once more before saying so
        return this.skeleton();
      });
    } catch (error) {
      this.trouble(error);
      return;
    } finally {
      clearTimeout(wait);
    }
    this.build();
    this.follow();
    this.later();
  }

  async skeleton() {
    const page = await this.api.get(encodeURIComponent(this.runId));
    return { ...page, steps: unpacked(page.steps), decisions: unpacked(page.decisions) };
  }

  build() {
    const page = this.page;
    this.judge.take(page);
    const doing = this.doing();
    const more = [died(page, doing), lookFirst(page, doing)].filter(Boolean);
    this.top.replaceChildren(head(page.run, doing, page.findings || []), ...task(page.run), ...more);
    const note = notice(page);
    const parts = [this.queue.root, this.top, this.timeline.root];
    if (note) parts.push(note);
    if (page.decisions.length) parts.push(h("div.cols", null, this.list.root, this.card, this.side));
    this.root.replaceChildren(...parts, this.reader.box, this.toast);
    themed(this.root);
    this.timeline.show(page);
    this.list.show(page.decisions);
    this.root.dataset.ready = "true";
  }

  /** While the run goes on: look again, keep the place. */
  later() {
    clearTimeout(this.timer);
    if (this.page.run.status !== "running") return;
    this.timer = setTimeout(async () => {
      if (!document.hidden) await this.refresh();
      if (this.root.isConnected) this.later();
    }, Math.max(LIVE_MS, LIVE_SHARE * (this.slow || 0)));
  }

  async refresh() {
    let page;
    const asked = performance.now();
    try {
      page = await this.skeleton();
    } catch {
      return; // the next look will tell; what is on the screen stays true
    }
    const at = this.page.decisions[this.selected];
    this.page = page;
    this.build();
    this.slow = performance.now() - asked;
    if (!page.decisions.length) return;
    const found = at ? page.decisions.findIndex((d) => d.id === at.id) : 0;
    const now = page.decisions[Math.max(0, found)];
    if (at && JSON.stringify(at) !== JSON.stringify(now)) this.cards.delete(now.id);
    this.selected = -1;
    this.select(Math.max(0, found), false, true);
  }

  /** Go where the address says. */
  follow() {
    const all = this.page ? this.page.decisions : [];
    if (!all.length) return;
    const wanted = new URL(location.href).searchParams.get("decision");
    const found = wanted ? all.findIndex((d) => d.id === wanted) : 0;
    if (found < 0) this.say("This run has no such decision; here is the first.");
    this.select(Math.max(0, found), false, !wanted || found >= 0);
  }

  /**
   * @param {number} i
   * @param {boolean} jump whether Back should return to where we were
   * @param {boolean} [still] leave the address as it is
   */
  select(i, jump, still = false) {
    const all = this.page.decisions;
    i = Math.max(0, Math.min(all.length - 1, i));
    if (i === this.selected) return;
    this.selected = i;
    this.list.select(i);
    this.timeline.select(i);
    this.judge.show(all[i]);
    this.queue.show(this.runId, all[i].id);
    this.tell(all[i], i);
    if (still) return;
    const address = new URL(location.href);
    address.searchParams.set("run", this.runId);
    address.searchParams.set("decision", all[i].id);
    history[jump ? "pushState" : "replaceState"](history.state, "", address);
  }

  /** Head and foot at once, the body when it is here. @param {any} d @param {number} i */
  async tell(d, i) {
    const doing = this.doing();
    const frame = (inside) => this.card.replaceChildren(cardHead(d), h("div.cbody", null, inside), cardFoot(this.page.decisions, i, doing));
    const ready = this.cards.get(d.id);
    const fill = (card) => {
      frame(cardBody(card, d, doing));
      this.timeline.evidence(card.origins || []);
      this.card.dataset.decision = d.id;
      this.why.replaceChildren(...why(card, doing));
      this.card.scrollTop = 0;
      this.why.scrollTop = 0;
    };
    if (ready && ready.card) fill(ready.card);
    else {
      const old = this.card.querySelector(".cbody");
      this.card.replaceChildren(cardHead(d), old || h("div.cbody"), cardFoot(this.page.decisions, i, doing));
      this.card.removeAttribute("data-decision");
      const wait = setTimeout(() => this.selected === i && frame(h("p.wait", null, "Loading\u2026")), SLOW_MS);
      try {
        if (!ready && this.cards.size) await rest(REST_MS); // a held key passes by without asking for what it passes
        const card = this.selected === i ? await this.fetchCard(d) : null;
        if (card && this.selected === i) fill(card);
      } catch (error) {
        if (this.selected === i) frame(h("p.err", null, error instanceof Error ? error.message : "Something went wrong."));
      } finally {
        clearTimeout(wait);
      }
    }
    clearTimeout(this.ahead);
    if (this.selected === i) this.ahead = setTimeout(() => this.prefetch(i), 60);
  }

  /** @param {any} d */
  fetchCard(d) {
    const known = this.cards.get(d.id);
    if (known) return known.coming;
    const slot = { card: null, coming: null };
    slot.coming = this.api.get(`${encodeURIComponent(this.runId)}/decisions/${encodeURIComponent(d.id)}`).then(
      (card) => {
        slot.card = card;
        return card;
      },
      (error) => {
        this.cards.delete(d.id);
        throw error;
      },
    );
    this.cards.set(d.id, slot);
    if (this.cards.size > KEPT_CARDS) this.cards.delete(this.cards.keys().next().value);
    return slot.coming;
  }

  /** Fetch where J, N and K lead, one after the other, so that they find it here. @param {number} i */
  async prefetch(i) {
    const failed = this.page.decisions.findIndex((d, j) => j > i && notable(d));
    for (const j of new Set([i + 1, failed, i - 1])) {
      const d = this.page.decisions[j];
      if (this.selected !== i || !this.root.isConnected) return;
      if (d) await this.fetchCard(d).catch(() => {});
    }
  }

  doing() {
    const at = () => {
      const d = this.page.decisions[this.selected];
      return { trace: d.trace, span: d.span };
    };
    return {
      choose: (i) => this.select(i, true),
      context: () => this.reader.context(at()),
      owner: (span) => {
        const bar = this.timeline.made.get(span);
        return bar && bar.decision >= 0 ? bar.decision + 1 : 0;
      },
      raw: () => this.reader.raw(at()),
      rawOf: (step) => this.reader.raw(step),
      message: (step, index) => this.reader.message(step, index),
      place: (place, title) => this.reader.place(place, title),
      words: (id) => this.api.get(`${encodeURIComponent(this.runId)}/decisions/${encodeURIComponent(id)}/words`),
      told: () => this.reader.told(() => this.api.get(`${encodeURIComponent(this.runId)}/words`), (told) => sentences(told, this.doing())),
      remember: (open) => { this.wordy = open; },
      remembers: () => this.wordy === true,
      field: (step, name, title) => this.reader.field(step, name, title),
      progress: this.judge.progress,
      compare: () => this.trigger("go", { compare: true }),
      copy: () => this.copy(),
      copyText: (text, told) => this.copyText(text, told),
    };
  }

  /** To a decision of this run at once, to one of another through the page's script; to the queue without any.
   * @param {string|null} run @param {string} [decision] */
  go(run, decision) {
    const at = run === this.runId ? this.page.decisions.findIndex((d) => d.id === decision) : -1;
    if (at >= 0) this.select(at, true);
    else this.trigger("go", run ? { run, decision } : {});
  }

  /** The next of the places to look at first. */
  suspect() {
    const places = (this.page.suspects || []).map((s) => s.decision).filter((i) => i >= 0);
    if (!places.length) this.say("Nothing in this run stands out.");
    else this.select(places[(places.indexOf(this.selected) + 1) % places.length], false);
  }

  copy() {
    const link = new URL(location.href);
    link.search = "";
    link.pathname = link.pathname.replace(/(runs|review)\/?$/, "");
    link.searchParams.set("run", this.runId);
    link.searchParams.set("decision", this.page.decisions[this.selected].id);
    this.copyText(link.href, "Link copied");
  }

  async copyText(text, told) {
    try {
      await navigator.clipboard.writeText(text);
      this.say(told);
    } catch {
      this.say(text);
    }
  }

  say(text) {
    this.toast.replaceChildren(text);
    this.toast.removeAttribute("hidden");
    clearTimeout(this.hush);
    this.hush = setTimeout(() => this.toast.setAttribute("hidden", ""), 4000);
  }

  /** @param {KeyboardEvent} e */
  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey || !this.root.isConnected || !this.page || !this.page.decisions.length) return;
    const target = e.composedPath()[0];
    if (target instanceof HTMLElement && (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable)) return;
    if (this.reader.box.open) return;
    const all = this.page.decisions;
    const failed = (by) => {
      const found = by > 0 ? all.findIndex((d, i) => i > this.selected && notable(d)) : all.findLastIndex((d, i) => i < this.selected && notable(d));
      if (found >= 0) this.select(found, false);
      else this.say(by > 0 ? "No problem after this decision." : "No problem before this decision.");
    };
    const inList = target === this.list.box;
    const acts = {
      j: () => this.select(this.list.beside(1), false),
      k: () => this.select(this.list.beside(-1), false),
      n: () => failed(1),
      N: () => failed(-1),
      g: () => this.select(all.length - 1, false),
      G: () => this.select(0, false),
      "/": () => this.list.search.focus(),
      s: () => this.suspect(),
      f: () => this.doing().context(),
      r: () => this.doing().raw(),
      w: () => this.doing().told(),
      c: () => this.copy(),
      m: () => this.judge.note.focus(),
      v: () => this.judge.scope(!this.judge.whole),
      q: () => this.queue.step(1),
      Q: () => this.queue.step(-1),
      1: () => this.judge.give("right"),
      2: () => this.judge.give("debatable"),
      3: () => this.judge.give("wrong"),
      0: () => this.timeline.whole(),
      "?": () => this.reader.keys(),
    };
    if (inList) {
      acts.ArrowDown = acts.j;
      acts.ArrowUp = acts.k;
    }
    const act = acts[e.key];
    if (!act) return;
    e.preventDefault();
    e.stopImmediatePropagation();
    act();
  }

  /** @param {unknown} error */
  trouble(error) {
    const gone = error instanceof Refused && error.status === 404;
    const text = error instanceof Error ? error.message : "Something went wrong.";
    this.root.replaceChildren(h("div.trouble", { role: "alert" },
      h("h2", null, gone ? "No such run" : "This run cannot be shown"),
      h("p", null, text),
      gone ? h("p.mut", null, "The link may be of another collector, or the run is older than what this one keeps. \u201cRuns\u201d lists what is there.") : null,
      h("button.btn", { type: "button", on: { click: () => this.load() } }, "Try again")));
    this.root.dataset.ready = "error";
  }

  close() {
    document.removeEventListener("keydown", this.onkey, true);
    removeEventListener("popstate", this.onpop);
    clearTimeout(this.timer);
    this.timeline.close();
    this.list.close();
  }
}

/** Streamlit calls this at first and whenever data or theme change; what it returns, once, at the end. */
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector("#root");
  let page = pages.get(parentElement);
  if (page && page.runId !== data.run_id) {
    page.close();
    page = undefined;
  }
  const fresh = !page;
  if (!page) {
    page = new Page(root, data.run_id);
    pages.set(parentElement, page);
  }
  page.trigger = setTriggerValue;
  page.api.take(data.permit);
  page.queue.take(data.queue || []);
  page.judge.chosen = data.reviewer || "";
  if (fresh) page.load();
  else if (page.page) {
    themed(page.root);
    page.timeline.draw();
  }
  return () => {
    page.close();
    pages.delete(parentElement);
  };
}
