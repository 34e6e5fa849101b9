// @ts-check
/* One decision: saw, could, chose, happened. Only recorded facts; the stated reason and tested causes
   stand in why.js. */
import { body, h, icon, pill, section } from "./dom.js";
import { beside, problems, source, summary, tint, trust } from "./sources.js";
import { count, deed, FORCED, money, OUTCOMES, plural, took } from "./words.js";

const ROLE = { user: "user", tool: "tool result", system: "system", assistant: "model", developer: "developer" };

/** The head is drawn from the skeleton, at once. @param {any} d */
export function cardHead(d) {
  const [kind, image, word] = OUTCOMES[d.outcome] || OUTCOMES.unknown;
  const quiet = d.action === "answer" && d.outcome !== "failed";
  const tokens = d.input_tokens == null && d.output_tokens == null ? null : `${count(d.input_tokens)} in / ${count(d.output_tokens)} out`;
  return h("div.ctop", null,
    h("div.num", null, d.n),
    h("div.ct", null, h("h2", null, d.title), h("p", null, deed(d), d.choice[1] > 1 ? `, ${d.choice[0]} of ${d.choice[1]} at once` : "")),
    h("div.fl", null,
      d.effect === "irreversible" ? pill("warn", "bolt", "Irreversible") : null,
      d.effect === "write" ? pill("eff", "pen", "Writes") : null,
      d.forced && d.forced !== "free" ? pill("dim", "hand", FORCED[d.forced] || d.forced) : null,
      d.approval ? pill(d.approval === "approved" ? "ok" : d.approval === "denied" ? "bad" : "eff", "user", d.approval === "approved" ? "Approved" : d.approval === "denied" ? "Denied" : "Asked") : null,
      d.attempts > 1 ? pill("dim", "redo", plural(d.attempts, "attempt")) : null,
      quiet || d.outcome === "unknown" || (d.outcome === "denied" && d.approval === "denied") ? null : pill(kind, image, word)),
    h("div.cst", null,
      h("span", null, took(d.took_ms)),
      tokens ? h("span", null, tokens) : null,
      d.cost_usd == null ? null : h("span", null, money(d.cost_usd))));
}

/** @param {any} card @param {any} d the listed decision @param {any} doing what buttons do */
export function cardBody(card, d, doing) {
  return [problems(d.findings || [], doing), saw(card, d, doing), could(card), chose(card, doing), happened(card, d, doing)];
}

function saw(card, d, doing) {
  const s = card.saw;
  if (!s.recorded) {
    const text = card.made_by === "code" ? "A choice of plain code: it saw no messages." : "The messages of this call were not recorded.";
    return section("What it saw", null, h("p.mut", null, text));
  }
  const since = s.first ? "The whole context is new:" : s.new.length ? "New since its call before:" : "Nothing new since its call before.";
  const lines = s.new.slice(0, 12).map((line) => news(line, doing, card));
  return section("What the model saw", s.input_tokens == null ? null : `${count(s.input_tokens)} tokens`,
    h("div.saw", null,
      h("button.lnk", { type: "button", on: { click: doing.context } }, plural(s.messages, "message")),
      s.system ? h("span.mut", null, "with system text") : null,
      h("span.mut", null, since),
      s.dropped > 0 ? pill("warn", "cut", `${plural(s.dropped, "earlier message")} changed or gone`) : null),
    lines.length ? h("div.news", null, lines) : null,
    s.new.length > 12 ? h("button.lnk", { type: "button", on: { click: doing.context } }, `${s.new.length - 12} more`) : null);
}

function news(line, doing, card) {
  const what = line.kind.includes("response") ? "tool result" : line.kind === "tool_call" ? "tool call" : ROLE[line.role] || line.role;
  const open = () => doing.message(card.at, line.message);
  const flat = { ...line, text: line.text.replace(/\s+/g, " ") };
  const short = flat.text.length > 420 ? { text: `${flat.text.slice(0, 420)}\u2026`, chars: line.chars, clipped: true } : flat;
  return h(`div.new${line.is_error ? ".bad" : ""}`, null,
    h("div.nk", null, h("b", null, `+ ${what}`), " ", line.name ? h("code", null, line.name) : null, line.is_error ? h("em", null, "error") : null),
    h("div.nt", null, body(short, open, "span.nx")));
}

function could(card) {
  const c = card.could;
  const right = FORCED[c.forced] || (c.choice ? `tool choice ${c.choice}` : null);
  if (!c.recorded) {
    return section("What it could do", right, h("p.mut", null, "Not recorded."));
  }
  if (!c.tools.length) {
    return section("What it could do", right, h("p.mut", null, "No tools were offered: it could only answer."));
  }
  const rows = c.tools.map((tool) => h(`div.opt${tool.chosen ? ".on" : ""}`, null,
    h("span.mark", null, tool.chosen ? icon("check") : null),
    h("code", null, tool.name),
    h("span.note", { title: tool.description || null }, tool.description)));
  if (!c.chosen_listed) {
    rows.unshift(h("div.opt.on.odd", null, h("span.mark", null, icon("warn")), h("code", null, card.chosen), h("span.note", null, "Chosen, but not in the recorded list.")));
  }
  const box = h("div.opts", null, rows);
  if (rows.length > 6 && c.chosen_listed) fold(box, rows);
  return section(`What it could do`, [plural(c.tools.length, card.made_by === "code" ? "option" : "tool"), right].filter(Boolean).join(", "), box);
}

/** Keep the chosen one and the first few in sight; the rest behind a button. */
function fold(box, rows) {
  const on = rows.findIndex((r) => r.classList.contains("on"));
  const keep = on >= 5 ? 4 : 5;
  const hidden = rows.filter((_, i) => i >= keep && i !== on);
  for (const r of hidden) r.setAttribute("hidden", "");
  const more = h("button.lnk", { type: "button" }, `${hidden.length} more tools`);
  more.addEventListener("click", () => {
    for (const r of hidden) r.removeAttribute("hidden");
    more.remove();
  });
  box.append(more);
}

function chose(card, doing) {
  const c = card.chose;
  const from = card.sources || [];
  if (c.action === "tool_call" || c.action === "handoff" || c.action === "route") {
    const head = h("div.fn", null, h("b", null, c.name || "?"));
    const all = () => doing.field(card.at, "output_messages", "What the model answered");
    const args = c.arguments
      ? c.arguments.map((a) => h(`div.arg${trust(from, a.name)}`, { css: tint(from, a.name) }, h("span.an", null, a.name), h("span.av", null, body(a, all, `span.${a.kind}`)), h("span.as", null, beside(from, a.name, doing))))
      : c.raw ? [body(c.raw, all)] : [];
    return section("What it chose", summary(from) || (c.tool_call_id ? h("code.mut", null, c.tool_call_id) : null),
      h("div.call", null, head, args));
  }
  const word = c.action === "refusal" ? "The model refused" : c.action === "truncated" ? "The answer was cut off" : "What it answered";
  const text = c.answer ? body(c.answer, () => doing.field(card.at, "output_messages", "What the model answered"), "div.prose") : h("p.mut", null, "No text was recorded.");
  const named = from.filter((s) => s.kind !== "model_written");
  return section(word, summary(from) || (c.finish_reason ? `stopped: ${c.finish_reason}` : null), h("div.call", null, text,
    named.length ? h("div.figs", null, named.slice(0, 12).map((s) => h("div.fig", null, h("code", null, s.value), source(s, doing)))) : null));
}

function happened(card, d, doing) {
  const x = card.happened;
  if (d.action !== "tool_call" && !x.result && !x.error && !card.approval) return null;
  const [kind, image, word] = OUTCOMES[x.outcome] || OUTCOMES.unknown;
  const facts = [
    x.took_ms == null ? null : x.inferred ? `at most ${took(x.took_ms)}` : took(x.took_ms),
    x.attempts > 1 ? plural(x.attempts, "attempt") : x.attempts === 1 ? "no retries" : null,
    x.inferred ? "read out of the next request" : null,
  ].filter(Boolean);
  const whole = x.step ? () => doing.field(x.step, "tool_result", "Result") : null;
  const result = h("div.res", null,
    h("div.rh", null, pill(kind, image, word), h("span.mut", null, facts.join(", "))),
    x.error ? h("div.err", null, x.error_type ? h("b", null, x.error_type) : null, body(x.error, x.step ? () => doing.field(x.step, "error_message", "Error") : null)) : null,
    x.result ? body(x.result, whole) : x.error ? null : h("p.mut", null, x.outcome === "pending" ? "No end has been seen yet." : "No result was recorded."));
  return section("What happened", null, h(card.approval ? "div.two" : "div.one", null, result, card.approval ? approval(card.approval, doing) : null));
}

function approval(a, doing) {
  const who = a.approver || (a.kind === "rule" ? "A rule" : "Somebody");
  const word = { approved: "approved", denied: "denied", asked: "was asked" }[a.decision] || a.decision || "was asked";
  const kind = a.kind === "rule" ? "rule" : a.kind === "person" ? "person" : "recorded without saying who or what";
  const letters = who.split(/[\s._@-]+/).filter(Boolean).slice(0, 2).map((w) => w[0].toUpperCase()).join("");
  return h("div.appr", null,
    h(`div.av2${a.decision === "denied" ? ".no" : ""}`, { "aria-hidden": true }, letters),
    h("div.apb", null,
      h("div", null, h("b", null, who), ` ${word}`),
      h("div.mut", null, kind, a.waited_ms == null ? "" : `, after ${took(a.waited_ms)}`),
      a.note ? h("q", null, a.note.text) : null,
      a.shown ? h("div.shown", null, h("span.mut", null, "Was shown:"), body(a.shown, a.step ? () => doing.field(a.step, "input", "Was shown") : null)) : null));
}

/** @param {any[]} all @param {number} i @param {any} doing */
export function cardFoot(all, i, doing) {
  const beside = (j, back) => {
    const d = all[j];
    if (!d) return h("span.nv");
    return h("button.nv", { type: "button", on: { click: () => doing.choose(j) } }, back ? "\u2190 " : null, h("b", null, d.n), h("span", null, d.title), back ? null : " \u2192");
  };
  return h("footer.cf", null, beside(i - 1, true),
    h("div.raw", null,
      all[i].made_by === "code" ? null : h("button.lnk", { type: "button", on: { click: doing.context } }, "Full context"),
      h("button.lnk", { type: "button", on: { click: doing.raw } }, "Raw step"),
      h("button.lnk", { type: "button", on: { click: doing.copy } }, icon("link"), "Copy link")),
    beside(i + 1, false));
}
