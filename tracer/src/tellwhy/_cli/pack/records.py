"""The records of one run, each with the SHA-256 of its canonical text, and one seal over all of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tellwhy._cli.asking import Asking, Silent, get, records

MAX_ROWS = 100_000
"""Most rows of one table; a run with more is refused rather than cut."""

Record = dict[str, Any]


class Table(NamedTuple):
    """One table or view of the collector, as far as it tells of one run."""

    name: str
    key: tuple[str, ...]
    """Columns that name a record."""
    sql: str


def _of(name: str, *key: str, order: str, leave: str = "", where: str = "") -> Table:
    columns = f"* EXCLUDE ({leave})" if leave else "*"
    also = f" AND {where}" if where else ""
    return Table(
        name,
        key,
        f"SELECT {columns} FROM {name} WHERE run_id = ?{also} ORDER BY {order}",  # noqa: S608 -- our own words
    )


TABLES = (
    _of("runs", "run_id", order="run_id", leave="last_seen"),
    _of("decisions", "decision_id", order="start_ns, decided_ns, span_id, choice_index"),
    _of(
        "evidence", "decision_id", "argument", "rank", order="start_ns, decision_id, argument, rank"
    ),
    _of("approvals", "span_id", order="start_ns, span_id"),
    _of("effects_without_approval", "span_id", order="start_ns, span_id"),
    _of("findings", "span_id", "rule", order="start_ns, span_id, rule, message"),
    _of("suspects", "rank", order="rank"),
    _of("proofs", "proof_id", order="time, proof_id"),
    _of("causes", "proof_id", "place", "change", order="proof_id, place, change"),
    _of("verdicts", "verdict_id", order="time, verdict_id"),
    _of("steps", "span_id", order="start_ns, span_id", where="duplicate_of IS NULL"),
)
"""What a pack holds, in this order; a table that the collector does not have is left out."""


def gathered(asker: Asking, run_id: str) -> dict[str, list[Record]]:
    """Give every record of the run, by table.

    Raises:
        Silent: there is no such run, or no answer; says why.
    """
    there = {table["name"] for table in get(asker, "/api/tables")["tables"]}
    found = {
        table.name: records(asker, table.sql, [run_id], max_rows=MAX_ROWS)
        for table in TABLES
        if table.name in there
    }
    if not found.get("runs"):
        raise Silent(f"there is no run {run_id}", "Take its id from the viewer or from `runs`.")
    return found


def canonical(record: Mapping[str, Any]) -> str:
    """Give the text that is hashed: JSON, names sorted, no spaces, characters as they are."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(text: str) -> str:
    """Give the SHA-256 of *text* in UTF-8, hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def manifest(held: Mapping[str, Sequence[Record]]) -> list[tuple[str, str, str]]:
    """Give table, name and hash of every record; records of one name are numbered."""
    lines: list[tuple[str, str, str]] = []
    keys = {table.name: table.key for table in TABLES}
    for name, rows in held.items():
        seen: dict[str, int] = {}
        for row in rows:
            called = " ".join(str(row.get(part)) for part in keys.get(name, ()))
            seen[called] = seen.get(called, 0) + 1
            named = called if seen[called] == 1 else f"{called} #{seen[called]}"
            lines.append((name, named, digest(canonical(row))))
    return lines


def seal(lines: Sequence[tuple[str, str, str]], about: Mapping[str, Any]) -> str:
    """Give one hash over all *lines* and what the pack says about itself."""
    return digest(canonical(about) + "\n" + "\n".join("\t".join(line) for line in lines))
