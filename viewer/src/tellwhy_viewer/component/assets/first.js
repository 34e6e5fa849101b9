// @ts-check
/* What a reviewer should know before the first decision: where to look first, and where a run died. */
import { h, icon } from "./dom.js";

const DIED = {
  killed: "Its process was killed",
  exit: "Its program ended with the run open",
  silent: "Nothing has come from its process for a while",
};

/** The places that stand out most; nothing where none does. @param {any} page @param {any} doing */
export function lookFirst(page, doing) {
  const places = (page.suspects || []).filter((s) => s.reasons.length);
  if (!places.length) return null;
  const everywhere = (text) => places.every((s) => s.reasons.includes(text));
  const telling = (s) => s.reasons.find((text) => !everywhere(text)) || s.reasons[0];
  const go = (s) => (s.decision >= 0 ? doing.choose(s.decision) : doing.rawOf(s.at));
  return h("div.first", { role: "group", "aria-label": "Look here first" },
    h("span.l", { title: "Ranked by what was recorded, without a model. Not a verdict that something is wrong." }, "Look here first"),
    places.map((s) => {
      const d = page.decisions[s.decision];
      return h("button.sus", { type: "button", title: s.reasons.join("\n"), on: { click: () => go(s) } },
        d ? h("b", null, d.n) : icon("warn"),
        h("span.st", null, d ? d.title : "A call without a decision"),
        h("span.sr", null, telling(s)));
    }));
}

/** Where and how a run ended that did not end by itself. @param {any} page @param {any} doing */
export function died(page, doing) {
  const end = page.died;
  if (!end) return null;
  const how = DIED[end.reason] || `Its process ended by ${end.reason}`;
  const seen = end.last_seen ? new Date(/Z|[+-]\d\d:?\d\d$/.test(end.last_seen) ? end.last_seen : `${end.last_seen}Z`) : null;
  const text = [how, seen ? `, last heard at ${seen.toLocaleTimeString("en-GB")}` : "", end.in ? ", while it stood in " : "."];
  const go = () => (end.decision >= 0 ? doing.choose(end.decision) : doing.rawOf(end.at));
  return h("div.task.bad.died", { role: "status" },
    h("span.l", null, "Died"), h("span.tv", null, text, end.in ? h("code", null, end.in) : null, end.in ? "." : null),
    end.at ? h("button.lnk", { type: "button", on: { click: go } }, "Show where") : null);
}
