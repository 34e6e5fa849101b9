"""What tests of decisions have shown, into the tables ``proofs``, ``causes`` and ``proof_calls``.

Rows are added, never changed. Who may: `access`, the door "review", which agents do not have: a tested
cause is something that people rely on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import duckdb
import orjson

from tellwhy_collector.access import Caller
from tellwhy_collector.disk import Disk
from tellwhy_collector.errors import NotFound, RequestError, StoreUnavailable
from tellwhy_collector.store import Store, is_fatal

MAX_BODY_BYTES = 4 * 1024 * 1024
"""Longest body."""

MAX_ROWS = 5_000
"""Rows of one table in one body."""

MAX_TEXT = 20_000
"""Characters of one text."""

KEYS = ("run_id", "span_id", "proof_id", "proof", "causes", "calls")
"""What a body may hold."""

_TEXT, _WHOLE, _REAL, _BOOL = (str,), (int,), (int, float), (bool,)
_MAYBE = type(None)

PROOF: dict[str, tuple[type, ...]] = {
    "decision_id": _TEXT, "model": _TEXT, "asked_at": _TEXT, "wire": _TEXT, "same_means": _TEXT,
    "method": _TEXT, "result": _TEXT, "reason": (*_TEXT, _MAYBE), "control_same": _WHOLE,
    "control_n": _WHOLE, "items": _WHOLE, "hypotheses": _WHOLE, "redactions": _WHOLE,
    "calls": _WHOLE, "cached_calls": _WHOLE, "input_tokens": _WHOLE, "output_tokens": _WHOLE,
    "cost_usd": (*_REAL, _MAYBE), "price_version": (*_TEXT, _MAYBE),
}  # fmt: skip
CAUSE: dict[str, tuple[type, ...]] = {
    "decision_id": _TEXT, "place": _WHOLE, "what": _TEXT, "kind": _TEXT, "label": _TEXT,
    "paths": _TEXT, "change": _TEXT, "verdict": _TEXT, "flips": _BOOL, "same": _WHOLE, "n": _WHOLE,
    "control_same": _WHOLE, "control_n": _WHOLE, "rate_change": (*_REAL, _MAYBE),
    "rate_change_low": (*_REAL, _MAYBE), "rate_change_high": (*_REAL, _MAYBE), "e_value": _REAL,
    "p_adjusted": _REAL,
}  # fmt: skip
CALL: dict[str, tuple[type, ...]] = {
    "request_sha256": _TEXT, "stage": _WHOLE, "paths": _TEXT, "status": _WHOLE,
    "choices": (*_TEXT, _MAYBE), "error": (*_TEXT, _MAYBE), "input_tokens": _WHOLE,
    "output_tokens": _WHOLE, "cost_usd": (*_REAL, _MAYBE), "duration_ms": _REAL,
}  # fmt: skip
"""Column -> types of its value, of what a body says; the rest is known here."""

_CALL_OF_RUN = "SELECT trace_id, start_ns FROM steps WHERE run_id = ? AND span_id = ? LIMIT 1"

Row = dict[str, Any]
Rows = dict[str, list[Row]]


def read_rows(body: bytes) -> tuple[str, str, Rows]:
    """Run, model call, and the rows of each table that a body has.

    Raises:
        RequestError: It cannot be understood; the message says what to send.
    """
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(f"The body is not JSON: {error}. `tellwhy prove` sends it.") from None
    if not isinstance(given, dict):
        raise RequestError("The body is not a JSON object. `tellwhy prove` sends it.")
    unknown = [key for key in given if key not in KEYS]
    if unknown:
        raise RequestError(f"{unknown[0][:50]!r} is not known. A body holds {', '.join(KEYS)}.")
    names = {name: given.get(name) for name in ("run_id", "span_id", "proof_id")}
    for name, value in names.items():
        if not isinstance(value, str) or not 0 < len(value) <= 500:
            raise RequestError(f'"{name}" must be a text of at most 500 characters.')
    proof = given.get("proof")
    lists = {
        "proofs": ([] if proof is None else [proof], PROOF),
        "causes": (given.get("causes", []), CAUSE),
        "proof_calls": (given.get("calls", []), CALL),
    }
    rows: Rows = {}
    for table, (found, columns) in lists.items():
        if not isinstance(found, list) or len(found) > MAX_ROWS:
            raise RequestError(f"Rows of {table} are no list of at most {MAX_ROWS:,}.")
        rows[table] = [
            {"proof_id": names["proof_id"], **_row(table, each, columns)} for each in found
        ]
    return str(names["run_id"]), str(names["span_id"]), rows


def _row(table: str, given: Any, columns: dict[str, tuple[type, ...]]) -> Row:
    if not isinstance(given, dict) or given.keys() != columns.keys():
        raise RequestError(f"A row of {table} has the fields {', '.join(columns)}, and no others.")
    for name, types in columns.items():
        value = given[name]
        # A bool is an int to Python, and infinity no JSON.
        if type(value) not in types or (isinstance(value, str) and len(value) > MAX_TEXT):
            raise RequestError(f'"{name}" of {table} has no value of its type.')
    return given


class Causes:
    """Takes rows from any thread; whoever is told of them can rely on it: they are committed."""

    def __init__(
        self, store: Store, disk: Disk, on_fatal: Callable[[BaseException], None] | None = None
    ) -> None:
        self._store = store
        self._disk = disk
        self._on_fatal = on_fatal
        self._lock = threading.Lock()

    def add(self, run_id: str, span_id: str, rows: Rows, who: Caller) -> int:
        """Store *rows*; gives how many.

        Raises:
            NotFound: There is no such model call in that run.
            DiskFull: The operator makes room.
            StoreUnavailable: They could not be committed. Try again.
        """
        self._disk.check()
        with self._lock:
            cursor = self._store.cursor()
            try:
                found = cursor.execute(_CALL_OF_RUN, [run_id, span_id]).fetchone()
                if found is None:
                    raise NotFound(
                        f"There is no step {span_id} in run {run_id}. Take both from decisions."
                    )
                known = {
                    "run_id": run_id,
                    "span_id": span_id,
                    "trace_id": found[0],
                    "start_ns": found[1],
                }
                return _insert(cursor, known, rows, who)
            except duckdb.Error as error:
                if is_fatal(error) and self._on_fatal is not None:
                    self._on_fatal(error)
                reason = str(error).partition("\n")[0]
                raise StoreUnavailable(
                    f"The test could not be stored: {reason}. Send it again."
                ) from error
            finally:
                cursor.close()


def _insert(cursor: duckdb.DuckDBPyConnection, known: Row, rows: Rows, who: Caller) -> int:
    now = {"time": datetime.now(UTC).replace(tzinfo=None)}
    more: dict[str, Row] = {
        "proofs": now | {"user_name": who.user or None, "token": who.token},
        "causes": {},
        "proof_calls": now,
    }
    cursor.execute("BEGIN")
    try:
        for table, found in rows.items():
            for row in found:
                whole = known | more[table] | row
                columns = ", ".join(f"${name} AS {name}" for name in whole)
                cursor.execute(f"INSERT INTO {table} BY NAME SELECT {columns}", whole)
        cursor.execute("COMMIT")
    except duckdb.Error:
        with suppress(duckdb.Error):
            cursor.execute("ROLLBACK")
        raise
    return sum(map(len, rows.values()))
