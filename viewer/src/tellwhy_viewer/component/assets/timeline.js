// @ts-check
/* The run in time: a rail of decisions over one lane for each kind of step, long waits folded.
   Two layers: a base that is drawn when the data, the zoom, the size or the theme changes, and the
   selection on top of it, so that moving on never touches thousands of bars. */
import { h } from "./dom.js";
import { paintBase, paintSelection } from "./paint.js";
import { bounded, scale, spread } from "./scale.js";
import { took } from "./words.js";

const LEFT = 92;
const RIGHT = 14;
const TOP = 20;
const RAIL = 42;
const LANE = 22;

export class Timeline {
  /** @param {(index: number, jump: boolean) => void} choose */
  constructor(choose) {
    this.choose = choose;
    this.zoom = null;
    this.selected = 0;
    this.origins = [];
    this.hot = 0;
    this.version = 0;
    this.canvas = h("canvas", { role: "img", "aria-label": "Timeline of the run. The list below holds the same decisions." });
    this.tip = h("div.tip", { hidden: true });
    this.root = h("section.tl", null, this.canvas, this.tip);
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(this.root);
    this.fonts = () => {
      this.version++;
      this.draw();
    };
    if (document.fonts) document.fonts.addEventListener("loadingdone", this.fonts);
    this.canvas.addEventListener("click", (e) => {
      const hit = this.under(e);
      if (hit && hit.decision >= 0) this.choose(hit.decision, true);
    });
    this.canvas.addEventListener("mousemove", (e) => this.hover(e));
    this.canvas.addEventListener("mouseleave", () => this.tip.setAttribute("hidden", ""));
    this.canvas.addEventListener("wheel", (e) => this.wheel(e), { passive: false });
  }

  /** @param {any} page the skeleton */
  show(page) {
    this.page = page;
    this.length = page.run.length_ms;
    this.lanes = page.lanes;
    this.bars = page.steps;
    for (const bar of this.bars) {
      bar.open = bar.t1 == null;
      if (bar.open) bar.t1 = this.length;
    }
    this.of = page.decisions.map(() => []);
    const made = new Map();
    for (const bar of this.bars) {
      made.set(bar.span, bar);
      if (bar.decision >= 0) this.of[bar.decision].push(bar);
    }
    // Decisions of one call share its bar.
    page.decisions.forEach((d, i) => {
      const bar = made.get(d.span);
      if (bar && bar.decision !== i) this.of[i].push(bar);
    });
    this.made = made;
    this.diedIn = page.died && page.died.at ? page.died.at.span : null;
    this.root.style.height = `${TOP + RAIL + this.lanes.length * LANE + 8}px`;
    this.version++;
    this.draw();
  }

  /** @param {number} index */
  select(index) {
    this.selected = index;
    this.origins = [];
    this.draw();
  }

  /** Where the chosen decision's values came from. @param {any[]} origins {n, span} */
  evidence(origins) {
    this.origins = origins.map((o) => ({ n: o.n, bar: this.made.get(o.span) }));
    this.draw();
  }

  /** Let one line of evidence stand out; 0 for none. @param {number} n */
  light(n) {
    if (n === this.hot) return;
    this.hot = n;
    this.draw();
  }

  /** Show everything again. */
  whole() {
    this.zoom = null;
    this.draw();
  }

  draw() {
    if (!this.page || this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  /** Sizes, time scale and token places; the same for both layers and for the mouse. */
  layout() {
    const width = this.canvas.clientWidth;
    const height = this.canvas.clientHeight;
    const inner = Math.max(60, width - LEFT - RIGHT);
    const time = scale(this.length, this.page.folds, this.zoom, inner);
    const x = (at) => LEFT + time.x(at);
    const marks = this.page.decisions.map((d) => x((d.t0 + d.t1) / 2));
    const seen = [];
    marks.forEach((at, i) => {
      if (at > LEFT - 16 && at < width + 4) seen.push(i);
    });
    const each = inner / Math.max(1, seen.length);
    const detail = each > 24 ? 2 : each > 7 ? 1 : 0;
    if (detail === 2) {
      seen.sort((a, b) => marks[a] - marks[b]);
      spread(seen.map((i) => marks[i]), 22, width - 20).forEach((at, k) => {
        marks[seen[k]] = at;
      });
    }
    return { width, height, left: LEFT, right: RIGHT, top: TOP, rail: RAIL, lane: LANE, time, x, marks, seen, detail };
  }

  paint() {
    const ratio = devicePixelRatio || 1;
    if (!this.canvas.clientWidth) return;
    const style = getComputedStyle(this.root);
    const w = Math.round(this.canvas.clientWidth * ratio);
    const height = Math.round(this.canvas.clientHeight * ratio);
    if (this.canvas.width !== w || this.canvas.height !== height) {
      this.canvas.width = w;
      this.canvas.height = height;
    }
    const known = new Map(); // each look at a style costs more than a bar
    const colour = (name) => {
      if (!known.has(name)) known.set(name, style.getPropertyValue(name).trim());
      return known.get(name);
    };
    const key = [w, height, String(this.zoom), this.version, colour("--st-background-color"), colour("--acc")].join();
    if (!this.base || this.base.key !== key) {
      const canvas = this.base ? this.base.canvas : document.createElement("canvas");
      canvas.width = w;
      canvas.height = height;
      const g = canvas.getContext("2d");
      if (!g) return;
      this.at = this.layout();
      g.setTransform(ratio, 0, 0, ratio, 0, 0);
      g.textBaseline = "middle";
      paintBase(g, this, this.at, colour);
      this.base = { key, canvas };
    }
    const g = this.canvas.getContext("2d");
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.clearRect(0, 0, w, height);
    g.drawImage(this.base.canvas, 0, 0);
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.textBaseline = "middle";
    paintSelection(g, this, this.at, colour);
    this.painted = performance.now();
  }

  /** What lies under the mouse: a decision's token or a bar. @param {MouseEvent} e */
  under(e) {
    const L = this.at;
    if (!L) return null;
    const box = this.canvas.getBoundingClientRect();
    const x = e.clientX - box.left;
    const y = e.clientY - box.top;
    if (y < L.top + L.rail) {
      let best = -1;
      let near = 14;
      for (const i of L.seen) {
        const far = Math.abs(L.marks[i] - x);
        if (far < near) {
          near = far;
          best = i;
        }
      }
      return best < 0 ? null : { decision: best, bar: null, x, y };
    }
    const lane = Math.floor((y - L.top - L.rail) / L.lane);
    const slack = Math.max(0, L.time.t(x - L.left + 2) - L.time.t(x - L.left));
    const at = L.time.t(x - L.left);
    const bar = this.bars.find((b) => b.lane === lane && at >= b.t0 - slack && at <= b.t1 + slack);
    return bar ? { decision: bar.decision, bar, x, y } : null;
  }

  /** @param {MouseEvent} e */
  hover(e) {
    const hit = this.under(e);
    this.canvas.style.cursor = hit && hit.decision >= 0 ? "pointer" : "default";
    if (!hit) {
      this.tip.setAttribute("hidden", "");
      return;
    }
    const d = this.page.decisions[hit.decision];
    const told = hit.bar
      ? [hit.bar.name, took(hit.bar.t1 - hit.bar.t0), hit.bar.status === "ok" ? null : hit.bar.status, hit.bar.inferred ? "read out of the next request" : null]
      : [d.glance, took(d.took_ms)];
    this.tip.replaceChildren(
      h("b", null, d ? `${d.n}. ${d.title}` : hit.bar.name),
      h("span", null, told.filter(Boolean).join(", ")),
    );
    this.tip.removeAttribute("hidden");
    this.tip.style.transform = `translate(${Math.min(hit.x + 12, this.canvas.clientWidth - 270)}px, ${hit.y + 14}px)`;
  }

  /** Ctrl and wheel zooms, Shift and wheel moves sideways. @param {WheelEvent} e */
  wheel(e) {
    if (!e.ctrlKey && !e.metaKey && !e.shiftKey) return;
    e.preventDefault();
    const [a, b] = this.zoom || [0, 1];
    if (e.shiftKey) {
      const by = ((b - a) * (e.deltaY || e.deltaX)) / 900;
      this.zoom = bounded([a + by, b + by]);
    } else {
      const f = (e.offsetX - LEFT) / Math.max(1, this.canvas.clientWidth - LEFT - RIGHT);
      const size = Math.min(1, Math.max(0.002, (b - a) * Math.exp(e.deltaY * 0.0016)));
      const at = a + (b - a) * f;
      this.zoom = bounded([at - size * f, at - size * f + size]);
    }
    this.draw();
  }

  close() {
    this.watch.disconnect();
    cancelAnimationFrame(this.frame);
    if (document.fonts) document.fonts.removeEventListener("loadingdone", this.fonts);
  }
}
