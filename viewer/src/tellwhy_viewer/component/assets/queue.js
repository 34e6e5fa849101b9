// @ts-check
/* The bar that leads through a review queue: where we are in it, next, previous, back. */
import { h } from "./dom.js";

export class Queue {
  /** @param {(run: string|null, decision?: string) => void} go */
  constructor(go) {
    this.go = go;
    /** @type {string[][]} run and decision of each place */
    this.places = [];
    this.at = -1;
    this.where = h("b");
    this.back = h("button.btn", { type: "button", on: { click: () => this.step(-1) } }, "Previous");
    this.next = h("button.btn", { type: "button", on: { click: () => this.step(1) } }, "Next", h("kbd", null, "Q"));
    const leave = h("button.lnk", { type: "button", on: { click: () => this.go(null) } }, "Back to the queue");
    this.root = h("nav.qbar", { "aria-label": "Review queue", hidden: true }, leave, h("span.sp"), this.where, this.back, this.next);
  }

  /** @param {string[][]} places */
  take(places) {
    this.places = places;
    this.root.toggleAttribute("hidden", !places.length);
  }

  /** Tell which decision is in sight. @param {string} run @param {string} decision */
  show(run, decision) {
    const found = this.places.findIndex((p) => p[0] === run && p[1] === decision);
    if (found >= 0) this.at = found;
    this.where.textContent = found >= 0 ? `${found + 1} of ${this.places.length}` : `beside ${this.at + 1} of ${this.places.length}`;
    this.back.toggleAttribute("disabled", this.at <= 0);
    this.next.toggleAttribute("disabled", this.at >= this.places.length - 1);
  }

  /** @param {number} by */
  step(by) {
    const place = this.places[this.at + by];
    if (place) this.go(place[0], place[1]);
  }
}
