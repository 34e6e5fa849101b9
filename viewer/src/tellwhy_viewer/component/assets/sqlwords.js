// @ts-check
/* What the SQL editor knows: DuckDB's words, and the tables, columns and functions of this collector. */
import { visible } from "./words.js";

/** An identifier as SQL wants it. @param {string} name @param {Set<string>} keywords */
export function quoted(name, keywords) {
  const plain = /^[a-z_][a-z0-9_]*$/i.test(name) && !keywords.has(name.toLowerCase());
  return plain ? name : `"${name.replaceAll('"', '""')}"`;
}

/** Names of known tables that stand in *text*, whatever their place. @param {string} text @param {Map<string, any>} tables */
export function mentioned(text, tables) {
  const words = new Set(text.match(/[A-Za-z_]\w*/g) || []);
  return [...tables.keys()].filter((name) => words.has(name));
}

/** The language and its completions. @param {any} cm the editor's library @param {any} told from /api/sql/words */
export function language(cm, told) {
  const dialect = cm.SQLDialect.define({
    keywords: told.keywords.filter((word) => word !== "true" && word !== "false" && word !== "null").join(" "),
    types: told.types.join(" "),
    doubleDollarQuotedStrings: true,
    caseInsensitiveIdentifiers: true,
    operatorChars: "*+-%<>!=&|~^/:@",
  });
  const keywords = new Set(told.keywords);
  const tables = new Map(told.tables.map((table) => [table[0], table]));
  const off = ["String", "LineComment", "BlockComment", "QuotedIdentifier", "."];
  const sources = [
    cm.schemaCompletionSource({ dialect, schema: schema(told.tables, keywords) }),
    cm.ifNotIn(off, columns(tables, keywords)),
    cm.ifNotIn(off, functions(told.functions)),
    cm.keywordCompletionSource(dialect, true),
  ];
  return [cm.sql({ dialect }).language, cm.autocompletion({ override: sources, icons: false, maxRenderedOptions: 60 })];
}

/** Tables with their columns, as the library reads them. */
function schema(tables, keywords) {
  const found = Object.create(null);
  for (const [name, kind, comment, fields] of tables) {
    found[name.replaceAll(".", "\\.")] = {
      self: { label: visible(name), apply: quoted(name, keywords), type: "class", detail: kind, info: visible(comment) || undefined, boost: 8 },
      children: fields.map((field) => column(field, "", keywords)),
    };
  }
  return found;
}

function column([name, type, comment], table, keywords) {
  const shown = visible(type.length > 24 ? `${type.slice(0, 24)}\u2026` : type);
  return { label: visible(name), apply: quoted(name, keywords), type: "property", detail: table ? `${shown} \u00b7 ${visible(table)}` : shown, info: visible(comment) || undefined, boost: 12 };
}

/** Columns of all tables that the text names, also before an alias says which. */
function columns(tables, keywords) {
  return (context) => {
    const word = context.matchBefore(/\w*$/);
    if (!word || (word.from === word.to && !context.explicit)) return null;
    if (context.state.sliceDoc(word.from - 1, word.from) === ".") return null;
    const options = new Map();
    for (const table of mentioned(context.state.doc.toString(), tables)) {
      for (const field of tables.get(table)[3]) if (!options.has(field[0])) options.set(field[0], column(field, table, keywords));
    }
    return options.size ? { from: word.from, options: [...options.values()], validFor: /^\w*$/ } : null;
  };
}

/** Functions; the cursor ends between their brackets. */
function functions(known) {
  const options = known.map(([name, kind, parameters, description]) => ({
    label: name,
    type: "function",
    detail: `(${(parameters || []).map(visible).join(", ")})`,
    info: description ? visible(description) : undefined,
    boost: kind === "aggregate" ? -2 : -6,
    apply: call,
  }));
  return (context) => {
    const word = context.matchBefore(/\w+$/);
    if (!word || context.state.sliceDoc(word.from - 1, word.from) === ".") return null;
    return { from: word.from, options, validFor: /^\w*$/ };
  };
}

function call(view, { label }, from, to) {
  const open = view.state.sliceDoc(to, to + 1) === "(";
  view.dispatch({ changes: { from, to, insert: open ? label : `${label}()` }, selection: { anchor: from + label.length + 1 }, userEvent: "input.complete" });
}
