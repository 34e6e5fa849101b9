// @ts-check
/* What was looked at for a decision, passed or not: the collector's list, in words. */
import { h, icon } from "./dom.js";

const CHECKS = {
  offered: "Among what it was offered",
  schema: "Arguments fit the tool",
  sources: "Values have a source",
  approval: "Approval",
  instructions: "No orders from a tool\u2019s result",
  other_rules: "Other rules",
};

const RESULTS = { passed: ["ok", "check", "passed"], failed: ["warn", "warn", "not passed"], unknown: ["dim", "clock", "not known yet"] };

/** @param {any|null} card */
export function checks(card) {
  const all = card ? card.checks || [] : [];
  if (!all.length) return null;
  const passed = all.filter((c) => c.result === "passed").length;
  return h("section.layer.checks", null,
    h("h3", null, "Checks", h("span.x", null, `${passed} of ${all.length} passed`)),
    h("ul", null, all.map((c) => {
      const [kind, image, word] = RESULTS[c.result] || RESULTS.unknown;
      return h(`li.${kind}`, { title: word }, icon(image), h("span", null, CHECKS[c.name] || c.name), c.detail ? h("span.mut", null, c.detail) : null);
    })));
}
