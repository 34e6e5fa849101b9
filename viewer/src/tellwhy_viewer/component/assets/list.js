// @ts-check
/* The list of decisions: a listbox of which only the rows in sight exist. */
import { h, icon } from "./dom.js";
import { worst } from "./sources.js";
import { count, flagged, plural, took, WORDS, writes } from "./words.js";

const ASK_MS = 220;

const ROW = 42;
const SPARE = 8;

const FILTERS = [
  ["all", "All", () => true],
  ["flagged", "Failed", flagged],
  ["open", "Open", (d) => !d.mine],
  ["found", "Found", (d) => worst(d) != null],
  ["effects", "Effects", writes],
  ["people", "People", (d) => d.approval != null],
];

/** @param {any} d @returns {string} */
export function image(d) {
  if (d.outcome === "failed") return "warn";
  if (d.outcome === "denied") return "stop";
  if (d.outcome === "pending") return "clock";
  if (d.made_by === "code") return "code";
  if (d.action === "answer") return "answer";
  if (d.action === "handoff") return "hand";
  if (d.action === "refusal") return "stop";
  if (d.action === "truncated") return "cut";
  if (d.approval) return "user";
  if (d.effect === "irreversible") return "bolt";
  if (d.effect === "write") return "pen";
  return d.effect === "read" ? "eye" : "tool";
}

/** Colour family of a decision. @param {any} d @returns {string} */
export function family(d) {
  if (flagged(d)) return "bad";
  if (d.made_by === "code") return "guard";
  if (d.approval) return "human";
  return d.action === "tool_call" ? "tool" : "model";
}

/** The reviewer's own verdict, or that others gave one. @param {any} d */
function verdict(d) {
  if (d.mine) return h(`span.vk.${WORDS[d.mine.verdict][0]}`, { title: `You: ${WORDS[d.mine.verdict][2]}` }, icon(WORDS[d.mine.verdict][1]));
  return h(`span.vk${d.said && d.said.length ? ".some" : ""}`, { title: d.said && d.said.length ? plural(d.said.length, "verdict of others", "verdicts of others") : null });
}

export class List {
  /**
   * @param {(index: number, jump: boolean) => void} choose
   * @param {(text: string) => Promise<Set<string>>} look gives the decisions in whose contents a text stands
   */
  constructor(choose, look) {
    this.choose = choose;
    this.look = look;
    this.filter = "all";
    this.text = "";
    this.hits = new Set();
    this.selected = 0;
    this.all = [];
    this.rows = [];
    this.chips = h("div.chips", { role: "group", "aria-label": "Filter decisions" });
    this.inner = h("div.inner");
    this.box = h("div.list", { role: "listbox", tabindex: "0", "aria-label": "Decisions", on: { scroll: () => this.scrolled() } }, this.inner);
    this.box.addEventListener("click", (e) => {
      const row = e.target.closest("[data-i]");
      if (row) this.choose(Number(row.dataset.i), true);
    });
    this.search = h("input.find1", { type: "search", placeholder: "Search this run  ( / )", "aria-label": "Search this run", maxlength: "200", spellcheck: "false" });
    this.search.addEventListener("input", () => this.type());
    this.search.addEventListener("keydown", (e) => this.typed(e));
    const keys = h("div.keys", null, h("kbd", null, "J"), h("kbd", null, "K"), " move  ", h("kbd", null, "N"), " problem  ", ...["1", "2", "3"].map((key) => h("kbd", null, key)), " verdict  ", h("kbd", null, "?"));
    this.root = h("nav.spine", { "aria-label": "Decisions of this run" }, this.chips, this.search, this.box, keys);
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(this.box);
  }

  /** @param {any[]} decisions */
  show(decisions) {
    this.all = decisions;
    this.agents = new Set(decisions.map((d) => d.agent)).size > 1;
    this.inner.style.setProperty("--digits", `${Math.max(3, String(decisions.length).length)}ch`);
    this.longest = decisions.reduce((most, d) => Math.max(most, Math.min(9000, d.took_ms)), 1);
    const chips = [];
    for (const [id, label, keeps] of FILTERS) {
      const n = decisions.filter(keeps).length;
      if ((id !== "all" && !n) || (id === "open" && n === decisions.length)) continue;
      chips.push(h("button.chip", { type: "button", "data-filter": id, on: { click: () => this.narrow(id) } }, label, h("b", null, count(n))));
    }
    this.chips.replaceChildren(...chips);
    if (!chips.some((c) => c.dataset.filter === this.filter)) this.filter = "all";
    this.narrow(this.filter);
  }

  /** @param {string} filter */
  narrow(filter) {
    this.filter = filter;
    const keeps = (FILTERS.find((f) => f[0] === filter) || FILTERS[0])[2];
    this.rows = this.all.map((d, i) => [d, i]).filter(([d]) => keeps(d) && this.holds(d));
    for (const chip of this.chips.children) chip.setAttribute("aria-pressed", String(chip.dataset.filter === filter));
    this.inner.style.height = `${this.rows.length * ROW}px`;
    this.draw();
  }

  /** Whether the text that is looked for stands in a decision. @param {any} d */
  holds(d) {
    if (!this.text || this.hits.has(d.id)) return true;
    const said = [d.title, d.glance, d.agent, d.model, d.outcome, ...(d.findings || []).map((f) => `${f.rule} ${f.message}`)];
    return said.join("\n").toLowerCase().includes(this.text);
  }

  /** Narrow at once by what is here, then by what only the collector knows. */
  type() {
    const text = this.search.value.trim().toLowerCase();
    this.text = text;
    this.hits = new Set();
    this.looking = text.length > 1;
    this.narrow(this.filter);
    clearTimeout(this.asking);
    if (!this.looking) return;
    this.asking = setTimeout(async () => {
      const hits = await this.look(text).catch(() => new Set());
      if (this.text !== text) return;
      this.hits = hits;
      this.looking = false;
      this.narrow(this.filter);
    }, ASK_MS);
  }

  /** @param {KeyboardEvent} e */
  typed(e) {
    if (e.key === "Escape") {
      this.search.value = "";
      this.type();
      this.box.focus();
    } else if (e.key === "Enter" && this.rows.length) {
      const after = this.rows.find(([, i]) => i > this.selected) || this.rows[0];
      this.choose(after[1], true);
    } else return;
    e.preventDefault();
    e.stopPropagation();
  }

  /** @param {number} index */
  select(index) {
    this.selected = index;
    const at = this.rows.findIndex(([, i]) => i === index);
    if (at >= 0) {
      const top = at * ROW;
      const height = this.box.clientHeight || 600;
      if (top < this.box.scrollTop + ROW || top > this.box.scrollTop + height - 2 * ROW) {
        this.box.scrollTop = top - height * 0.42;
      }
    }
    this.box.setAttribute("aria-activedescendant", `d${index}`);
    this.draw();
  }

  /** The decision after (+1) or before (-1) the selected one, among those that the filter keeps.
   * @param {number} by @returns {number} */
  beside(by) {
    const found = by > 0
      ? this.rows.find(([, i]) => i > this.selected)
      : [...this.rows].reverse().find(([, i]) => i < this.selected);
    return found ? found[1] : this.selected;
  }

  scrolled() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  draw() {
    const top = this.box.scrollTop;
    const height = this.box.clientHeight || 600;
    const from = Math.max(0, Math.floor(top / ROW) - SPARE);
    const to = Math.min(this.rows.length, Math.ceil((top + height) / ROW) + SPARE);
    const made = [];
    for (let at = from; at < to; at++) made.push(this.row(at));
    if (!made.length && this.all.length) made.push(h("p.none", null, this.looking ? "Searching\u2026" : this.text ? "No decision holds this text." : "No decision here."));
    this.inner.replaceChildren(...made);
  }

  /** @param {number} at */
  row(at) {
    const [d, i] = this.rows[at];
    const glance = (this.agents && d.agent ? `${d.agent}  ` : "") + (d.glance || "");
    return h(
      "div.row",
      {
        role: "option", id: `d${i}`, "data-i": i, "aria-selected": String(i === this.selected),
        "aria-setsize": this.rows.length, "aria-posinset": at + 1, css: { top: `${at * ROW}px` },
      },
      h("span.n", null, d.n),
      h(`span.k.${family(d)}`, null, icon(image(d))),
      h("span.b", null,
        h("span.tt", null, worst(d) ? h(`i.sev.${worst(d)}`, { title: plural(d.findings.length, "finding") }) : null, d.title, d.choice[1] > 1 ? h("i.of", null, `${d.choice[0]}/${d.choice[1]}`) : null),
        h("span.to", null, glance || "\u00a0")),
      h("span.m", null,
        h("span.du", null, took(d.took_ms)),
        h("i", { css: { width: `${Math.max(2, (Math.min(9000, d.took_ms) / this.longest) * 34)}px` } })),
      verdict(d),
    );
  }

  close() {
    this.watch.disconnect();
  }
}
