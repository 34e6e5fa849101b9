// @ts-check
/* The list of runs: rows that are links, in the reader's time, with the shape of each run. */
import { h, icon, pill } from "./dom.js";
import { Saved } from "./saved.js";
import { count, money, plural, STATUSES, took, zoneOf } from "./words.js";

const PARTS = 24;
const DAY_MS = 86400000;
const NS = "http://www.w3.org/2000/svg";

/** @type {WeakMap<object, {told: string, held: string, hold: (id: string) => void, saved: Saved, onkey: (e: KeyboardEvent) => void}>} */
const lists = new WeakMap();

/** The time as the reader's clock shows it: today only the time. @param {string|null} text */
function started(text) {
  if (!text) return h("span.mut", null, "\u2013");
  const at = new Date(/Z|[+-]\d\d:?\d\d$/.test(text) ? text : `${text}Z`);
  const clock = at.toLocaleTimeString("en-GB");
  const today = new Date().toDateString() === at.toDateString();
  const near = Math.abs(Date.now() - at.getTime()) < 300 * DAY_MS;
  const day = at.toLocaleDateString("en-GB", near ? { day: "numeric", month: "short" } : { day: "numeric", month: "short", year: "numeric" });
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return h("time", { datetime: at.toISOString(), title: `${at.toLocaleString("sv-SE")} ${zone}` }, today ? clock : h("span.mut", null, `${day} `), today ? null : clock.slice(0, 5));
}

/** Steps over the time of the run, failures in red: how it went at a glance. @param {number[][]} parts [part, steps, errors, people] */
function shape(parts) {
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", `0 0 ${PARTS * 4} 20`);
  svg.setAttribute("class", "shape");
  svg.setAttribute("aria-hidden", "true");
  const most = Math.max(1, ...parts.map((p) => p[1]));
  for (const [at, steps, errors, people] of parts) {
    const tall = Math.max(2.5, (steps / most) * 18);
    const bar = (y, height, kind) => {
      const rect = document.createElementNS(NS, "rect");
      rect.setAttribute("x", String(at * 4));
      rect.setAttribute("y", String(y));
      rect.setAttribute("width", "3");
      rect.setAttribute("height", String(height));
      rect.setAttribute("rx", "0.8");
      rect.setAttribute("class", kind);
      svg.append(rect);
    };
    bar(20 - tall, tall, people ? "hu" : "st");
    if (errors) bar(20 - Math.max(2.5, (tall * errors) / steps), Math.max(2.5, (tall * errors) / steps), "er");
  }
  return svg;
}

/** @param {any} row */
function flags(row) {
  const found = row.findings ? h(`span.flag.${row.worst}`, { title: plural(row.findings, "finding") }, h(`i.sev.${row.worst}`), count(row.findings)) : null;
  const failed = row.errors ? h("span.flag.bad", { title: plural(row.errors, "failed step") }, icon("x"), count(row.errors)) : null;
  const asked = row.approvals ? h("span.flag.hu", { title: plural(row.approvals, "approval") }, icon("user"), count(row.approvals)) : null;
  const seen = row.reviewed ? h(`span.flag${row.wrong ? ".bad" : ".ok"}`, { title: `${plural(row.reviewed, "decision")} reviewed${row.wrong ? `, ${row.wrong} wrong` : ""}` }, icon("check"), `${count(row.reviewed)}/${count(row.decisions)}`) : null;
  return [failed, found, asked, seen];
}

const HEADS = [["Status"], ["Started"], ["Agent"], ["Task"], ["Shape"], ["Took", "r"], ["Decisions", "r"], ["Tokens", "r"], ["Cost", "r"], ["Seen in it"], ["Model"], [""]];

/** Holds a run until a second one is chosen to compare it with. @param {any} row @param {any} list @param {string} address */
function beside(row, list, address) {
  if (list.held && list.held !== row.id) {
    const link = h("a.cmpb", { title: "Compare with the run that is held", "aria-label": "Compare with the run that is held" }, icon("beside"));
    const folder = address.replace(/[^/]*$/, "");
    link.setAttribute("href", `${folder}compare?a=${encodeURIComponent(list.held)}&b=${encodeURIComponent(row.id)}`);
    return link;
  }
  const held = list.held === row.id;
  const label = held ? "Held: choose the run to compare it with" : "Compare with another run";
  return h("button.cmpb", { type: "button", "aria-pressed": String(held), title: label, "aria-label": label, on: { click: () => list.hold(held ? "" : row.id) } }, icon("beside"));
}

/** @param {any} row @param {string} address @param {(id: string) => void} open @param {any} list */
function line(row, address, open, list) {
  const [kind, image, word] = STATUSES[row.status] || ["dim", "dot", row.status];
  const link = h("a.go", { "data-run": row.id }, row.agent);
  link.setAttribute("href", `${address}?run=${encodeURIComponent(row.id)}`);
  link.addEventListener("click", (e) => {
    if (e.button || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return; // the browser's own: a new tab, a window
    e.preventDefault();
    open(row.id);
  });
  return h("tr", null,
    h("td", { title: row.died ? `in ${row.died}` : null }, pill(kind, image, word)),
    h("td.num", null, started(row.started)),
    h("td.who", null, link, row.version ? h("span.mut", null, ` ${row.version}`) : null),
    h("td.what", { title: row.task }, row.task),
    h("td.sh", null, shape(row.parts)),
    h("td.num.r", null, row.took_ms == null ? "\u2026" : took(row.took_ms)),
    h("td.num.r", null, count(row.decisions)),
    h("td.num.r", null, row.tokens ? count(row.tokens) : "\u2013"),
    h("td.num.r", null, money(row.cost_usd)),
    h("td.fs", null, flags(row)),
    h("td.model.mut", { title: row.models }, row.models),
    h("td", null, beside(row, list, address)));
}

/** J and K, or the arrows, move between the rows; Enter opens. @param {HTMLElement} root @param {KeyboardEvent} e */
function keys(root, e) {
  if (e.ctrlKey || e.metaKey || e.altKey || !root.isConnected) return;
  const target = e.composedPath()[0];
  if (target instanceof HTMLElement && (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable)) return;
  if (e.key === "/") {
    const search = document.querySelector("input[aria-label='Search']");
    if (search instanceof HTMLElement) search.focus();
    e.preventDefault();
    return;
  }
  const by = { j: 1, k: -1 }[e.key] || (root.contains(target) ? { ArrowDown: 1, ArrowUp: -1 }[e.key] : 0);
  if (!by) return;
  const links = [...root.querySelectorAll("a.go[data-run]")];
  const at = links.findIndex((l) => l.matches(":focus"));
  const next = links[Math.max(0, Math.min(links.length - 1, at + by))];
  if (next) next.focus();
  e.preventDefault();
}

/** Draw the rows anew when they have changed. @param {HTMLElement} root @param {any} list @param {any} data @param {any} setTriggerValue */
function draw(root, list, data, setTriggerValue) {
  const told = JSON.stringify(data);
  if (told !== list.told) {
    list.told = told;
    const at = root.querySelector("a.go:focus");
    const open = (id) => setTriggerValue("open", id);
    const body = h("tbody", null, data.rows.map((row) => line(row, data.address, open, list)));
    root.replaceChildren(
      h("div.above", null, list.saved.root, h("span.sum", { role: "status" }, list.held ? h("b", null, "Choose the run to compare with. ") : null, data.summary)),
      data.rows.length ? h("div.wide", null, h("table", null,
        h("caption", null, "Runs, newest first"),
        h("thead", null, h("tr", null, HEADS.map(([name, side]) => h(`th${side ? `.${side}` : ""}`, { scope: "col" }, name, name === "Started" ? h("span.zone", null, ` ${zoneOf(new Date())}`) : null)))),
        body)) : "");
    const again = at ? root.querySelector(`a.go[data-run="${CSS.escape(at.getAttribute("data-run"))}"]`) : null;
    if (again) again.focus();
    root.dataset.ready = "true";
  }
}

/** Streamlit calls this at first and whenever the rows or the theme change. */
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector("#root");
  let list = lists.get(parentElement);
  if (!list) {
    list = { told: "", held: "", hold: (_id) => {}, saved: new Saved(), onkey: (e) => keys(root, e) };
    document.addEventListener("keydown", list.onkey);
    lists.set(parentElement, list);
  }
  list.hold = (id) => {
    list.held = id;
    list.told = "";
    draw(root, list, data, setTriggerValue);
  };
  list.saved.take(data.asked, data.address, (asked) => setTriggerValue("view", asked));
  draw(root, list, data, setTriggerValue);
  return () => {
    document.removeEventListener("keydown", list.onkey);
    lists.delete(parentElement);
  };
}
