// @ts-check
/* Where values came from and what rules found: marks that lead to the place where it stands. */
import { h, icon, pill } from "./dom.js";
import { plural } from "./words.js";

const METHODS = {
  case: "other case", number: "as a number", date: "as a date", whitespace: "other spaces", unit: "with its unit",
  member: "in a list", key: "a field\u2019s name", part: "part of a text", concatenation: "pieces joined",
  time: "as a time", punctuation: "other punctuation", unicode: "other characters", quotient: "quotient", percentage: "percentage",
  sum: "sum", difference: "difference", product: "product",
};

const SEVERITY = { high: ["bad", "warn", "High"], medium: ["warn", "warn", "Medium"], low: ["dim", "dot", "Low"] };

/** The place that one value came from. @param {any} s @param {any} doing @param {boolean} [named] with the path of the value */
export function source(s, doing, named = false) {
  const leaf = named ? h("code.leaf", null, s.piece ? s.value : s.argument) : null;
  if (s.kind === "no_source") {
    return h("div.src.none2", { title: "It stands nowhere in what was recorded that the model saw." }, leaf, icon("warn"), h("b", null, "No source"), named ? h("span.mut", null, s.value) : null);
  }
  if (s.kind === "model_written") return h("div.src.own", null, leaf, "the model\u2019s own text");
  const how = [s.method ? METHODS[s.method] || s.method : null, s.weak ? "may be chance" : null, s.places > 1 ? `${s.places} places` : null].filter(Boolean).join(", ");
  const inside = [icon("link"), h("b", null, s.label || "source"), s.path ? h("code", null, s.path) : null, how ? h("span.mut", null, how) : null];
  if (!s.at) return h("div.src", null, leaf, inside);
  const title = s.text ? `Stood there: ${s.text}` : null;
  return h("div.src", null, leaf,
    h(`button.go.${s.kind}${s.weak ? ".weak" : ""}`, { type: "button", title, on: { click: () => doing.place(s.at, `Where ${s.argument || "it"} stood`) } }, inside));
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
