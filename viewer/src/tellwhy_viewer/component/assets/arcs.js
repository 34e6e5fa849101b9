// @ts-check
/* Lines from where a value stood to the decision that used it, drawn over the timeline. */

const MOST = 9;
const BADGE = 6.5;
const TURN = 6;

/** Colours of numbered places: the first six are told apart, then they come again. */
export const HUES = 6;

/** @param {number} n from 1 @returns {string} name of the custom property */
export function hue(n) {
  return `--e${((n - 1) % HUES) + 1}`;
}

/**
 * @param {CanvasRenderingContext2D} g
 * @param {any} view the timeline @param {any} L its layout @param {(name: string) => string} colour
 * @param {number} y the middle of the chosen decision's token
 * @param {(lane: number) => number} laneY top of a lane's bars @param {number} size their height
 */
export function paintArcs(g, view, L, colour, y, laneY, size) {
  const lines = view.origins.filter((o) => o.bar).slice(0, MOST);
  const to = L.marks[view.selected];
  const floor = L.top + L.rail - 3;
  lines.forEach((o, k) => {
    const a = L.x(o.bar.t0);
    const b = Math.max(a + 8, L.x(o.bar.t1));
    const x = Math.min(b - 3, Math.max(a + 3, (a + b) / 2));
    const top = laneY(o.bar.lane);
    const level = floor - (k % 4) * 2.6;
    const start = to + (k - (lines.length - 1) / 2) * 3;
    g.globalAlpha = view.hot && view.hot !== o.n ? 0.16 : 1;
    g.strokeStyle = colour(hue(o.n));
    g.lineWidth = view.hot === o.n ? 2.4 : 1.5;
    route(g, start, y + 12, level, x, top - 1);
    g.beginPath();
    g.roundRect(a - 2, top - 2, b - a + 4, size + 4, 4);
    g.stroke();
  });
  // Badges last: a line of another place must not cross a number.
  for (const o of lines) badge(g, view, L, colour, o, laneY(o.bar.lane) + size);
  g.globalAlpha = 1;
}

function route(g, from, y0, level, x, y1) {
  const side = x < from ? -1 : 1;
  const turn = Math.min(TURN, Math.abs(from - x) / 2, Math.max(0.1, level - y0));
  const fall = Math.min(TURN, Math.abs(from - x) / 2, Math.max(0.1, y1 - level));
  g.beginPath();
  g.moveTo(from, y0);
  g.lineTo(from, level - turn);
  g.quadraticCurveTo(from, level, from + side * turn, level);
  g.lineTo(x - side * fall, level);
  g.quadraticCurveTo(x, level, x, level + fall);
  g.lineTo(x, y1);
  g.stroke();
}

function badge(g, view, L, colour, o, y) {
  const a = L.x(o.bar.t0);
  const b = Math.max(a + 8, L.x(o.bar.t1));
  const x = Math.min(b - 3, Math.max(a + 3, (a + b) / 2));
  g.globalAlpha = view.hot && view.hot !== o.n ? 0.3 : 1;
  g.fillStyle = colour(hue(o.n));
  g.beginPath();
  g.arc(x, y, BADGE, 0, 2 * Math.PI);
  g.fill();
  g.fillStyle = colour("--on");
  g.font = `700 9px ${colour("--st-font") || "sans-serif"}`;
  g.textAlign = "center";
  g.fillText(String(o.n), x, y + 0.5);
  g.textAlign = "left";
}
