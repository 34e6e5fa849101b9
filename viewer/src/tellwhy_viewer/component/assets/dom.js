// @ts-check
/* Elements from text only. Nothing in this component parses markup: what agents wrote can only become
   a text node. */
import { visible } from "./words.js";

const NS = "http://www.w3.org/2000/svg";

/** 16-pixel stroke paths. */
const ICONS = {
  check: "M3 8.5 6.5 12 13 4.5",
  warn: "M8 2 14.5 13.5h-13zM8 6.5v3.2M8 11.6v.2",
  stop: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM3.8 3.8l8.4 8.4",
  clock: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 4.8V8l2.2 1.6",
  dot: "M8 6.6a1.4 1.4 0 1 0 0 2.800 1.4 1.4 0 0 0 0-2.800z",
  tool: "M9.800 3.200a3 3 0 0 0-3.900 3.900L2.500 10.500v3h3l3.400-3.400a3 3 0 0 0 3.900-3.900l-1.900 1.900-2.100-.6-.6-2.100z",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.600z",
  pen: "M10.5 3 13 5.5 5.5 13H3v-2.500z",
  bolt: "M9 1.5 3.5 9H8l-1 5.5L12.5 7H8z",
  user: "M8 2.5a2.7 2.7 0 1 0 0 5.400 2.7 2.7 0 0 0 0-5.400zM2.800 14c.5-2.900 2.600-4.400 5.200-4.400s4.700 1.500 5.200 4.400",
  answer: "M2.500 3.500h11v7.500h-6L4.500 13.500V11h-2z",
  code: "M5.500 4.500 2 8l3.500 3.500M10.500 4.500 14 8l-3.500 3.500",
  hand: "M2.500 8h9M8.500 4.500 12 8l-3.500 3.500M14 3v10",
  cut: "M3 4.500h10M3 8h6M3 11.500h3M11 9.500l3 3M14 9.500l-3 3",
  redo: "M13 8a5 5 0 1 1-1.600-3.700M13 2v3h-3",
  link: "M6.500 9.500a2.500 2.500 0 0 0 3.700.2l2-2a2.600 2.600 0 0 0-3.700-3.700l-.9.9M9.500 6.500a2.500 2.500 0 0 0-3.700-.2l-2 2a2.600 2.600 0 0 0 3.700 3.700l.9-.9",
  beside: "M5 13V4M2.500 6.500 5 4l2.500 2.500M11 3v9M8.500 9.500 11 12l2.500-2.500",
  ask: "M5.500 6a2.500 2.500 0 1 1 3.600 2.200c-.7.4-1.100.8-1.100 1.600M8 12.200v.2",
  x: "M4 4l8 8M12 4l-8 8",
  shield: "M8 1.800 13 3.700v4c0 3.200-2.200 5.400-5 6.500-2.800-1.100-5-3.300-5-6.500v-4z",
};

/**
 * Make an element: `h("div.card.open", {role: "list"}, child, "text", null)`.
 * @param {string} tag
 * @param {Record<string, any>|null} [props] attributes; `on` holds listeners, `css` style properties
 * @param {...any} kids
 * @returns {any}
 */
export function h(tag, props, ...kids) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElement(name || "div");
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(props || {})) {
    if (value == null || value === false) continue;
    if (key === "on") for (const kind in value) made.addEventListener(kind, value[kind]);
    else if (key === "css") for (const p in value) made.style.setProperty(p, value[p]);
    else made.setAttribute(key, value === true ? "" : visible(value));
  }
  for (const kid of kids.flat(3)) {
    if (kid == null || kid === false) continue;
    made.append(kid.nodeType ? kid : document.createTextNode(visible(kid)));
  }
  return made;
}

/** Say on *root* whether the theme is light or dark, told by the background's brightness. @param {HTMLElement} root */
export function themed(root) {
  const c = getComputedStyle(root).getPropertyValue("--st-background-color").trim();
  const m = /^#(..)(..)(..)/.exec(c);
  const light = m ? 0.3 * parseInt(m[1], 16) + 0.59 * parseInt(m[2], 16) + 0.11 * parseInt(m[3], 16) : 255;
  root.dataset.theme = light < 110 ? "dark" : "light";
}

/** @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "ic");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(NS, "path");
  path.setAttribute("d", ICONS[name] || ICONS.dot);
  svg.append(path);
  return svg;
}

/** @param {string} kind ok, bad, warn, eff or dim @param {string} image @param {string} text */
export function pill(kind, image, text) {
  return h(`span.pill.${kind}`, null, icon(image), text);
}

/** @param {string} label @param {any} extra @param {...any} kids */
export function section(label, extra, ...kids) {
  return h("section.sec", null, h("h3", null, label, extra ? h("span.x", null, extra) : null), ...kids);
}

/** Text that may have been cut, with a button that fetches the rest.
 * @param {any} cut {text, chars, clipped} @param {(() => void)|null} more @param {string} [kind] */
export function body(cut, more, kind = "pre.code") {
  const text = h(kind, null, cut.text);
  if (!cut.clipped) return text;
  const rest = more
    ? h("button.lnk", { type: "button", on: { click: more } }, `Show all ${cut.chars.toLocaleString("en")} characters`)
    : h("span.mut", null, `${cut.chars.toLocaleString("en")} characters`);
  return h("div", null, text, h("div.more", null, rest));
}
