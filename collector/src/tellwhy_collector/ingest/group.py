"""One group of requests into the tables, in one transaction: all of it or nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from tellwhy_collector.ingest.columns import (
    BIGGEST,
    LOGS,
    METRIC_POINTS,
    SPANS,
    STEPS,
    Row,
    insertion,
    table,
)
from tellwhy_collector.ingest.ledger import Ledger
from tellwhy_collector.ingest.marks import ENDED_RANK
from tellwhy_collector.ingest.nouns import Batch, Item
from tellwhy_collector.ingest.processes import Processes
from tellwhy_collector.ingest.recent import Key, Recent, Seen, forget_open, stored
from tellwhy_collector.ingest.recordings import SCHEMAS
from tellwhy_collector.ingest.wholes import GoesOn, Wholes

WRONG_DATA = (
    duckdb.DataError,
    duckdb.IntegrityError,
    duckdb.InvalidInputException,
    pa.ArrowException,
    OverflowError,
    TypeError,
    ValueError,
)
"""Errors that the same record would meet again; all others are the database's trouble."""

_START, _END = SPANS.names.index("start_ns"), SPANS.names.index("end_ns")
_STEP_START, _STEP_END = STEPS.names.index("start_ns"), STEPS.names.index("end_ns")
_TARGETS = {
    "traces": ("spans", SPANS, insertion("spans", SPANS)),
    "logs": ("logs", LOGS, insertion("logs", LOGS)),
    "metrics": ("metric_points", METRIC_POINTS, insertion("metric_points", METRIC_POINTS)),
}
_INSERT_STEPS = insertion("steps", STEPS)
_INSERT_RECORDED = {
    name: f"INSERT INTO {name} BY NAME SELECT * FROM incoming"  # noqa: S608 - our own names
    for name in SCHEMAS
}


@dataclass(slots=True)
class Side:
    """What a group adds to, and takes from, the spans or the steps of log records."""

    seen: Seen = field(default_factory=Seen)
    gone: dict[Key, int] = field(default_factory=dict)
    """start_ns of stored rows without an end of their own that are replaced."""

    def is_new(self, recent: Recent, key: Key, start_ns: int, rank: int) -> bool:
        """Whether a span goes in; it makes a stored or waiting one of lower rank go."""
        seen = self.seen
        if key in seen.ended or recent.is_ended(key):
            return False
        stored = recent.open_span(key)
        known = seen.open.get(key) or stored
        if known is not None and rank <= known[1]:
            return False
        seen.open.pop(key, None)
        if rank >= ENDED_RANK:
            seen.ended[key] = None
        else:
            seen.open[key] = (start_ns, rank)
        if stored is not None:
            self.gone[key] = stored[0]
        return True


@dataclass(slots=True)
class Sifted:
    """What of a group is new."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    """By signal."""
    steps: list[Row] = field(default_factory=list)
    goes_on: dict[str, GoesOn] = field(default_factory=dict)
    """By span id, of the steps whose request was not told whole."""
    recorded: dict[str, list[Row]] = field(default_factory=dict)
    """By table."""
    duplicates: list[int] = field(default_factory=list)
    """For each batch."""
    spans: Side = field(default_factory=Side)
    log_steps: Side = field(default_factory=Side)

    def traces(self) -> dict[str, int]:
        """The traces whose steps change, with the earliest start of those that come."""
        starts: dict[str, int] = {}
        for row in self.steps:
            starts[row[0]] = min(row[_STEP_START], starts.get(row[0], BIGGEST))
        return starts


class Group:
    """Stores batches, and knows what is stored already. For the writing thread alone."""

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, recent_spans: int, ledger: Ledger
    ) -> None:
        self._cursor = cursor
        self.ledger = ledger
        self._spans = Recent("span", recent_spans)
        self._log_steps = Recent("log", recent_spans)
        self._processes = Processes()
        self._wholes = Wholes()
        for part in (self._spans, self._log_steps, ledger):
            part.load(cursor)

    def commit(self, batches: Sequence[Batch]) -> Sifted:
        """Store what is new in *batches*; when this returns, it is on disk.

        Raises:
            Exception: Nothing was stored, and nothing is remembered as stored.
        """
        now_ns = time.time_ns()
        received = datetime.fromtimestamp(now_ns / 1e9, UTC).replace(tzinfo=None)
        with self.transaction():
            sifted = self._sift(batches, now_ns)
            forget_open(self._cursor, sifted.spans.gone, "span")
            forget_open(self._cursor, sifted.log_steps.gone, "log")
            for signal, rows in sifted.rows.items():
                _, schema, statement = _TARGETS[signal]
                self._insert(rows, schema, statement, {"received": received})
            steps = self._wholes.complete(self._cursor, sifted.steps, sifted.goes_on)
            self._insert(steps, STEPS, _INSERT_STEPS, {})
            for name, rows in sifted.recorded.items():
                self._insert(rows, SCHEMAS[name], _INSERT_RECORDED[name], {})
            self._open(sifted.traces())
            processes = self._processes.take(self._cursor, batches, now_ns)
            self._processes.write(self._cursor, processes)
            self.ledger.write(self._cursor, batches, sifted.duplicates, received)
        self._spans.add(sifted.spans.seen, now_ns)
        self._log_steps.add(sifted.log_steps.seen, now_ns)
        self._processes.keep(processes)
        self.ledger.add(batches)
        return sifted

    @contextmanager
    def transaction(self, *, keep: bool = True) -> Iterator[None]:
        """Commit at the end when *keep*, else roll back; always roll back on an error."""
        self._cursor.execute("BEGIN")
        try:
            yield
            self._cursor.execute("COMMIT" if keep else "ROLLBACK")
        except BaseException:
            with suppress(duckdb.Error):
                self._cursor.execute("ROLLBACK")
            raise

    def _insert(
        self,
        rows: Sequence[Row],
        schema: pa.Schema,
        statement: str,
        parameters: Mapping[str, object],
    ) -> None:
        if not rows:
            return
        self._cursor.register("incoming", table(rows, schema))
        try:
            self._cursor.execute(statement, parameters)
        finally:
            self._cursor.unregister("incoming")

    def _open(self, traces: Mapping[str, int]) -> None:
        """Until these traces are settled, views compute what they say of them anew."""
        if traces:
            self._cursor.execute(
                "INSERT INTO open_traces SELECT unnest(?), unnest(?)",
                [list(traces), list(traces.values())],
            )

    def wrong_items(self, batch: Batch) -> list[tuple[Item, str]]:
        """The records of *batch* that no table takes, each with the database's words.

        A record whose step alone is at fault loses the step and is not listed.
        """
        wrong: list[tuple[Item, str]] = []
        waiting = [batch.items]
        while waiting:
            items = waiting.pop()
            error = self._try(batch, items, steps=True)
            if error is None:
                continue
            if len(items) > 1:
                middle = len(items) // 2
                waiting += [items[:middle], items[middle:]]
            elif self._try(batch, items, steps=False) is None:
                items[0].step = None
            else:
                wrong.append((items[0], str(error).splitlines()[0]))
        return wrong

    def _try(self, batch: Batch, items: Sequence[Item], *, steps: bool) -> Exception | None:
        """Insert and roll back; the error of data that does not fit, None when it does."""
        _, schema, statement = _TARGETS[batch.signal]
        received = {"received": datetime.now(UTC).replace(tzinfo=None)}
        try:
            with self.transaction(keep=False):
                self._insert([item.row for item in items], schema, statement, received)
                if steps:
                    rows = [item.step for item in items if item.step is not None]
                    self._insert(rows, STEPS, _INSERT_STEPS, {})
                for name, rows in _recorded(items).items():
                    self._insert(rows, SCHEMAS[name], _INSERT_RECORDED[name], {})
        except WRONG_DATA as error:
            return error
        return None

    def _sift(self, batches: Sequence[Batch], now_ns: int) -> Sifted:
        """Leave out what is stored already, and what is superseded inside the group."""
        sifted = Sifted()
        older = self._older(batches, now_ns)
        spans: dict[Key, Item] = {}
        log_steps: dict[Key, Row] = {}
        for batch in batches:
            repeated = 0
            for item in batch.items:
                row, step = item.row, item.step
                if batch.signal == "traces":
                    key = (row[0], row[1])
                    if key in older or not sifted.spans.is_new(
                        self._spans, key, row[_START], item.rank
                    ):
                        repeated += 1
                    else:
                        # An open span of the same group goes, and its place too: order matters.
                        spans.pop(key, None)
                        spans[key] = item
                    continue
                sifted.rows.setdefault(batch.signal, []).append(row)
                if step is not None:
                    key = (step[0], step[1])
                    rank = 0 if step[_STEP_END] is None else ENDED_RANK
                    if sifted.log_steps.is_new(self._log_steps, key, step[_STEP_START], rank):
                        log_steps[key] = step
            sifted.duplicates.append(repeated)
        if spans:
            sifted.rows["traces"] = [item.row for item in spans.values()]
            sifted.recorded = _recorded(spans.values())
            sifted.goes_on = {
                key[1]: item.goes_on for key, item in spans.items() if item.goes_on is not None
            }
        sifted.steps = [item.step for item in spans.values() if item.step is not None]
        sifted.steps += log_steps.values()
        return sifted

    def _older(self, batches: Sequence[Batch], now_ns: int) -> set[Key]:
        """Spans of the group that are stored with their own end, beyond what memory reaches."""
        asked = [
            (row[0], row[1], row[_START])
            for batch in batches
            if batch.signal == "traces"
            for row in (item.row for item in batch.items)
            if self._spans.may_be_older(row[_START], row[_END], now_ns)
        ]
        ended, lost = stored(self._cursor, asked)
        self._spans.remember(lost)
        return ended


def _recorded(items: Iterable[Item]) -> dict[str, list[Row]]:
    """What *items* bring along for replays, by table."""
    found: dict[str, list[Row]] = {}
    for item in items:
        for name, rows in (item.recorded.rows if item.recorded is not None else {}).items():
            found.setdefault(name, []).extend(rows)
    return found
