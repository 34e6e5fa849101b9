// @ts-check
/* Named filters or queries, kept in this browser. A filter is a link to the list with it. */
import { h, icon } from "./dom.js";

const MOST = 30;

/** @param {string} key in the browser's store @returns {Array<{name: string, asked: string}>} */
function kept(key) {
  try {
    const found = JSON.parse(localStorage.getItem(key) || "[]");
    return Array.isArray(found) ? found.filter((f) => f && typeof f.name === "string" && typeof f.asked === "string").slice(0, MOST) : [];
  } catch {
    return []; // storage is switched off or holds something else
  }
}

export class Saved {
  /** @param {string} key in the browser's store @param {string} one @param {string} many what is kept */
  constructor(key = "tellwhy.filters", one = "filter", many = "filters") {
    this.key = key;
    this.one = one;
    this.root = h("div.saved", { role: "group", "aria-label": `Saved ${many}` });
    this.asked = "";
    this.address = "/";
    this.go = (_asked) => {};
  }

  /** @param {string} asked the filters in use, as a query @param {string} address of the list @param {(asked: string) => void} go */
  take(asked, address, go) {
    this.asked = asked;
    this.address = address;
    this.go = go;
    this.draw();
  }

  draw() {
    const all = kept(this.key);
    const chips = all.map((f) => {
      const link = h(`a.fil${f.asked === this.asked ? ".on" : ""}`, { title: f.asked }, f.name);
      link.setAttribute("href", this.address ? `${this.address}?${f.asked}` : "#");
      link.addEventListener("click", (e) => {
        if (e.button || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
        e.preventDefault();
        this.go(f.asked);
      });
      const drop = h("button.x", { type: "button", "aria-label": `Forget ${f.name}`, on: { click: () => this.keep(all.filter((o) => o !== f)) } }, icon("x"));
      return h("span.one", null, link, drop);
    });
    const save = this.asked && !all.some((f) => f.asked === this.asked) ? h("button.lnk", { type: "button", on: { click: () => this.name() } }, `Save this ${this.one}`) : null;
    this.root.replaceChildren(...chips, ...(save ? [save] : []));
  }

  /** Ask for a name in place. */
  name() {
    const field = h("input.called", { type: "text", maxlength: "40", placeholder: "Name, then Enter", "aria-label": `Name of the ${this.one}` });
    field.addEventListener("keydown", (e) => {
      if (e.key === "Escape") this.draw();
      const name = field.value.trim();
      if (e.key === "Enter" && name) this.keep([...kept(this.key).filter((f) => f.name !== name), { name, asked: this.asked }]);
    });
    this.root.lastElementChild.replaceWith(field);
    field.focus();
  }

  /** @param {Array<{name: string, asked: string}>} all */
  keep(all) {
    try {
      localStorage.setItem(this.key, JSON.stringify(all.slice(-MOST)));
    } catch {
      // storage is full or switched off: the address still holds the filter
    }
    this.draw();
  }
}
