// @ts-check
/* Time → pixels with folded waits. Pure: no DOM, tested by node. */

/** Pixels that one folded wait takes. */
export const FOLD_PX = 34;

/**
 * @param {number} length of the run in ms
 * @param {number[][]} folds [from, to] in ms, sorted, not overlapping
 * @param {number[]|null} zoom part that is shown, as fractions of the whole width
 * @param {number} width in pixels
 */
export function scale(length, folds, zoom, width) {
  const foldPx = folds.length ? Math.min(FOLD_PX, (width * 0.4) / folds.length) : 0;
  const folded = folds.reduce((sum, f) => sum + f[1] - f[0], 0);
  const perMs = (width - foldPx * folds.length) / Math.max(length - folded, 1e-6);
  const segments = [];
  let t = 0;
  let x = 0;
  const add = (to, px, isFold) => {
    segments.push({ t0: t, t1: to, x0: x, x1: x + px, fold: isFold });
    t = to;
    x += px;
  };
  for (const [from, to] of folds) {
    if (from > t) add(from, (from - t) * perMs, false);
    add(to, foldPx, true);
  }
  if (length > t || !segments.length) add(Math.max(length, t), (length - t) * perMs, false);
  const total = x || 1;
  const [a, b] = zoom || [0, 1];
  const out = (px) => ((px / total - a) / (b - a)) * width;
  return {
    segments,
    /** @param {number} at ms */
    x(at) {
      let s = segments[segments.length - 1];
      for (const q of segments) {
        if (at <= q.t1) {
          s = q;
          break;
        }
      }
      const f = s.t1 > s.t0 ? (at - s.t0) / (s.t1 - s.t0) : 0;
      return out(s.x0 + (s.x1 - s.x0) * f);
    },
    /** @param {number} px */
    t(px) {
      const whole = ((px / width) * (b - a) + a) * total;
      for (const s of segments) {
        if (whole <= s.x1) {
          return s.t0 + ((s.t1 - s.t0) * (whole - s.x0)) / Math.max(s.x1 - s.x0, 1e-9);
        }
      }
      return length;
    },
  };
}

const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 3e4, 6e4, 12e4, 3e5, 6e5, 18e5, 36e5,
  72e5, 144e5, 432e5, 864e5,
];

/**
 * Give the distance between two marks of the axis, in ms.
 * @param {number} pxPerMs
 * @param {number} gap least pixels between two marks
 */
export function tickStep(pxPerMs, gap = 74) {
  return STEPS.find((ms) => ms * pxPerMs > gap) || STEPS[STEPS.length - 1];
}

/**
 * Say a time on the axis as briefly as the distance of its marks allows.
 * @param {number} ms
 * @param {number} step
 */
export function clock(ms, step) {
  if (step < 1000) return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(step < 100 ? 2 : 1)} s`;
  const s = Math.round(ms / 1000);
  const mm = Math.floor((s % 3600) / 60);
  const ss = String(s % 60).padStart(2, "0");
  if (s < 3600) return `${mm}:${ss}`;
  return `${Math.floor(s / 3600)}:${String(mm).padStart(2, "0")}:${ss}`;
}

/** Keep a zoom inside the whole; a zoom of everything is none. @param {number[]} z */
export function bounded(z) {
  const size = z[1] - z[0];
  if (size >= 1) return null;
  const a = Math.max(0, Math.min(1 - size, z[0]));
  return [a, a + size];
}

/**
 * Push numbered tokens apart so that each can be read, keeping their order.
 * @param {number[]} xs sorted pixel positions
 * @param {number} gap least distance
 * @param {number} max right edge
 */
export function spread(xs, gap, max) {
  const out = xs.slice();
  for (let i = 1; i < out.length; i++) out[i] = Math.max(out[i], out[i - 1] + gap);
  if (out.length) out[out.length - 1] = Math.min(out[out.length - 1], max);
  for (let i = out.length - 2; i >= 0; i--) out[i] = Math.min(out[i], out[i + 1] - gap);
  return out;
}
