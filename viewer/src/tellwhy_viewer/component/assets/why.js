// @ts-check
/* Why: three layers that never mix. What the model stated, what was recorded about the call, and what
   was tested by replaying it. */
import { checks } from "./checks.js";
import { body, h } from "./dom.js";
import { origin, source } from "./sources.js";
import { sentences } from "./told.js";
import { count, FORCED, money, took } from "./words.js";

const SOURCE = {
  reasoning: "from its reasoning",
  text: "from the text beside its call",
  argument: "from an argument of its call",
  code: "given by the code",
};

/** @param {any|null} card @param {any} doing */
export function why(card, doing) {
  return [h("h2.wh", null, "Why"), stated(card, doing), evidence(card, doing), checks(card), tested(card), inWords(card, doing), recorded(card)];
}

/** Where the values stood: facts, found by comparing and not by a model. */
function evidence(card, doing) {
  const all = card ? card.sources || [] : [];
  const need = all.filter((s) => s.kind !== "model_written");
  const found = need.filter((s) => s.kind !== "no_source");
  const missing = need.filter((s) => s.kind === "no_source");
  const lines = [
    ...(card ? card.origins || [] : []).slice(0, 8).map((o) => origin(o, found.filter((s) => s.n === o.n), doing)),
    ...missing.slice(0, 6).map((s) => h("div.ev", null, source(s, doing, true))),
  ];
  return h("section.layer.evid", null,
    h("h3", null, "Evidence in what it saw", need.length ? h("span.x", null, `${found.length} of ${need.length}`) : null),
    lines.length ? lines : h("p.none", null, card ? "No value that needs a source." : "\u2026"),
    card && (card.origins || []).length > 8 ? h("p.fine", null, "More stand beside the arguments.") : null,
    lines.length ? h("p.fine", null, "Found by comparing texts: where a value stood, not what made the model use it.") : null);
}

/** The explanation in sentences, fetched when somebody opens it. */
function inWords(card, doing) {
  const inside = h("div.told");
  const box = h("details.words", null, h("summary", null, "In words"), inside);
  box.addEventListener("toggle", async () => {
    doing.remember(box.open);
    if (!box.open || !card || inside.firstChild) return;
    inside.replaceChildren(h("p.mut", null, "\u2026"));
    try {
      inside.replaceChildren(...sentences(await doing.words(card.id), doing));
    } catch (error) {
      inside.replaceChildren(h("p.err", null, error instanceof Error ? error.message : "Something went wrong."));
    }
  });
  if (card && doing.remembers()) box.setAttribute("open", "");
  return h("section.layer", null, box);
}

function stated(card, doing) {
  const code = card && card.made_by === "code";
  const label = code ? "The reason given in code" : "The model\u2019s stated reason";
  const said = card && card.said;
  const inside = !card
    ? h("p.mut", null, "\u2026")
    : said
      ? body(said, () => doing.field(card.at, "stated_reason", label), "blockquote")
      : h("p.none", null, code ? "The code gave no reason." : card.answer_recorded
        ? "The model gave no reason." : "Not recorded: the text of this answer was not kept.");
  return h("section.layer.said", null,
    h("h3", null, label, said ? h("span.x", null, SOURCE[said.source] || said.source) : null),
    inside,
    said && !code ? h("p.fine", null, "Its own words: a statement, not a proven cause.") : null);
}

function recorded(card) {
  const m = card ? card.model : {};
  const facts = !card || card.made_by === "code" ? [] : [
    ["Model", m.name],
    ["Provider", m.provider],
    ["Choice", FORCED[card.could.forced]],
    ["Decided in", m.took_ms == null ? null : took(m.took_ms) + (m.first_chunk_ms == null ? "" : `, first words after ${took(m.first_chunk_ms)}`)],
    ["Tokens", m.input_tokens == null ? null : `${count(m.input_tokens)} in, ${count(m.output_tokens)} out`],
    ["From cache", m.cache_read_tokens ? `${count(m.cache_read_tokens)} in` : null],
    ["Reasoning", m.reasoning_tokens ? `${count(m.reasoning_tokens)} out` : null],
    ["Cost", m.cost_usd == null ? null : `${money(m.cost_usd)}${m.cost_source ? `, ${m.cost_source}` : ""}`],
    ["Attempts", m.attempts > 1 ? String(m.attempts) : null],
    ["Stopped", card.chose.finish_reason],
    ["Parameters", m.parameters],
    ["Request", m.request_id],
  ].filter(([, value]) => value);
  return h("section.layer", null,
    h("h3", null, "Recorded about the call"),
    facts.length
      ? h("dl", null, facts.map(([name, value]) => [h("dt", null, name), h("dd", null, value)]))
      : h("p.none", null, card ? "No model was asked." : "\u2026"),
    m.error ? h("div.err", null, body(m.error, null)) : null);
}

/** What a test has shown, and never what the model says of itself. */
function tested(card) {
  const test = card && card.tested;
  if (!test) {
    return h("section.layer", null,
      h("h3", null, "Tested causes"),
      h("p.none", null, card ? "Not tested yet." : "\u2026"),
      h("p.fine", null, "Only a replay with something removed can show what a choice depended on."));
  }
  return h("section.layer", null,
    h("h3", null, "Tested causes"),
    h("p", null, test.result, " ", test.reason || ""),
    h("dl", null, test.items.map((item) => [
      h("dt", null, item.is_cause ? h("b", null, item.verdict) : item.verdict),
      h("dd", null, item.label, h("p.fine", null,
        [item.points, item.drawn, item.flips ? "the choice flips" : null].filter(Boolean).join("; "))),
    ])),
    h("p.fine", null, "Same choice again: ", test.control, ". ", test.about, "."),
    h("p.fine", null, test.method));
}
