// @ts-check
/* Numbers and outcomes as words. Pure: no DOM, tested by node. */

const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029\ufeff]/g;

/** Show direction overrides and control characters instead of obeying them. @param {unknown} s */
export function visible(s) {
  return String(s)
    .replace(BIDI, (c) => `\u27e8U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}\u27e9`)
    .replace(CONTROL, (c) => `\u27e8${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}\u27e9`);
}

/** `812 ms`, `4.4 s`, `18 m 41 s`, `2 h 05 m`. @param {number|null|undefined} v */
export function took(v) {
  if (v == null) return "\u2026";
  if (v < 1) return `${v.toFixed(v > 0 ? 1 : 0)} ms`;
  if (v < 1000) return `${Math.round(v)} ms`;
  if (v < 59950) return `${(v / 1000).toFixed(v < 9950 ? 1 : 0)} s`;
  const s = Math.round(v / 1000);
  if (s < 3600) return `${Math.floor(s / 60)} m ${String(s % 60).padStart(2, "0")} s`;
  return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} m`;
}

/** `275`, `15.7k`, `4.8M`. @param {number|null|undefined} n */
export function count(n) {
  if (n == null) return "\u2013";
  if (n >= 1e6) return `${(n / 1e6).toFixed(1)}M`;
  if (n >= 1e3) return `${(n / 1e3).toFixed(n >= 1e5 ? 0 : 1)}k`;
  return String(n);
}

/** @param {number|null|undefined} usd */
export function money(usd) {
  if (usd == null) return "\u2013";
  if (usd === 0) return "$0";
  return `$${usd < 0.1 ? usd.toFixed(4) : usd < 10 ? usd.toFixed(3) : usd.toFixed(2)}`;
}

/** @param {number} n @param {string} one @param {string} [many] */
export function plural(n, one, many) {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many || `${one}s`}`;
}

/** The reader's time zone at *at*, short: `GMT+1`, `UTC`. @param {Date} at */
export function zoneOf(at) {
  const part = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" }).formatToParts(at).find((p) => p.type === "timeZoneName");
  return part ? part.value : "";
}

export const OUTCOMES = {
  succeeded: ["ok", "check", "Succeeded"],
  failed: ["bad", "warn", "Failed"],
  denied: ["bad", "stop", "Denied"],
  pending: ["eff", "clock", "In flight"],
  unknown: ["dim", "dot", "Outcome not recorded"],
};

export const STATUSES = {
  running: ["eff", "clock", "Running"],
  succeeded: ["ok", "check", "Succeeded"],
  failed: ["bad", "warn", "Failed"],
  denied: ["bad", "stop", "Denied"],
  lost: ["bad", "stop", "Died"],
  unknown: ["dim", "dot", "End not recorded"],
};

/** Verdict → colour, image, label, key. */
export const WORDS = {
  right: ["ok", "check", "Right", "1"],
  debatable: ["warn", "ask", "Debatable", "2"],
  wrong: ["bad", "x", "Wrong", "3"],
};

export const FORCED = {
  free: "free choice",
  any_tool: "had to call some tool",
  one_tool: "had to call this tool",
  no_tool: "was not allowed a tool",
};

/** What a decision did, in one clause. @param {any} d */
export function deed(d) {
  const offered = d.offered;
  if (d.made_by === "code") return `Plain code chose this${offered ? ` out of ${offered}` : ""}`;
  const others = Math.max(0, (offered || 0) - 1);
  if (d.action === "tool_call") {
    if (offered == null) return "Called a tool; what else it could do was not recorded";
    return others ? `Chosen over ${plural(others, "other tool")}` : "The only tool it was offered";
  }
  if (d.action === "handoff") return "Handed the task to another agent";
  if (d.action === "refusal") return "Refused to go on";
  if (d.action === "truncated") return "Stopped before it was done";
  if (offered) return `Answered instead of calling one of ${plural(offered, "tool")}`;
  return "Answered";
}

/** Whether a reviewer should stop here. @param {any} d */
export function flagged(d) {
  return d.outcome === "failed" || d.outcome === "denied" || d.action === "refusal" || d.action === "truncated";
}

/** @param {any} d */
export function writes(d) {
  return d.effect === "write" || d.effect === "irreversible";
}
