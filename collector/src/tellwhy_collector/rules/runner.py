"""Asks the rules of users about traces that were just looked at, and writes what they find.

In a thread of its own, through the fences of all readers: a rule that is slow or wrong costs its own
findings, is counted, and holds nobody up. What is due stands in the table ``unruled``.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import duckdb
import orjson

from tellwhy_collector.errors import (
    QueryBusy,
    QueryStopped,
    SettingsError,
    StoreUnavailable,
)
from tellwhy_collector.meters import Meters
from tellwhy_collector.query import Queries
from tellwhy_collector.reconstruct.edition import change, list_rules
from tellwhy_collector.rules.files import COLUMNS, UserRule, read_rules
from tellwhy_collector.store import Store, is_fatal
from tellwhy_collector.watch import Stop

AT_ONCE = 256
"""Traces that a rule is asked about in one statement."""

MOST_ROWS = 10_000
"""Findings of one rule about so many traces; more are left out."""

MOST_MESSAGE = 2000
"""Characters of a message."""

AGAIN_S = 1.0
"""Pause before what others kept from running is tried again. Seconds."""

_log = logging.getLogger(__name__)


class Runner:
    """The rules of users. Nothing runs when there are none."""

    def __init__(
        self,
        store: Store,
        queries: Queries,
        folder: str,
        on_fatal: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Read the rules; files that are none are logged.

        Raises:
            SettingsError: There is no such folder.
        """
        self._queries = queries
        self.read = read_rules(folder, self._columns)
        """The rules, and the files that are left out."""
        self.failed = 0
        """How often a rule could not be asked."""
        self.left_out = 0
        """Rows that name no step, or were too many."""
        self.written = 0
        """Findings."""
        self._on_fatal = on_fatal
        self._told: set[str] = set()
        self._due, self._ending, self._stop = threading.Event(), threading.Event(), Stop()
        self._thread = threading.Thread(target=self._run, name="tellwhy-rules", daemon=True)
        self._cursor = store.cursor()
        for broken in self.read.broken:
            _log.warning("Rule file %s is left out. %s", broken.file, broken.reason)
        self._bring_up_to_date()

    @property
    def rules(self) -> Sequence[UserRule]:
        """Those that are asked."""
        return self.read.rules

    def start(self) -> None:
        """Begin to work, with what a process that was killed may have left undone."""
        if self.rules:
            self._due.set()
            self._thread.start()

    def explained(self) -> None:
        """Traces were looked at and committed."""
        self._due.set()

    def stop(self) -> None:
        """End; what is due stays due for the next start."""
        self._ending.set()
        self._due.set()
        if self._thread.ident is not None:
            self._stop.now()
            self._thread.join()
        self._cursor.close()

    def watch(self, meters: Meters) -> None:
        """Let *meters* read the counts."""
        read = self.read
        add = meters.watch
        add("rules", "Rules of users that are asked.", lambda: len(read.rules))
        add("rules_broken", "Rule files that are left out.", lambda: len(read.broken))
        add("rules_failed", "Times a rule could not be asked.", lambda: self.failed, counts=True)
        add(
            "rules_left_out",
            "Rows of rules that name no step, or were too many.",
            lambda: self.left_out,
            counts=True,
        )
        add("rules_findings", "Findings of users' rules.", lambda: self.written, counts=True)

    def _columns(self, sql: str) -> Sequence[str]:
        """Of a rule's SELECT, after the fences let it in."""
        with suppress(QueryBusy):
            return self._queries.run(_about(sql, (), [""]), max_rows=1).columns
        raise SettingsError("Others keep the database busy. Start again")

    def _bring_up_to_date(self) -> None:
        """List the rules, and make all traces due when they have changed."""
        cursor, known = self._cursor, [rule.file for rule in self.rules]
        cursor.execute("BEGIN")
        list_rules(cursor, [(r.name, r.severity, r.about, r.file) for r in self.rules])
        if change(cursor, "rules", self.read.sha256):
            cursor.execute(
                "DELETE FROM findings WHERE made_by <> 'tellwhy'"
                " AND made_by NOT IN (SELECT unnest(?::varchar[]))",
                [known],
            )
            cursor.execute("DELETE FROM unruled")
            if known:
                cursor.execute(
                    "INSERT INTO unruled SELECT trace_id, min(start_ns), epoch_us(now())"
                    " FROM run_rows GROUP BY trace_id"
                )
        cursor.execute("COMMIT")

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                self._due.wait()
                self._due.clear()
                while not self._ending.is_set() and (due := self._next()):
                    self._go(due)
        except BaseException as error:  # noqa: BLE001 - told to the process, which ends
            if self._on_fatal is not None and not self._ending.is_set():
                self._on_fatal(error)

    def _next(self) -> list[tuple[str, int, int]]:
        return self._cursor.execute(_DUE, [AT_ONCE]).fetchall()

    def _go(self, due: list[tuple[str, int, int]]) -> None:
        traces = list(dict.fromkeys(trace_id for trace_id, _, _ in due))
        found: list[dict[str, Any]] = []
        for rule in self.rules:
            try:
                found += self._asked(rule, traces)
            except (QueryBusy, QueryStopped):
                self._ending.wait(AGAIN_S)
                return
            except StoreUnavailable:
                raise
            except Exception as error:
                if is_fatal(error):
                    raise
                self._fail(rule, error)
        self._write(due, traces, found)

    def _asked(self, rule: UserRule, traces: Sequence[str]) -> list[dict[str, Any]]:
        columns = (*COLUMNS, *(["decision_id"] if rule.decides else []))
        statement = _about(rule.sql, columns, traces)
        self._stop = Stop()
        if self._ending.is_set():
            raise QueryStopped("The collector stops.")
        answer = self._queries.run(statement, max_rows=MOST_ROWS, stop=self._stop)
        self.left_out += answer.truncated
        said = {"rule": rule.name, "severity": rule.severity, "made_by": rule.file}
        return [row | said for row in answer.table.to_pylist() if row["message"] is not None]

    def _fail(self, rule: UserRule, error: Exception) -> None:
        self.failed += 1
        if rule.file not in self._told:
            self._told.add(rule.file)
            _log.warning(
                "Rule %s failed; more of its failures are only counted: %s", rule.file, error
            )

    def _write(
        self,
        due: list[tuple[str, int, int]],
        traces: list[str],
        found: list[dict[str, Any]],
    ) -> None:
        since = min(start_ns for _, start_ns, _ in due)
        rows = [{name: _text(row.get(name)) for name in _GIVEN} for row in found]
        cursor = self._cursor
        try:
            cursor.execute("BEGIN")
            cursor.execute(_FORGET, [since, traces])
            given = [orjson.dumps(rows).decode(), _ROWS, since, traces]
            done = cursor.execute(_WRITE, given).fetchone()
            for trace_id, _, due_us in due:
                cursor.execute(
                    "DELETE FROM unruled WHERE trace_id = ? AND due_us = ?", [trace_id, due_us]
                )
            cursor.execute("COMMIT")
            self.written += done[0] if done else 0
            self.left_out += len(rows) - (done[0] if done else 0)
        except duckdb.Error as error:
            if is_fatal(error):
                raise
            # The explainer or retention changed these traces meanwhile: they are asked again.
            with suppress(duckdb.Error):
                cursor.execute("ROLLBACK")
            if not isinstance(error, duckdb.TransactionException):
                raise
            self._ending.wait(AGAIN_S)


def _about(sql: str, columns: Sequence[str], traces: Sequence[str]) -> str:
    """*sql*, asked about some traces alone; all it gives where no columns are named. Ids are hexadecimal; a quote is doubled all the same."""
    ids = ", ".join("'" + trace_id.replace("'", "''") + "'" for trace_id in traces)
    # As text: not every value of SQL has one in Python. The line break ends a comment that the file
    # may end with.
    given = ", ".join(f"rule.{name}::VARCHAR AS {name}" for name in columns) or "*"
    return f"SELECT {given} FROM (\n{_statement(sql)}\n) AS rule WHERE trace_id IN ({ids})"  # noqa: S608 - query has the fences


def _statement(sql: str) -> str:
    """*sql* without what stands behind its end: blanks, semicolons, comments."""
    end = 0
    for token in _TOKEN.finditer(sql):
        if token["idle"] is None:
            end = token.end()
    return sql[:end]


_TOKEN = re.compile(r"""'[^']*'|"[^"]*"|(?P<idle>--[^\n]*|/\*.*?\*/|[\s;]+)|.""", re.DOTALL)
"""A quotation, what says nothing, or one character."""


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return (value if isinstance(value, str) else str(value))[:MOST_MESSAGE]


_GIVEN = (*COLUMNS, "decision_id", "rule", "severity", "made_by")

_DUE = """
    SELECT trace_id, start_ns, due_us FROM unruled
    ORDER BY start_ns DESC, trace_id LIMIT ?
"""

_FORGET = """
    DELETE FROM findings
    WHERE start_ns >= ? AND trace_id IN (SELECT unnest(?::varchar[])) AND made_by <> 'tellwhy'
"""

_ROWS = "[{" + ", ".join(f'"{name}": "VARCHAR"' for name in _GIVEN) + "}]"

_WRITE = """
    INSERT INTO findings
        (trace_id, run_id, span_id, start_ns, decision_id, rule, severity, message, proof, made_by)
    SELECT r.trace_id, r.run_id, r.span_id, s.start_ns, r.decision_id, r.rule, r.severity,
        r.message, to_json([{'span_id': r.span_id}])::varchar, r.made_by
    FROM (SELECT unnest(from_json($1, $2), recursive := true)) r
    JOIN steps s ON s.trace_id = r.trace_id AND s.span_id = r.span_id AND s.run_id = r.run_id
    WHERE s.start_ns >= $3 AND s.trace_id IN (SELECT unnest($4::varchar[]))
        AND s.duplicate_of IS NULL
"""
