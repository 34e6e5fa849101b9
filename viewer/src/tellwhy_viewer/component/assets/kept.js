// @ts-check
/* The reader's own queries under names, kept in this browser. */
import { Saved } from "./saved.js";

/** @type {WeakMap<object, Saved>} */
const lists = new WeakMap();

/** Streamlit calls this at first and whenever the text or the theme change. */
export default function ({ data, parentElement, setTriggerValue }) {
  let saved = lists.get(parentElement);
  if (!saved) {
    saved = new Saved("tellwhy.queries", "query", "queries");
    lists.set(parentElement, saved);
    parentElement.querySelector("#root").replaceChildren(saved.root);
  }
  saved.take(data.text, "", (text) => setTriggerValue("text", text));
  return () => lists.delete(parentElement);
}
