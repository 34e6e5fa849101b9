// @ts-check
/* Drawing of the timeline's two layers. */
import { paintArcs } from "./arcs.js";
import { family } from "./list.js";
import { clock, tickStep } from "./scale.js";
import { worst } from "./sources.js";
import { flagged, writes } from "./words.js";

const BAR = 13;
/** Middle of the tokens below the axis; the lines of evidence run beneath them. */
const RAIL_MIDDLE = 14.5;
const LANE_COLOUR = { agent: "--gray", model_call: "--vi", tool_call: "--gr", retrieval: "--bl", guardrail: "--or", human: "--hu" };
const SEVERITY_COLOUR = { high: "--er", medium: "--or", low: "--gray" };
const FAMILY_COLOUR = { bad: "--er", guard: "--or", human: "--hu", tool: "--gr", model: "--vi" };

/** @param {CanvasRenderingContext2D} g */
function pillPath(g, x, y, w, h, r) {
  g.beginPath();
  g.roundRect(x, y, w, h, Math.min(r, w / 2, h / 2));
}

function font(colour, size, weight = 500) {
  return `${weight} ${size}px ${colour("--st-font") || "sans-serif"}`;
}

function laneY(L, lane) {
  return L.top + L.rail + lane * L.lane + (L.lane - BAR) / 2;
}

function span(L, bar) {
  const x = L.x(bar.t0);
  return [x, Math.max(x + 2.5, L.x(bar.t1) - 0.8)];
}

/** Everything that does not depend on the selection. */
export function paintBase(g, view, L, colour) {
  frame(g, view, L, colour);
  g.save();
  g.beginPath();
  g.rect(L.left - 14, 0, L.width - L.left + 10, L.height);
  g.clip();
  folded(g, L, colour);
  axis(g, L, colour);
  bars(g, view, L, colour);
  rail(g, view, L, colour);
  g.restore();
}

function frame(g, view, L, colour) {
  g.font = font(colour, 11.5);
  const label = (text, y) => {
    g.fillStyle = colour("--mut");
    g.fillText(text, 14, y);
  };
  label("Decisions", L.top + RAIL_MIDDLE);
  view.lanes.forEach((lane, i) => {
    const y = L.top + L.rail + i * L.lane;
    g.fillStyle = colour("--bd");
    g.globalAlpha = 0.6;
    g.fillRect(L.left, y, L.width - L.left - L.right, 1);
    g.globalAlpha = 1;
    label(lane.label, y + L.lane / 2);
  });
}

function folded(g, L, colour) {
  for (const s of L.time.segments) {
    if (!s.fold) continue;
    const a = L.x(s.t0);
    const b = L.x(s.t1);
    g.fillStyle = colour("--p2");
    g.fillRect(a, L.top + L.rail, b - a, L.height);
    g.strokeStyle = colour("--bd");
    g.setLineDash([2, 3]);
    g.beginPath();
    for (const x of [a + 0.5, b - 0.5]) {
      g.moveTo(x, L.top);
      g.lineTo(x, L.height);
    }
    g.stroke();
    g.setLineDash([]);
    g.fillStyle = colour("--mut");
    g.font = font(colour, 10.5, 600);
    g.textAlign = "center";
    const sec = (s.t1 - s.t0) / 1000;
    const text = sec > 5400 ? `${(sec / 3600).toFixed(1)} h` : sec > 90 ? `${Math.round(sec / 60)} m` : `${Math.round(sec)} s`;
    if (b - a > 14) g.fillText(text, (a + b) / 2, 10);
    g.textAlign = "left";
  }
}

function axis(g, L, colour) {
  const live = L.time.segments.filter((s) => !s.fold);
  const widest = live.reduce((a, b) => (b.t1 - b.t0 > a.t1 - a.t0 ? b : a), live[0]);
  if (!widest) return;
  const step = tickStep((L.x(widest.t1) - L.x(widest.t0)) / Math.max(1e-6, widest.t1 - widest.t0));
  g.font = font(colour, 10.5, 450);
  let last = -1e9;
  const folds = L.time.segments.filter((s) => s.fold);
  for (const s of live) {
    for (let t = Math.ceil(s.t0 / step) * step; t <= s.t1; t += step) {
      const x = L.x(t);
      if (x < L.left - 14) continue;
      if (x > L.width) break;
      const crowded = folds.some((f) => x > L.x(f.t0) - 26 && x < L.x(f.t1) + 26);
      if (crowded || x - last < 62 || x > L.width - 24) continue;
      g.globalAlpha = 0.4;
      g.fillStyle = colour("--bd");
      g.fillRect(x, L.top + L.rail, 1, L.height);
      g.globalAlpha = 1;
      g.fillStyle = colour("--mut");
      g.textAlign = t === 0 ? "left" : "center";
      g.fillText(clock(t, step), x, 10);
      last = x;
    }
  }
  g.textAlign = "left";
}

function bars(g, view, L, colour) {
  const edge = new Float64Array(view.lanes.length).fill(-1e9);
  const colours = view.lanes.map((lane) => colour(LANE_COLOUR[lane.id] || "--gray"));
  const soft = colour("--soft") === "dark" ? 0.62 : 0.58;
  const bad = [];
  for (const bar of view.bars) {
    const [x, x2] = span(L, bar);
    if (x > L.width || x2 < L.left - 14) continue;
    if ((bar.status === "error" && !bar.inferred) || bar.span === view.diedIn) {
      bad.push([bar, x, x2]);
      continue;
    }
    if (x2 - x < 4 && x2 <= edge[bar.lane]) continue; // this pixel is filled already
    edge[bar.lane] = Math.max(edge[bar.lane], x2);
    const y = laneY(L, bar.lane);
    g.globalAlpha = soft;
    g.fillStyle = bar.status === "error" ? colour("--er") : colours[bar.lane];
    if (bar.inferred) guess(g, x, x2, y);
    else {
      pillPath(g, x, y, x2 - x, BAR, 2.5);
      g.fill();
    }
    if (bar.open) growing(g, x2, y, colours[bar.lane]);
    if (x2 - x > 58 && !bar.inferred && view.lanes[bar.lane].id !== "model_call") named(g, bar.name, x, x2, y, colour);
  }
  g.globalAlpha = 1;
  for (const [bar, x, x2] of bad) failedBar(g, x, x2, laneY(L, bar.lane), colour);
}

/** A step that nobody recorded: only its bounds are known. */
function guess(g, x, x2, y) {
  g.fillRect(x, y + BAR / 2 - 1, x2 - x, 2);
  g.fillRect(x, y + 2, 2, BAR - 4);
  g.fillRect(x2 - 2, y + 2, 2, BAR - 4);
}

function named(g, text, x, x2, y, colour) {
  g.save();
  g.beginPath();
  g.rect(x, y, x2 - x - 3, BAR);
  g.clip();
  g.globalAlpha = 1;
  g.fillStyle = colour("--on");
  g.font = font(colour, 10, 600);
  g.fillText(text, x + 5, y + BAR / 2 + 0.5);
  g.restore();
}

function growing(g, x, y, fill) {
  g.globalAlpha = 1;
  g.fillStyle = fill;
  g.fillRect(x - 2, y - 2, 2, BAR + 4);
}

function failedBar(g, x, x2, y, colour) {
  g.fillStyle = colour("--er");
  pillPath(g, x, y, x2 - x, BAR, 2.5);
  g.fill();
  if (x2 - x < 7) return;
  g.save();
  g.clip();
  g.strokeStyle = colour("--pn");
  g.lineWidth = 1.4;
  g.beginPath();
  for (let q = x - 8; q < x2; q += 5) {
    g.moveTo(q, y + BAR);
    g.lineTo(q + 5, y);
  }
  g.stroke();
  g.restore();
}

/** The decisions: numbered tokens, dots, or a strip with only the failed ones marked. */
function rail(g, view, L, colour) {
  const y = L.top + RAIL_MIDDLE;
  const all = view.page.decisions;
  if (L.detail === 0) {
    let edge = -9;
    g.fillStyle = colour("--gr");
    g.globalAlpha = 0.34;
    for (const i of L.seen) {
      const x = Math.round(L.marks[i]);
      if (x <= edge) continue;
      g.fillRect(x, y - 4, 1.6, 8);
      edge = x + 1;
    }
    g.globalAlpha = 1;
  }
  for (const i of L.seen) {
    const d = all[i];
    const c = colour(FAMILY_COLOUR[family(d)]);
    if (L.detail === 0) {
      if (flagged(d) || d.approval) dot(g, L.marks[i], y, 4, c, colour("--pn"), !flagged(d));
      continue;
    }
    token(g, L, L.marks[i], y, d, c, colour);
  }
  for (const i of L.seen) {
    const severity = worst(all[i]);
    if (severity && (L.detail > 0 || severity === "high")) finding(g, L.marks[i], y + (L.detail === 2 ? 15 : 9), colour(SEVERITY_COLOUR[severity]));
  }
}

/** A small triangle below a decision that rules found something about. */
function finding(g, x, y, fill) {
  g.fillStyle = fill;
  g.beginPath();
  g.moveTo(x, y - 3.5);
  g.lineTo(x + 4, y + 3.5);
  g.lineTo(x - 4, y + 3.5);
  g.closePath();
  g.fill();
}

/** Round for what failed, square for what people decided: the colours alone are too alike. */
function dot(g, x, y, r, fill, edge, square) {
  g.fillStyle = fill;
  pillPath(g, x - r, y - r, 2 * r, 2 * r, square ? 1.5 : r);
  g.fill();
  g.strokeStyle = edge;
  g.lineWidth = 1.5;
  g.stroke();
}

function token(g, L, x, y, d, c, colour) {
  const r = L.detail === 2 ? 9.5 : 3.6;
  g.fillStyle = colour("--pn");
  pillPath(g, x - r, y - r, 2 * r, 2 * r, writes(d) ? r * 0.45 : r);
  g.fill();
  if (flagged(d)) {
    g.fillStyle = c;
    g.fill();
  } else {
    g.strokeStyle = c;
    g.lineWidth = 1.5;
    if (d.outcome === "pending") g.setLineDash([2.5, 2.5]);
    g.stroke();
    g.setLineDash([]);
    g.fillStyle = c;
    g.globalAlpha = writes(d) ? 0.16 : 0.05;
    g.fill();
    g.globalAlpha = 1;
  }
  if (L.detail !== 2) return;
  g.fillStyle = flagged(d) ? colour("--on") : colour("--tx");
  g.font = font(colour, d.n > 99 ? 8 : 9.5, 600);
  g.textAlign = "center";
  g.fillText(String(d.n), x, y + 0.5);
  g.textAlign = "left";
}

/** The chosen decision: its stretch of time, its own bars in full colour, its number. */
export function paintSelection(g, view, L, colour) {
  const d = view.page.decisions[view.selected];
  if (!d) return;
  g.save();
  g.beginPath();
  g.rect(L.left - 14, 0, L.width - L.left + 10, L.height);
  g.clip();
  const own = view.of[view.selected] || [];
  const from = own.reduce((least, b) => Math.min(least, b.t0), d.t0);
  const to = own.reduce((most, b) => Math.max(most, b.t1), d.t1);
  const a = L.x(from);
  const b = Math.max(a + 3, L.x(to));
  g.fillStyle = colour("--acc");
  g.globalAlpha = colour("--soft") === "dark" ? 0.2 : 0.11;
  g.fillRect(a - 2, L.top + L.rail - 2, b - a + 4, L.height);
  g.globalAlpha = 1;
  for (const bar of own) {
    if (bar.status === "error" || bar.inferred) continue;
    const [x, x2] = span(L, bar);
    const y = laneY(L, bar.lane);
    g.fillStyle = colour(LANE_COLOUR[view.lanes[bar.lane].id] || "--gray");
    pillPath(g, x, y, x2 - x, BAR, 2.5);
    g.fill();
    if (x2 - x > 58 && view.lanes[bar.lane].id !== "model_call") named(g, bar.name, x, x2, y, colour);
  }
  const x = L.marks[view.selected];
  const y = L.top + RAIL_MIDDLE;
  paintArcs(g, view, L, colour, y, (lane) => laneY(L, lane), BAR);
  const w = d.n > 999 ? 40 : d.n > 99 ? 33 : 27;
  g.fillStyle = colour("--acc");
  pillPath(g, x - w / 2, y - 12, w, 24, 7);
  g.fill();
  g.fillStyle = colour("--on");
  g.font = font(colour, 11.5, 700);
  g.textAlign = "center";
  g.fillText(String(d.n), x, y + 0.5);
  g.textAlign = "left";
  g.restore();
}
