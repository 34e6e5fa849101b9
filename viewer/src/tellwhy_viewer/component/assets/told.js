// @ts-check
/* Sentences of the collector, as text: quotes and names are told apart, each leads to what it cites. */
import { h, icon } from "./dom.js";

const PIECES = /\u201c[^\u201d]*\u201d|`[^`]*`/g;
const LAYERS = { fact: "recorded", stated: "stated", tested: "tests" };

/** @param {string} text */
export function words(text) {
  const out = [];
  let at = 0;
  for (const found of text.matchAll(PIECES)) {
    out.push(text.slice(at, found.index));
    out.push(found[0][0] === "`" ? h("code", null, found[0].slice(1, -1)) : h("q", null, found[0]));
    at = (found.index || 0) + found[0].length;
  }
  out.push(text.slice(at));
  return out;
}

/** @param {any} told an explanation @param {any} doing */
export function sentences(told, doing) {
  const rows = told.sentences.map((s) => {
    const marks = s.citations.filter((c) => c.table === "steps").slice(0, 4).map((c) => h("button.cite", {
      type: "button", title: `steps.${c.column} ${c.path || ""}`, "aria-label": `Look at ${c.column} ${c.path || ""}`,
      on: { click: () => doing.place({ trace: told.trace_id, span: c.span_id, column: c.column, path: c.path || "$", inner: c.inner_path, from: c.from, to: c.to }, c.column.replaceAll("_", " ")) },
    }, icon("link")));
    return h(`p.tell.${s.layer}`, { "data-part": s.part }, words(s.text), s.layer === "fact" ? null : h("i.lay", null, LAYERS[s.layer]), marks);
  });
  const late = told.complete ? null : h("p.fine", null, "This run still changes or waits to be looked at: sources and findings may be missing.");
  return [late, ...rows].filter(Boolean);
}
