// @ts-check
/* Long things on demand: the whole context, one message, one field, the raw step, the keys. */
import { body, h, icon } from "./dom.js";

const MOST_LINES = 400;

export class Reader {
  /** @param {import("./api.js").Api} api @param {string} run */
  constructor(api, run) {
    this.api = api;
    this.run = encodeURIComponent(run);
    this.title = h("h2");
    this.inside = h("div.rbody", { tabindex: "0" });
    const shut = h("button.btn", { type: "button", "aria-label": "Close", on: { click: () => this.box.close() } }, icon("x"), "Close");
    this.box = h("dialog.reader", { "aria-label": "Reader" }, h("header", null, this.title, shut), this.inside);
    this.box.addEventListener("click", (e) => {
      if (e.target === this.box) this.box.close();
    });
  }

  /** @param {string} title @param {() => Promise<any[]>} load */
  async open(title, load) {
    this.title.replaceChildren(title);
    this.inside.replaceChildren(h("p.mut", null, "Loading\u2026"));
    if (!this.box.open) this.box.showModal();
    this.inside.scrollTop = 0;
    try {
      const made = await load();
      this.inside.replaceChildren(...made);
    } catch (error) {
      this.inside.replaceChildren(h("p.err", null, error instanceof Error ? error.message : "Something went wrong."));
    }
    this.inside.focus();
  }

  /** @param {any} at {trace, span} */
  path(at) {
    return `${this.run}/steps/${encodeURIComponent(at.trace)}/${encodeURIComponent(at.span)}`;
  }

  /** Everything that one model call was given, and its answer. */
  context(at) {
    this.open("Full context", async () => {
      const c = await this.api.get(`${this.path(at)}/context`);
      const line = (l) => this.line(at, l);
      const early = c.messages.slice(0, -MOST_LINES);
      const late = h("div.lines", null, c.messages.slice(-MOST_LINES).map(line));
      const before = early.length
        ? h("button.lnk", { type: "button", on: { click: () => { late.prepend(...early.map(line)); before.remove(); } } }, `Show ${early.length} earlier parts`)
        : null;
      return [
        c.system.length ? h("div.lines", null, c.system.map((l) => this.line(at, { ...l, field: "system_instructions" }))) : h("p.mut", null, "No system text was recorded."),
        before || h("span"),
        late,
        h("h3", null, "It answered"),
        h("div.lines", null, c.answer.map((l) => this.line(at, { ...l, field: "output_messages" }))),
      ];
    });
  }

  line(at, l) {
    const what = l.kind === "text" ? null : l.kind.replaceAll("_", " ");
    const text = h("div.lt");
    const cell = (part) => text.replaceChildren(part);
    const more = async () => {
      const parts = h("div");
      cell(parts);
      await this.windows(parts, l.field ? `${this.path(at)}/fields/${l.field}` : `${this.path(at)}/messages/${l.message}`);
    };
    cell(body(l, more));
    return h(`article.line.${/^[a-z]+$/.test(l.role) ? l.role : "other"}`, null,
      h("div.lh", null, h("b", null, l.role), what ? h("span.mut", null, what) : null, l.name ? h("code", null, l.name) : null, l.is_error ? h("em", null, "error") : null),
      text);
  }

  /** Append a long text in pieces, each on request. */
  async windows(into, path, offset = 0) {
    const got = await this.api.get(`${path}?offset=${offset}`);
    into.append(h("pre.code", null, got.text));
    if (got.next == null) return;
    const left = got.chars - got.next;
    const more = h("button.lnk", { type: "button" }, `Show more (${left.toLocaleString("en")} characters left)`);
    more.addEventListener("click", () => {
      more.remove();
      this.windows(into, path, got.next);
    });
    into.append(more);
  }

  message(at, index) {
    this.open("Message", async () => {
      const into = h("div");
      await this.windows(into, `${this.path(at)}/messages/${index}`);
      return [into];
    });
  }

  /** One place, marked, with what stands around it. @param {any} at {trace, span, column, path, inner, from, to} @param {string} title */
  place(at, title) {
    this.open(title, async () => {
      const asked = new URLSearchParams({ column: at.column, path: at.path });
      for (const name of ["inner", "from", "to"]) if (at[name] != null) asked.set(name, String(at[name]));
      const got = await this.api.get(`${this.path(at)}/place?${asked}`);
      const mark = h("mark", { tabindex: "-1" }, got.marked);
      requestAnimationFrame(() => mark.scrollIntoView({ block: "center" }));
      return [
        h("p.mut", null, `${at.column.replaceAll("_", " ")} ${at.path}${at.inner ? ` in it ${at.inner}` : ""}`),
        h("pre.code.place", null, got.before, mark, got.after),
        h("div.raw", null,
          h("button.lnk", { type: "button", on: { click: () => this.context(at) } }, "Full context"),
          h("button.lnk", { type: "button", on: { click: () => this.raw(at) } }, "Raw step")),
      ];
    });
  }

  /** The whole run in sentences. @param {() => Promise<any>} load @param {(told: any) => any[]} show */
  told(load, show) {
    this.open("This run in words", async () => [h("div.told", null, show(await load()))]);
  }

  field(at, name, title) {
    this.open(title, async () => {
      const into = h("div");
      await this.windows(into, `${this.path(at)}/fields/${name}`);
      return [into];
    });
  }

  /** Both forms of a step: as it was understood and as it was sent. */
  raw(at) {
    this.open("Raw step", async () => {
      const got = await this.api.get(this.path(at));
      const table = (rows, whole) => h("dl.raw2", null, rows.map((f) => [
        h("dt", null, f.name),
        h("dd", null, body(f, whole ? () => this.field(at, f.name, f.name) : null)),
      ]));
      return [
        h("h3", null, "As understood"), table(got.step, true),
        got.sent ? h("h3", null, "As sent") : null,
        got.sent ? table(got.sent, false) : null,
      ].filter(Boolean);
    });
  }

  keys() {
    const all = [["J / K", "next, previous decision"], ["N / Shift N", "next, previous one that failed or that a rule found something in"], ["G / Shift G", "last, first decision"],
      ["S", "the next place to look at first"], ["/", "search this run; Enter goes to the next hit, Esc clears"], ["1 / 2 / 3", "right, debatable, wrong; the same again takes it back"], ["V", "judge the whole run, and back"], ["M", "write a note"], ["Q / Shift Q", "next, previous in the review queue"],
      ["W", "the run in words"], ["F", "full context"], ["R", "raw step"], ["C", "copy a link to this decision"], ["0", "whole timeline"],
      ["Ctrl wheel", "zoom the timeline"], ["Shift wheel", "move the timeline"], ["Esc", "close"]];
    this.open("Keys", async () => [h("dl.keys2", null, all.map(([k, what]) => [h("dt", null, h("kbd", null, k)), h("dd", null, what)]))]);
  }
}
