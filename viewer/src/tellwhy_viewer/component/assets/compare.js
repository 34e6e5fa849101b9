// @ts-check
/* Two runs beside each other: one sentence, figures, two rails, the pair in sight side by side. */
import { body, h, icon, pill, themed } from "./dom.js";
import { money, OUTCOMES, STATUSES, zoneOf } from "./words.js";

const SAW = { model: "another model", system: "other instructions", tools: "other tools", parameters: "other parameters", messages: "other new messages" };

/** @type {WeakMap<object, Beside>} */
const views = new WeakMap();

class Beside {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.go = (_wanted) => {};
    this.onkey = (e) => this.key(e);
    document.addEventListener("keydown", this.onkey, true);
  }

  /** @param {any} told */
  show(told) {
    const key = told.heads.map((head) => head.run).join(" ");
    if (key === this.shown) return;
    this.shown = key;
    this.told = told;
    this.only = told.first != null && told.pairs.length > 12;
    this.rail = h("div.rail", { role: "listbox", tabindex: "0", "aria-label": "Decisions of both runs" });
    this.rows = h("div.plist", { role: "group", "aria-label": "Pairs of decisions" });
    this.cards = h("div.pcards", { "aria-live": "polite" });
    this.root.replaceChildren(this.head(), h("div.railbox", null, h("div.rl", null, h("b", null, "A"), h("b", null, "B")), this.rail),
      h("div.pcols", null, h("nav.spine", null, this.filter(), this.rows), this.cards));
    this.rail.replaceChildren(...told.pairs.map((pair, i) => this.token(pair, i)));
    const wanted = Number(new URL(location.href).searchParams.get("at"));
    this.list();
    this.select(wanted >= 1 && wanted <= told.pairs.length ? wanted - 1 : told.first || 0, true);
    this.root.dataset.ready = "true";
  }

  head() {
    const { told } = this;
    const jump = told.first == null ? null : h("button.btn", { type: "button", on: { click: () => this.select(told.first) } }, "Go to it", h("kbd", null, "F"));
    const side = (name, head) => {
      const [kind, image, word] = STATUSES[head.status] || ["dim", "dot", head.status];
      return h("div.sh", null, h("div.t", null, h("b.ab", null, name), h("h2", null, head.agent), pill(kind, image, word)),
        h("div.sub", null, h("button.lnk.mono", { type: "button", title: "Open this run", on: { click: () => this.go({ run: head.run, decision: "" }) } }, head.run), h("span", null, `${new Date(head.start_ms).toLocaleString("sv")} ${zoneOf(new Date(head.start_ms))}`)),
        head.task ? h("p.mut", { title: head.task }, head.task) : null,
        head.output ? h("p.out", null, "\u2192 ", head.output.text) : null);
    };
    const fact = (f) => h("tr", null, h("th", { scope: "row" }, f.label), h("td", null, f.a), h("td", null, f.b), h("td.mut", null, f.change));
    return h("header.chead", null,
      h("div.csent", null, h("h1", null, told.sentence), jump,
        h("button.btn", { type: "button", on: { click: () => this.go({ swap: true }) } }, "Swap"),
        h("button.btn", { type: "button", on: { click: () => this.go({ other: true }) } }, "Another run")),
      told.branch ? this.branch(told.branch) : null,
      told.cut ? h("p.notice", null, "These runs are longer than what is drawn here.") : null,
      h("div.sides", null, side("A", told.heads[0]), side("B", told.heads[1]),
        h("div.facts", null, h("table", null, h("thead", null, h("tr", null, h("td"), h("th", { scope: "col" }, "A"), h("th", { scope: "col" }, "B"), h("th", { scope: "col" }, "Change"))), h("tbody", null, told.facts.map(fact))))));
  }

  branch(b) {
    return h("p.notice", null, icon("redo"), " B is a replay of A",
      b.live_from == null ? ", served from the recording." : `; models were asked again from decision ${b.live_from} on.`,
      b.edits.length ? [" Changed: ", ...b.edits.map((e) => h("code", null, `${e.path}${e.value ? ` = ${e.value.text}` : " taken away"} `))] : null,
      b.live_tools.length ? ` Tools that ran for real: ${b.live_tools.join(", ")}.` : null);
  }

  token(pair, i) {
    const dot = (side) => (side ? h("span.tk", null, side.n) : h("span.tk.no", { "aria-hidden": true }, "\u00a0"));
    const one = h(`div.tp.${pair.change}${pair.moved ? ".moved" : ""}`, { role: "option", id: `pair${i}`, title: `${pair.title}: ${pair.label}`, "aria-selected": "false" }, dot(pair.a), h("i"), dot(pair.b));
    one.addEventListener("click", () => this.select(i));
    return one;
  }

  filter() {
    const chips = this.told.counts.map((c) => h(`span.cc.${c.change}`, null, h("i"), `${c.count.toLocaleString("en")} ${c.label}`));
    const box = h("input", { type: "checkbox" });
    box.checked = this.only;
    box.addEventListener("change", () => {
      this.only = box.checked;
      this.list();
      this.select(this.at, true);
    });
    return h("div.pf", null, h("div.ccs", null, chips), this.told.first == null ? null : h("label", null, box, " only what differs"));
  }

  list() {
    const shown = this.told.pairs.map((pair, i) => [pair, i]).filter(([pair]) => !this.only || pair.change !== "same" || pair.moved);
    this.rows.replaceChildren(...shown.map(([pair, i]) => {
      const row = h(`button.prow.${pair.change}`, { type: "button", "data-i": i, on: { click: () => this.select(i) } },
        h("span.n", null, pair.a ? pair.a.n : "\u2013", h("i"), pair.b ? pair.b.n : "\u2013"),
        h("span.b", null, h("span.tt", null, pair.other_title && pair.other_title !== pair.title ? `${pair.title} \u2192 ${pair.other_title}` : pair.title),
          h("span.to", null, pair.moved ? "same, in another order" : pair.label)));
      return row;
    }));
  }

  /** @param {number} i @param {boolean} [still] leave the address as it is */
  select(i, still = false) {
    const all = this.told.pairs;
    if (!all.length) return;
    this.at = Math.max(0, Math.min(all.length - 1, i));
    const pair = all[this.at];
    for (const one of this.rail.children) one.setAttribute("aria-selected", "false");
    const token = this.rail.children[this.at];
    token.setAttribute("aria-selected", "true");
    this.rail.setAttribute("aria-activedescendant", token.id);
    this.rail.scrollLeft = token.offsetLeft - this.rail.offsetLeft - (this.rail.clientWidth - token.offsetWidth) / 2;
    for (const row of this.rows.children) {
      const on = row.dataset.i === String(this.at);
      row.setAttribute("aria-current", String(on));
      if (on) seen(this.rows, row);
    }
    this.cards.replaceChildren(this.between(pair), h("div.two2", null, this.side("A", pair.a, 0), this.side("B", pair.b, 1)));
    if (still) return;
    const address = new URL(location.href);
    address.searchParams.set("at", String(this.at + 1));
    history.replaceState(history.state, "", address);
  }

  between(pair) {
    const saw = pair.saw.map((part) => h("span.pill.dim", null, SAW[part] || part));
    const rows = pair.differences.map((d) => h("tr", null, h("th", { scope: "row" }, h("code", null, d.path)),
      h("td.was", null, d.a ? body(d.a, null, "span.dv") : h("em", null, "not there")), h("td.now", null, d.b ? body(d.b, null, "span.dv") : h("em", null, "not there"))));
    return h("section.pbet", null, h("div.saw", null, h(`b.cl.${pair.change}`, null, pair.moved ? "Same, in another order" : pair.label),
      pair.saw.length ? [h("span.mut", null, "The model saw:"), saw] : pair.a && pair.b ? h("span.mut", null, "The model saw the same.") : null),
    rows.length ? h("table.diff", null, h("thead", null, h("tr", null, h("th", null, "Argument"), h("th", null, "A"), h("th", null, "B"))), h("tbody", null, rows)) : null);
  }

  side(name, s, at) {
    if (!s) return h("article.pc.none3", null, h("p.mut", null, `${name} has no such decision.`));
    const [kind, image, word] = OUTCOMES[s.outcome] || OUTCOMES.unknown;
    const part = (label, inner) => (inner ? [h("h3", null, label), inner] : null);
    const args = s.arguments.length ? h("div.call", null, s.arguments.map((a) => h(`div.arg${a.changed ? ".chg" : ""}`, null, h("span.an", null, a.name), h("span.av", null, body(a, null, "span.value"))))) : s.raw ? body(s.raw, null) : null;
    return h("article.pc", null,
      h("div.pch", null, h("span.num", null, s.n), h("div.ct", null, h("h2", null, s.title), h("p", null, [s.model, s.cost_usd == null ? null : money(s.cost_usd)].filter(Boolean).join(", "))),
        pill(kind, image, word), h("button.lnk", { type: "button", on: { click: () => this.go({ run: this.told.heads[at].run, decision: s.id }) } }, "Open")),
      part(s.action === "tool_call" ? "Arguments" : "Choice", args), part("Answer", s.answer ? body(s.answer, null, "div.prose") : null),
      part(s.made_by === "code" ? "Reason given in code" : "The model\u2019s stated reason", s.said ? body(s.said, null, "blockquote") : null),
      part("Result", s.result ? body(s.result, null) : null), part("Error", s.error ? h("div.err", null, body(s.error, null)) : null));
  }

  /** @param {KeyboardEvent} e */
  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey || !this.root.isConnected || !this.told) return;
    const target = e.composedPath()[0];
    if (target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && target.getAttribute("type") !== "checkbox") return;
    const differs = (by) => {
      const all = this.told.pairs;
      for (let i = this.at + by; i >= 0 && i < all.length; i += by) if (all[i].change !== "same") return this.select(i);
    };
    const acts = { j: () => this.select(this.at + 1), k: () => this.select(this.at - 1), n: () => differs(1), N: () => differs(-1), f: () => this.select(this.told.first || 0) };
    if (target === this.rail) Object.assign(acts, { ArrowRight: acts.j, ArrowLeft: acts.k });
    const act = acts[e.key];
    if (!act) return;
    e.preventDefault();
    e.stopImmediatePropagation();
    act();
  }

  close() {
    document.removeEventListener("keydown", this.onkey, true);
  }
}

/** Scroll *box*, and only it, until *row* is in sight. @param {HTMLElement} box @param {HTMLElement} row */
function seen(box, row) {
  const outer = box.getBoundingClientRect();
  const inner = row.getBoundingClientRect();
  if (inner.top < outer.top) box.scrollTop -= outer.top - inner.top;
  else if (inner.bottom > outer.bottom) box.scrollTop += inner.bottom - outer.bottom;
}

/** Streamlit calls this at first and whenever data or theme change. */
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector("#root");
  let view = views.get(parentElement);
  if (!view) {
    view = new Beside(root);
    views.set(parentElement, view);
  }
  view.go = (wanted) => setTriggerValue("go", wanted);
  themed(root);
  view.show(data.told);
  return () => {
    view.close();
    views.delete(parentElement);
  };
}
