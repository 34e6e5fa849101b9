"""Which statements the SQL endpoint lets in, read from the text and from DuckDB's own parse tree.

Three things that DuckDB 2.0's own guards (see `query`) do not stop are stopped here:

- functions that act although a SELECT calls them: ``from checkpoint()`` runs a checkpoint in a
  read-only transaction and ``select sleep_ms(…)`` holds a thread;
- texts that keep the parser busy, which nobody can interrupt: a ``WITH`` six levels deep with a
  typing error in it costs 400 MB, eight levels 2 GB, five thousand open brackets half a minute;
- values that kill the process: a deeply nested document cast to VARIANT overflows the stack.

What a statement may cost is in `bounds`. Pure functions over tokens and trees; `query` asks DuckDB
for both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tellwhy_collector.bounds import check_bounds, words
from tellwhy_collector.errors import QueryRefused

MAX_SQL_BYTES = 64 * 1024
"""Longest statement. Values belong into parameters, which do not count."""

MAX_BRACKETS = 100
"""Deepest nesting of brackets of any kind."""

MAX_CTE_DEPTH = 4
"""Deepest ``as (… as (…))``: DuckDB 2.0's parser needs five times the memory for each level."""

FIRST_WORDS = words(
    "select with from values table explain describe desc show summarize pivot unpivot"
)
"""What a reading statement can start with, besides an opening bracket."""

TABLE_FUNCTIONS = words(
    "range generate_series unnest repeat repeat_row json_each json_tree summary "
    "duckdb_tables duckdb_views duckdb_columns duckdb_schemas duckdb_types duckdb_functions "
    "duckdb_constraints duckdb_indexes duckdb_keywords duckdb_sequences pragma_table_info "
    "pragma_show pragma_version pg_timezone_names icu_calendar_names test_all_types"
)
"""All that may stand in FROM. A list of the good ones: of the others some act (`checkpoint`,
`truncate_duckdb_logs`), some read memory addresses (`arrow_scan`), some hide SQL in a text
(`query`, `query_table`, `json_execute_serialized_sql`), some describe the machine
(`duckdb_settings`, `duckdb_databases`, `duckdb_secrets`)."""

VOLATILE_FUNCTIONS = words(
    "random uuid uuidv4 uuidv7 gen_random_uuid error current_query current_query_id "
    "current_connection_id current_transaction_id"
)
"""Those of the functions which DuckDB calls volatile that do no harm; the others are refused."""

REFUSED_FUNCTIONS = words(
    "current_setting json_serialize_plan json_execute_serialized_sql get_block_size "
    "cast_to_type replace_type remap_struct make_type variant_bytes_to_variant "
    "variant_to_parquet_variant nextval setval currval"
)
"""Not volatile to DuckDB, but they tell about the machine, run SQL in a text, or make VARIANTs."""

REFUSED_TABLES = words(
    "pg_settings duckdb_databases pragma_database_list duckdb_logs pg_prepared_statements"
)
"""System views that show settings or paths of the machine."""

READING_NODES = words("SELECT_NODE SET_OPERATION_NODE RECURSIVE_CTE_NODE CTE_NODE STATEMENT_NODE")
"""Parse tree nodes that read. INSERT, DELETE, COPY … inside a WITH have nodes of their own."""

_OPENING, _CLOSING = frozenset({b"(", b"[", b"{"}), frozenset({b")", b"]", b"}"})
_WORD = re.compile(rb"\w+")
_PATH = re.compile(r"[/\\]|^\w+:|\.(?:csv|tsv|txt|json|jsonl|ndjson|parquet|duckdb|db|gz|zst)$")
"""What DuckDB takes for a file when no table has this name."""

_EXPLAIN = re.compile(
    r"explain\b\s*(?:analy[sz]e\b\s*)?"
    r"(?:\(\s*(?:analyze|format\s+\w+)(?:\s*,\s*(?:analyze|format\s+\w+))*\s*\))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Functions:
    """What this DuckDB and this database offer, as far as admission has to know."""

    refused: frozenset[str]
    """Scalar functions and macros that act, tell about the machine or make VARIANTs."""
    ours: frozenset[str]
    """Table macros that our own database defines."""
    scalar: frozenset[str]
    """Functions of one row: neither aggregates nor macros, which may hold one."""


def functions(catalogue: Iterable[tuple[str, str, str | None, str | None, bool]]) -> Functions:
    """Sort out DuckDB's own list, so that a function of a newer DuckDB is refused until known.

    Args:
        catalogue: Name, type, stability, macro text and whether it is built in, one per overload.
    """
    rows = [(n.lower(), kind, stab, text or "", inner) for n, kind, stab, text, inner in catalogue]
    volatile = {n for n, kind, stab, _, _ in rows if kind == "scalar" and stab == "VOLATILE"}
    hidden = {n for n, *_ in rows if n.startswith("__internal")}
    refused = (volatile - VOLATILE_FUNCTIONS) | REFUSED_FUNCTIONS | hidden
    acts = re.compile(r"\b(?:" + "|".join(map(re.escape, sorted(refused))) + r")\(|AS VARIANT\b")
    refused |= {
        n for n, kind, _, text, inner in rows if kind == "macro" and inner and acts.search(text)
    }
    ours = {n for n, kind, _, _, inner in rows if kind == "table_macro" and not inner}
    others = {n for n, kind, *_ in rows if kind != "scalar"}
    return Functions(frozenset(refused), frozenset(ours), frozenset(n for n, *_ in rows) - others)


def check_text(sql: str, tokens: Sequence[tuple[int, str]]) -> tuple[str, str, int]:
    """The statement cut in two: its EXPLAIN part, or nothing, and the SELECT, without comments.

    Args:
        sql: The whole text.
        tokens: DuckDB's own: offset in bytes of UTF-8, and kind.

    Returns:
        EXPLAIN part, SELECT, and at which byte of *sql* the SELECT begins.

    Raises:
        QueryRefused: It is empty, too long, too deeply nested, several statements or no reading.
    """
    raw = bytearray(sql.encode())
    words = [(at, kind) for at, kind in tokens if kind != "comment"]
    if not words:
        raise QueryRefused("The statement is empty. Send one SELECT.")
    _check_brackets(raw, words)
    ends = [i for i, (at, kind) in enumerate(words) if kind == "operator" and raw[at] == ord(";")]
    if ends and any(i not in ends for i in range(ends[0], len(words))):
        raise QueryRefused("Send one statement at a time; a second one follows the semicolon.")
    for (at, kind), (end, _) in pairwise([*tokens, (len(raw), "end")]):
        if kind == "comment":
            raw[at:end] = b" " * (end - at)
    begin, last = words[0][0], words[ends[0]][0] if ends else len(raw)
    text = raw[begin:last].decode()
    explain = _EXPLAIN.match(text)
    head, rest = (explain.group(), text[explain.end() :]) if explain else ("", text)
    word = re.match(r"[\s(]*(\w*)", rest)
    first = word.group(1).lower() if word else ""
    if first not in FIRST_WORDS - {"explain"}:
        raise QueryRefused(
            f"Only SELECT and EXPLAIN of a SELECT are allowed; this {'explains' if head else 'is'} "
            f"{first.upper()[:40] or repr(rest[:20])}. The database is written by ingest alone."
        )
    return head, rest, begin + len(head)


def _check_brackets(raw: bytearray, words: Sequence[tuple[int, str]]) -> None:
    """Refuse what would keep the parser busy."""
    if len(raw) > MAX_SQL_BYTES:
        raise QueryRefused(
            f"The statement is {len(raw):,} bytes; the limit is {MAX_SQL_BYTES:,}. "
            'Move long lists and texts into "params".'
        )
    open_ctes: list[bool] = []
    before = b""
    for i, (at, kind) in enumerate(words):
        sign = bytes(raw[at : at + 1]) if kind == "operator" else b""
        if sign in _OPENING:
            open_ctes.append(before in {b"as", b"materialized"})
            if len(open_ctes) > MAX_BRACKETS or sum(open_ctes) > MAX_CTE_DEPTH:
                raise QueryRefused(
                    f"The statement nests deeper than {MAX_BRACKETS} brackets or {MAX_CTE_DEPTH} "
                    "WITH inside each other. Name the inner parts in one WITH, side by side."
                )
        elif sign in _CLOSING and open_ctes:
            open_ctes.pop()
        end = words[i + 1][0] if i + 1 < len(words) else len(raw)
        found = _WORD.match(raw, at, end)
        before = bytes(found.group()).lower() if found else b""
    if open_ctes:
        raise QueryRefused(f"{len(open_ctes)} bracket(s) are opened and never closed.")


def check_tree(tree: Mapping[str, Any], known: Functions, longest_param: int = 0) -> None:
    """Refuse a parsed SELECT that does more than read our tables, or may never stop.

    Args:
        tree: As DuckDB's ``json_serialize_sql`` gives it.
        known: What may be called.
        longest_param: Characters of the longest text among its parameters.

    Raises:
        QueryRefused: It calls what acts, writes in a WITH, makes a VARIANT or could outlive its
            interrupt; the message says so.
    """
    for node in _nodes(tree):
        kind = node.get("type")
        if isinstance(kind, str) and kind.endswith("_NODE") and kind not in READING_NODES:
            word = kind.removesuffix("_NODE").removesuffix("_QUERY").replace("_", " ")
            raise QueryRefused(f"Only reading is allowed; a part of this statement is {word}.")
        if node.get("class") == "TYPE" and str(node.get("type_name", "")).lower() == "variant":
            raise QueryRefused(
                "A cast to VARIANT is refused: a deeply nested value would crash the database. "
                "Cast to JSON instead."
            )
        if kind == "BASE_TABLE" and str(node.get("table_name", "")).lower() in REFUSED_TABLES:
            raise QueryRefused(
                f"{node['table_name']} describes the machine, not your runs; it is not readable here."
            )
        if kind == "BASE_TABLE" and _PATH.search(str(node.get("table_name", ""))):
            raise QueryRefused(
                f"{str(node['table_name'])[:100]!r} is a file; only our own tables can be read here."
            )
        _check_call(node, known)
    check_bounds(tree, longest_param)


def _nodes(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every object of the tree; a call in FROM is marked ``"in_from"``. No recursion: trees are deep."""
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            if node.get("type") == "TABLE_FUNCTION" and isinstance(node.get("function"), dict):
                node["function"]["in_from"] = True
            yield node
            waiting.extend(node.values())


def _check_call(node: Mapping[str, Any], known: Functions) -> None:
    """Refuse a call that acts."""
    name = str(node.get("function_name", "")).lower()
    if not name:
        return
    if node.get("in_from"):
        if name not in TABLE_FUNCTIONS and name not in known.ours:
            raise QueryRefused(
                f"{name}() is not allowed in FROM; our tables and views are (see /api/tables), and "
                "range, unnest, json_each, duckdb_columns and a few more."
            )
    elif name in known.refused:
        raise QueryRefused(
            f"{name}() is not allowed: it acts or tells about the machine instead of reading rows."
        )
