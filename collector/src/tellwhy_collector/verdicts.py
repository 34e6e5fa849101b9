"""What reviewers say of decisions and runs, into the table ``verdicts``: added, never changed.

A changed mind is a new row. Who may: `access`, the door "review".
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import orjson

from tellwhy_collector.access import MAX_NAME, Caller
from tellwhy_collector.disk import Disk
from tellwhy_collector.errors import NotFound, RequestError, StoreUnavailable
from tellwhy_collector.query import Queries
from tellwhy_collector.store import Store, is_fatal
from tellwhy_collector.watch import Stop

WORDS = ("right", "debatable", "wrong", "withdrawn")
"""What a verdict can be; withdrawn takes back the reviewer's own."""

KEYS = ("run_id", "decision_id", "verdict", "note", "reviewer")
"""What a body may hold."""

MAX_BODY_BYTES = 32 * 1024
"""Longest body: a note of `MAX_NOTE` characters, escaped."""

MAX_NOTE = 4000
"""Characters of a note."""

MAX_LABELS, MAX_LABEL = 20, 50
"""Labels that one note may hold, and characters of one."""

EXAMPLE = '{"run_id": "…", "decision_id": "…", "verdict": "wrong", "note": "…", "reviewer": "…"}'

_LABEL = re.compile(r"(?<![\w#])#(\w[\w-]*)")
_DECISION = """
    SELECT trace_id, agent_name, start_ns,
           decision_sha256(action, chosen, arguments, answer_text, outcome, outcome_result)
    FROM decisions WHERE run_id = ? AND decision_id = ? LIMIT 1
"""
_RUN = "SELECT trace_id, agent_name, start_ns, NULL FROM runs WHERE run_id = ? LIMIT 1"
_LAST = """
    SELECT verdict_id, time, verdict, note, labels FROM verdicts
    WHERE run_id = ? AND decision_id IS NOT DISTINCT FROM ? AND reviewer = ?
    ORDER BY time DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict that was understood."""

    run_id: str
    decision_id: str | None
    """None: of the whole run."""
    verdict: str
    note: str | None
    reviewer: str

    @property
    def labels(self) -> list[str]:
        """Words of the note that begin with ``#``, in small letters, each once."""
        found = (word[:MAX_LABEL].lower() for word in _LABEL.findall(self.note or ""))
        return list(dict.fromkeys(found))[:MAX_LABELS]


def read_verdict(body: bytes, who: Caller) -> Said:
    """What the body says.

    Args:
        body: JSON.
        who: The caller; the person it says it asks for goes before the name in the body.

    Raises:
        RequestError: It cannot be understood; the message says what to send.
    """
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(f"The body is not JSON: {error}. Send {EXAMPLE}.") from None
    if not isinstance(given, dict):
        raise RequestError(f"The body is not a JSON object. Send {EXAMPLE}.")
    unknown = [key for key in given if key not in KEYS]
    if unknown:
        raise RequestError(f"{unknown[0][:50]!r} is not known. A body holds {', '.join(KEYS)}.")
    run_id = _text(given, "run_id", 500)
    if run_id is None:
        raise RequestError(f'"run_id" is missing: of which run? Send {EXAMPLE}.')
    verdict = given.get("verdict")
    if verdict not in WORDS:
        raise RequestError(f'"verdict" is {str(verdict)[:50]!r}; it is one of {", ".join(WORDS)}.')
    reviewer = who.user.strip() or (_text(given, "reviewer", MAX_NAME) or "").strip()
    if not reviewer:
        raise RequestError(
            'Nobody knows who says this. Send "reviewer", or the header X-Tellwhy-User.'
        )
    return Said(
        run_id, _text(given, "decision_id", 500), verdict, _text(given, "note", MAX_NOTE), reviewer
    )


def _text(given: dict[str, Any], name: str, most: int) -> str | None:
    """A text without what could disturb a terminal; None when it is empty or not there."""
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise RequestError(f'"{name}" must be a text. Send {EXAMPLE}.')
    if len(value) > most:
        raise RequestError(f'"{name}" has {len(value):,} characters; the most is {most:,}.')
    lines = "\n\t" if name == "note" else ""
    return "".join(sign for sign in value if sign.isprintable() or sign in lines).strip() or None


class Verdicts:
    """Takes verdicts from any thread. Whoever is told of one can rely on it: it is committed."""

    def __init__(
        self,
        store: Store,
        queries: Queries,
        disk: Disk,
        on_fatal: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._store = store
        self._queries = queries
        self._disk = disk
        self._on_fatal = on_fatal
        self._lock = threading.Lock()

    def give(self, said: Said, who: Caller, stop: Stop | None = None) -> dict[str, Any]:
        """Store *said*, and give it back as it was stored. What stands already is not stored twice.

        Raises:
            NotFound: There is no such decision or run.
            RequestError: There is nothing to take back.
            DiskFull: The operator makes room.
            StoreUnavailable: It could not be committed. Try again.
        """
        self._disk.check()
        about = self._queries.read(lambda cursor: _about(cursor, said), stop)
        with self._lock:
            cursor = self._store.cursor()
            try:
                return _store(cursor, said, about, who)
            except duckdb.Error as error:
                if is_fatal(error) and self._on_fatal is not None:
                    self._on_fatal(error)
                reason = str(error).partition("\n")[0]
                raise StoreUnavailable(
                    f"The verdict could not be stored: {reason}. Send it again."
                ) from error
            finally:
                cursor.close()


def _about(cursor: duckdb.DuckDBPyConnection, said: Said) -> tuple[Any, ...]:
    """Trace, agent, start and digest of what is judged."""
    if said.decision_id is None:
        found = cursor.execute(_RUN, [said.run_id]).fetchone()
    else:
        found = cursor.execute(_DECISION, [said.run_id, said.decision_id]).fetchone()
    if found is None:
        which = f"no decision {said.decision_id} in run" if said.decision_id else "no run"
        raise NotFound(f"There is {which} {said.run_id}. Take both ids from the view decisions.")
    return found


def _store(
    cursor: duckdb.DuckDBPyConnection, said: Said, about: tuple[Any, ...], who: Caller
) -> dict[str, Any]:
    last = cursor.execute(_LAST, [said.run_id, said.decision_id, said.reviewer]).fetchone()
    if last is not None and (last[2], last[3]) == (said.verdict, said.note):
        return _shown(said, last[0], last[1])
    if said.verdict == "withdrawn" and (last is None or last[2] == "withdrawn"):
        raise RequestError(f"No verdict of {said.reviewer} stands here; nothing to take back.")
    newest = cursor.execute("SELECT max(time) FROM verdicts").fetchall()[0][0]
    now = datetime.now(UTC).replace(tzinfo=None)
    # The latest counts, also when the clock was set back or two came within a microsecond.
    now = max(now, newest + timedelta(microseconds=1)) if newest else now
    trace_id, agent_name, start_ns, digest = about
    verdict_id = secrets.token_hex(8)
    row = {
        "verdict_id": verdict_id,
        "time": now,
        "trace_id": trace_id,
        "run_id": said.run_id,
        "decision_id": said.decision_id,
        "agent_name": agent_name,
        "start_ns": start_ns,
        "reviewer": said.reviewer,
        "verdict": said.verdict,
        "note": said.note,
        "labels": said.labels,
        "decision_sha256": digest,
        "token": who.token,
        "program": who.program or None,
    }
    cursor.execute("BEGIN")
    try:
        columns = ", ".join(f"${name} AS {name}" for name in row)
        cursor.execute(f"INSERT INTO verdicts BY NAME SELECT {columns}", row)
        cursor.execute("COMMIT")
    except duckdb.Error:
        with suppress(duckdb.Error):
            cursor.execute("ROLLBACK")
        raise
    return _shown(said, verdict_id, now)


def _shown(said: Said, verdict_id: str, at: datetime) -> dict[str, Any]:
    return {
        "verdict_id": verdict_id,
        "time": f"{at:%Y-%m-%dT%H:%M:%S.%f}Z",
        "run_id": said.run_id,
        "decision_id": said.decision_id,
        "reviewer": said.reviewer,
        "verdict": said.verdict,
        "note": said.note,
        "labels": said.labels,
    }
