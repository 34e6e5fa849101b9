// @ts-check
/* Where values came from and what rules found: marks that lead to the place where it stands. */
import { hue } from "./arcs.js";
import { h, icon, pill } from "./dom.js";
import { flagged, plural } from "./words.js";

const METHODS = {
  case: "other case", number: "as a number", date: "as a date", whitespace: "other spaces", unit: "with its unit",
  member: "in a list", key: "a field\u2019s name", part: "part of a text", concatenation: "pieces joined",
  time: "as a time", punctuation: "other punctuation", unicode: "other characters", quotient: "quotient", percentage: "percentage",
  sum: "sum", difference: "difference", product: "product",
};

const SEVERITY = { high: ["bad", "warn", "High"], medium: ["warn", "warn", "Medium"], low: ["dim", "dot", "Low"] };

/** The number of a place, in its colour; the same one stands on the timeline. @param {any} s */
function mark(s) {
  return s.n ? h("i.no", { css: { "--ec": `var(${hue(s.n)})` } }, s.n) : icon("link");
}

/** The place that one value came from. @param {any} s @param {any} doing @param {boolean} [named] with the path of the value */
export function source(s, doing, named = false) {
  const leaf = named ? h("code.leaf", null, s.piece ? s.value : s.argument) : null;
  if (s.kind === "no_source") {
    return h("div.src.none2", { title: "It stands nowhere in what was recorded that the model saw." }, leaf, icon("warn"), h("b", null, "No source"), named ? h("span.mut", null, s.value) : null);
  }
  if (s.kind === "model_written") return h("div.src.own", null, leaf, "the model\u2019s own text");
  const how = [s.method ? METHODS[s.method] || s.method : null, s.weak ? "may be chance" : null, s.places > 1 ? `${s.places} places` : null].filter(Boolean).join(", ");
  const inside = [mark(s), h("b", null, s.label || "source"), s.path ? h("code", null, s.path) : null, how ? h("span.mut", null, how) : null];
  if (!s.at) return h("div.src", { "data-n": s.n }, leaf, inside);
  const title = s.text ? `Stood there: ${s.text}` : null;
  return h("div.src", { "data-n": s.n }, leaf,
    h(`button.go.${s.kind}${s.weak ? ".weak" : ""}`, { type: "button", title, on: { click: () => doing.place(s.at, `Where ${s.argument || "it"} stood`) } }, inside));
}

/** One place with all the values that came from it. @param {any} o @param {any[]} values @param {any} doing */
export function origin(o, values, doing) {
  const at = doing.owner(o.span);
  return h("div.ev.or", { "data-n": o.n },
    mark(o),
    h("div.ob", null,
      h("div", null, h("b", null, o.label || "source"),
        at ? h("button.lnk", { type: "button", on: { click: () => doing.choose(at - 1) } }, `decision ${at}`) : null),
      h("div.vs", null, values.slice(0, 6).map((s) => s.at
        ? h("button.val", { type: "button", title: s.text ? `Stood there: ${s.text}` : null, on: { click: () => doing.place(s.at, `Where ${s.argument || "it"} stood`) } }, s.value)
        : h("code", null, s.value)), values.length > 6 ? h("span.mut", null, `and ${values.length - 6} more`) : null)));
}

/** What stands beside one argument. @param {any[]} all @param {string} name @param {any} doing */
export function beside(all, name, doing) {
  const mine = all.filter((s) => s.top === name);
  return mine.slice(0, 6).map((s) => source(s, doing, mine.length > 1)).concat(
    mine.length > 6 ? [h("div.src.own", null, `${mine.length - 6} more values`)] : []);
}

/** How a value is underlined. @param {any[]} all @param {string} name */
export function trust(all, name) {
  const kinds = all.filter((s) => s.top === name).map((s) => s.kind);
  if (!kinds.length) return "";
  return kinds.includes("no_source") ? ".missing" : kinds.some((k) => k !== "model_written") ? ".linked" : "";
}

/** The colour of the place that an argument came from, for its underline. @param {any[]} all @param {string} name */
export function tint(all, name) {
  const first = all.find((s) => s.top === name && s.n);
  return first ? { "--ec": `var(${hue(first.n)})` } : {};
}

/** One line for the head of the section. @param {any[]} all */
export function summary(all) {
  const need = all.filter((s) => s.kind !== "model_written");
  if (!need.length) return null;
  const found = need.filter((s) => s.kind !== "no_source").length;
  return `${found} of ${plural(need.length, "value")} found in what it saw`;
}

/** Findings as a list. @param {any[]} all @param {any} doing */
export function problems(all, doing) {
  if (!all.length) return null;
  return h("section.sec.finds", null, h("h3", null, plural(all.length, "finding")),
    all.map((f) => {
      const [kind, image, word] = SEVERITY[f.severity] || SEVERITY.low;
      return h("div.find", { "data-severity": f.severity },
        pill(kind, image, word),
        h("div.fb", null, h("div", null, f.message),
          h("div.mut", null, h("code", null, f.rule), f.made_by === "tellwhy" ? null : ` ${f.made_by}`,
            f.proof.map((p, i) => h("button.lnk", { type: "button", on: { click: () => doing.place(p, f.rule) } }, `proof ${i + 1}`)))));
    }));
}

/** The worst severity of a decision, or null. @param {any} d */
export function worst(d) {
  const seen = (d.findings || []).map((f) => f.severity);
  return ["high", "medium", "low"].find((s) => seen.includes(s)) || null;
}

/** Whether the reviewer's key N should stop here. @param {any} d */
export function notable(d) {
  return flagged(d) || worst(d) === "high" || worst(d) === "medium";
}
