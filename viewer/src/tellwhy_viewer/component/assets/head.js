// @ts-check
/* The head of the run: what it was, how it ended, what it cost. */
import { h, icon, pill } from "./dom.js";
import { count, money, plural, STATUSES, took, zoneOf } from "./words.js";

/** @param {any} run @param {any} doing @param {any[]} [found] findings of the run */
export function head(run, doing, found = []) {
  const high = found.filter((f) => f.severity === "high").length;
  const [kind, image, word] = STATUSES[run.status] || ["dim", "dot", run.status || "unknown"];
  const started = run.start_time ? new Date(/Z|[+-]\d\d:?\d\d$/.test(run.start_time) ? run.start_time : `${run.start_time}Z`) : null;
  const tokens = run.input_tokens == null && run.output_tokens == null ? null : (run.input_tokens || 0) + (run.output_tokens || 0);
  const stat = (label, value, extra) => h("div.stat", null, h("span.l", null, label), h("span.v", null, value, extra ? h("span.x", null, extra) : null));
  return h("header.head", null,
    h("div.id", null,
      h("div.t", null,
        h("h1", null, run.agent_name || run.service_name || run.name || "Unnamed agent"),
        run.agent_version ? h("span.tag", null, run.agent_version) : null,
        run.service_name && run.service_name !== run.agent_name ? h("span.tag", null, run.service_name) : null,
        pill(kind, image, word)),
      h("div.sub", null,
        h("button.lnk.mono", { type: "button", title: "Copy the run id", on: { click: () => doing.copyText(run.run_id, "Run id copied") } }, run.run_id),
        started ? h("span", { title: `${run.start_time} UTC` }, when(started)) : null,
        run.models ? h("span", null, run.models) : null,
        run.user_id ? h("span", null, `for ${run.user_id}`) : null,
        run.dialect ? h("span", null, run.dialect) : null)),
    h("div.stats", null,
      stat("Took", took(run.took_ms == null ? run.length_ms : run.took_ms), run.status === "running" ? "so far" : null),
      stat("Decisions", run.decisions == null ? "\u2013" : run.decisions.toLocaleString("en")),
      stat("Tokens", count(tokens)),
      stat("Cost", money(run.cost_usd), run.cost_source === "computed" ? "computed" : null),
      stat("Errors", run.errors || 0, run.retries ? `${run.retries} retried` : null),
      found.length ? stat("Findings", found.length, high ? `${high} high` : null) : null),
    h("div.acts", null, h("div.bs", null, h("button.btn", { type: "button", on: { click: doing.told } }, icon("answer"), "In words"), h("button.btn", { type: "button", title: "Hold it beside another run", on: { click: doing.compare } }, icon("beside"), "Compare")), doing.progress));
}

/** What the run was asked, and why it failed; nothing when neither is known. @param {any} run */
export function task(run) {
  const line = (label, text, kind) => h(`div.task${kind}`, null, h("span.l", null, label), h("span.tv", { title: text.slice(0, 1000) }, text));
  const out = [];
  if (run.input) out.push(line("Task", inPairs(run.input), ""));
  // Of a run that died the line about its end says the same, and where.
  if (run.status !== "lost" && (run.error_message || run.error_type)) out.push(line("Failed", [run.error_type, run.error_message].filter(Boolean).join(": "), ".bad"));
  return out;
}

/** Several arguments as a line for people; words, which the collector has found, as they are. @param {string} text */
function inPairs(text) {
  try {
    const value = JSON.parse(text);
    if (!value || typeof value !== "object" || Array.isArray(value)) return text;
    return Object.entries(value).map(([k, v]) => `${k}: ${typeof v === "string" ? v : JSON.stringify(v)}`).join("   ");
  } catch {
    return text;
  }
}

/** @param {Date} at */
function when(at) {
  const p = (n) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${p(at.getMonth() + 1)}-${p(at.getDate())} ${p(at.getHours())}:${p(at.getMinutes())}:${p(at.getSeconds())} ${zoneOf(at)}`;
}

/** @param {any} page */
export function notice(page) {
  const cut = page.cut ? "This run is longer than what is drawn here; the rest is in SQL. " : "";
  const none = page.decisions.length ? "" : page.run.status === "running" ? "No decision yet." : "No decision was recorded in this run.";
  return cut || none ? h("p.notice", null, cut + none, page.steps.length ? ` ${plural(page.run.steps || page.steps.length, "step")} in all.` : "") : null;
}
