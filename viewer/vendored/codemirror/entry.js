/* What the SQL page uses of CodeMirror. Whatever is not named here is not in the bundle. */
export { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, ifNotIn } from "@codemirror/autocomplete";
export { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
export { keywordCompletionSource, schemaCompletionSource, sql, SQLDialect } from "@codemirror/lang-sql";
export { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
export { lintGutter, setDiagnostics } from "@codemirror/lint";
export { Compartment, EditorState } from "@codemirror/state";
export { drawSelection, EditorView, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
export { tags } from "@lezer/highlight";
