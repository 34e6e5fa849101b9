"""Step 7 of 7. Runs one reading SQL statement inside all fences and gives its rows as Arrow.

No single fence holds; each line below was tried without the others (`test_query_attacks.py`):

1. `admission`: one statement, SELECT or EXPLAIN of one, no function that acts, nothing that keeps
   the parser busy.
2. DuckDB's own word for it: `extract_statements` finds one statement of type SELECT or EXPLAIN.
3. The statement runs in a READ ONLY transaction.
4. `store` opened the file with external access off and the configuration locked.
5. A watch on each query interrupts it at its limit of time or memory, or when its caller leaves.
6. What DuckDB does not end then, the end of the process does (`restart`).

The rows are collected up to their limits before anything is sent, so that a slow reader never
keeps a transaction open.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import duckdb
import orjson
import pyarrow as pa

from tellwhy_collector import admission, newest, one_trace, restart
from tellwhy_collector.errors import (
    QueryBusy,
    QueryError,
    QueryFailed,
    QueryRefused,
    QueryStopped,
    QueryTooLarge,
    QueryTooSlow,
    StoreUnavailable,
)
from tellwhy_collector.settings import Settings
from tellwhy_collector.store import Store, is_fatal
from tellwhy_collector.watch import OnGivenUp, Stop, Watch

T = TypeVar("T")

Params = Sequence[Any] | Mapping[str, Any] | None
"""Values for ``?`` by place or for ``$name`` by name."""

BATCH_ROWS = 2048
"""DuckDB's own vector; a batch cannot be smaller than what it makes at once."""

_OUT = re.compile(r"Out of Memory Error|bad allocation|bad_alloc")
_AS_TEXT = re.compile(r"^(?:UHUGEINT|BIGNUM|BIT|INTERVAL|GEOMETRY|TIME WITH TIME ZONE)\b|^UNION\(")
_AS_JSON = re.compile(r"\b(?:VARIANT|UHUGEINT|BIGNUM|BIT|INTERVAL|GEOMETRY|UNION|TIME WITH)\b")


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of one query, as Arrow."""

    columns: list[str]
    """Names as DuckDB gives them; they may repeat."""
    types: list[str]
    """DuckDB's names of the types, before anything was cast for transport."""
    table: pa.Table
    """TIMESTAMP is UTC. What Arrow cannot carry is text (INTERVAL, BIT …) or JSON (VARIANT)."""
    truncated: bool
    """Whether rows are missing because of a limit on rows or bytes."""
    elapsed_ms: float


class Queries:
    """The one door for SQL from outside. Safe to use from many threads; close it before the store."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        on_given_up: OnGivenUp | None = None,
        refused: Collection[str] = (),
    ) -> None:
        """Wire the parts.

        Args:
            store: The open database.
            settings: The limits.
            on_given_up: Called when a query neither ends nor can be ended.
            refused: Fingerprints of statements that made the collector start again.
        """
        self._store = store
        self._settings = settings
        self._refused = frozenset(refused)
        self._slots = threading.BoundedSemaphore(settings.max_queries)
        self._watch = Watch(settings, self._cached_bytes, on_given_up)
        self._functions: admission.Functions | None = None

    @property
    def running(self) -> list[Stop]:
        """What runs now."""
        return self._watch.running

    @property
    def overdue(self) -> list[Stop]:
        """What was stopped and runs all the same."""
        return self._watch.overdue

    @property
    def trouble(self) -> str | None:
        """Why nobody can ask; None when somebody can."""
        places = self._settings.max_queries
        if len(self.overdue) < places:
            return None
        return (
            f"All {places} places for SQL are held by queries that were stopped and do not end. The "
            "log names those that made it necessary to start again (TELLWHY_STUCK_QUERY_S)."
        )

    def run(
        self,
        sql: str,
        params: Params = None,
        *,
        max_rows: int | None = None,
        stop: Stop | None = None,
    ) -> Answer:
        """The rows of one SELECT or EXPLAIN.

        Args:
            sql: One statement.
            params: Values for its placeholders.
            max_rows: Most rows wanted; ``settings.max_query_rows`` when not given.
            stop: Lets the caller end the query.

        Raises:
            QueryError: It was refused, wrong, too slow or too large; the caller mends the query.
            QueryBusy: Others are running. Try again.
            StoreUnavailable: The database gave up; the collector is about to end.
        """
        wanted = self._settings.max_query_rows if max_rows is None else max_rows
        rows = min(wanted, self._settings.max_query_rows_asked)
        started = time.monotonic()
        ends = stop or Stop()
        ends.about = sql
        if self._refused and restart.fingerprint(sql) in self._refused:
            raise QueryRefused(
                "This statement did not stop at its limits, and the collector had to start again "
                "because of it. Ask for less, in other words."
            )
        with self._slot():
            try:
                with self._cursor(ends) as cursor:
                    return self._answer(cursor, sql, params, rows, started)
            # What happens while rows stream comes out of Arrow, an interrupt as OSError.
            except (duckdb.Error, pa.ArrowException, OSError, MemoryError) as error:
                raise self._explained(error, ends) from error

    def read(self, act: Callable[[duckdb.DuckDBPyConnection], T], stop: Stop | None = None) -> T:
        """What *act* makes of one moment of the database, behind the same limits as a statement.

        Args:
            act: Our own code; what it asks is not looked at again.
            stop: Lets the caller end it.

        Raises:
            QueryError: It was too slow or too large.
            QueryBusy: Others are running. Try again.
            StoreUnavailable: The database gave up; the collector is about to end.
        """
        ends = stop or Stop()
        with self._slot():
            try:
                with self._cursor(ends) as cursor:
                    return act(cursor)
            except (duckdb.Error, MemoryError) as error:
                raise self._explained(error, ends) from error

    def close(self) -> None:
        """Stop what runs and let nothing new in."""
        self._watch.close()

    @contextlib.contextmanager
    def _slot(self) -> Iterator[None]:
        """One of the ``max_queries`` places."""
        wait_s = self._settings.max_query_wait_s
        if not self._slots.acquire(timeout=wait_s):
            raise QueryBusy(
                f"{self._settings.max_queries} queries are running and none ended within "
                f"{wait_s:g} s. Try again, or raise TELLWHY_MAX_QUERIES."
            )
        try:
            yield
        finally:
            self._slots.release()

    @contextlib.contextmanager
    def _cursor(self, stop: Stop) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of its own in a READ ONLY transaction, under watch."""
        cursor = self._store.reader()
        try:
            self._watch.begin(stop, cursor)
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            yield cursor
        finally:
            self._watch.end(stop)
            # A late interrupt may still be pending inside; closing the connection drops it.
            with contextlib.suppress(duckdb.Error):
                cursor.execute("ROLLBACK")
            cursor.close()

    def _cached_bytes(self) -> int:
        """Pages of tables that DuckDB keeps; they are nobody's query's, it gives them back."""
        try:
            cursor = self._store.reader()
        except duckdb.Error:
            return 0
        try:
            (found,) = cursor.execute(
                "select sum(memory_usage_bytes) from duckdb_memory() where tag = 'BASE_TABLE'"
            ).fetchall()
            return int(found[0] or 0)
        except duckdb.Error:  # no memory left to ask with: then the query has it
            return 0
        finally:
            cursor.close()

    def _answer(
        self, cursor: duckdb.DuckDBPyConnection, sql: str, params: Params, rows: int, began: float
    ) -> Answer:
        statement, tree = self._admit(cursor, sql, params)
        if tree is None:
            return self._rows(cursor, statement, params, rows, began)
        wanted = newest.wanted(tree, self._known(cursor).scalar, params)
        # What was put before the statement may hide a name from it, e.g. rowid.
        with contextlib.suppress(duckdb.BinderException):
            if narrow := one_trace.narrowed(cursor, tree, statement, params):
                return self._rows(cursor, narrow, params, rows, began)
            short = wanted.from_moment(cursor, statement) if wanted else None
            if wanted and short and wanted.rows <= rows:
                answer = self._rows(cursor, short, params, rows, began)
                if answer.truncated or answer.table.num_rows == wanted.rows:
                    return answer
        return self._rows(cursor, statement, params, rows, began)

    def _rows(
        self, cursor: duckdb.DuckDBPyConnection, sql: str, params: Params, rows: int, began: float
    ) -> Answer:
        relation = cursor.sql(sql, params=params or None)
        columns = list(relation.columns)
        types = [str(item).strip('"') for item in relation.types]
        if any(_AS_TEXT.search(kind) or _AS_JSON.search(kind) for kind in types):
            relation = relation.project(", ".join(map(_carried, range(len(types)), columns, types)))
        reader = relation.to_arrow_reader(BATCH_ROWS)
        batches, truncated = self._collect(reader, rows)
        table = pa.Table.from_batches(batches, reader.schema)
        elapsed = (time.monotonic() - began) * 1000
        return Answer(columns, types, table, truncated, round(elapsed, 3))

    def _admit(
        self, cursor: duckdb.DuckDBPyConnection, sql: str, params: Params
    ) -> tuple[str, Mapping[str, Any] | None]:
        """*sql* as it may run and, unless it is an EXPLAIN, its parse tree; or QueryRefused."""
        if "\0" in sql:
            raise QueryRefused("The statement holds a NUL character. Remove it.")
        tokens = [(at, kind.name) for at, kind in duckdb.tokenize(sql)]
        head, statement, begin = admission.check_text(sql, tokens)
        # Parsed inside a query because duckdb.extract_statements() keeps Python's lock meanwhile.
        # fetchall: a result that is not read to its end keeps the cursor from doing anything else.
        (found,) = cursor.execute("select json_serialize_sql(?)", [statement]).fetchall()
        try:
            tree = orjson.loads(found[0])
        except orjson.JSONDecodeError:
            raise QueryRefused(
                "The expression is nested too deeply. Use IN, a list or a parameter instead."
            ) from None
        if tree.get("error"):
            raise _unparsed(tree, sql, begin)
        admission.check_tree(tree, self._known(cursor), _longest(params))
        text = head + statement
        statements = duckdb.extract_statements(text)
        reading = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
        if len(statements) != 1 or statements[0].type not in reading:
            kinds = ", ".join(item.type.name for item in statements)
            raise QueryRefused(
                f"Only one SELECT or EXPLAIN is allowed; this is {kinds or 'empty'}."
            )
        return text, None if head else tree

    def _known(self, cursor: duckdb.DuckDBPyConnection) -> admission.Functions:
        if self._functions is None:
            rows = cursor.execute(
                "select function_name, function_type, stability, macro_definition, internal "
                "from duckdb_functions()"
            ).fetchall()
            self._functions = admission.functions(rows)
        return self._functions

    def _collect(
        self, reader: pa.RecordBatchReader, rows: int
    ) -> tuple[list[pa.RecordBatch], bool]:
        """Batches up to the limits, and whether more was there."""
        kept: list[pa.RecordBatch] = []
        room = self._settings.max_answer_bytes
        for batch in reader:
            part = batch.slice(0, rows)
            while part.nbytes > room and part.num_rows > 1:
                part = part.slice(0, part.num_rows // 2)
            if part.nbytes > room and not kept and part.num_rows:
                raise QueryTooLarge(
                    f"The first row alone is {part.nbytes:,} bytes; the limit of an answer is "
                    f"{room:,}. Select fewer columns, or cut them with left(column, 1000)."
                )
            fits = part.nbytes <= room
            if part.num_rows and fits:
                kept.append(part)
                rows, room = rows - part.num_rows, room - part.nbytes
            if part.num_rows < batch.num_rows or not fits:
                return kept, True
        return kept, False

    def _explained(self, error: BaseException, stop: Stop) -> Exception:
        """*error* as the caller shall see it."""
        if is_fatal(error):
            return StoreUnavailable(f"The database gave up: {first_line(error)}. Restart tellwhy.")
        if stop.reason == "time":
            return QueryTooSlow(
                f"Stopped after {self._settings.max_query_s:g} s. Ask for less, for example with "
                "where start_time > now() - interval 1 day, or raise TELLWHY_MAX_QUERY_S."
            )
        if stop.reason == "memory" or isinstance(error, MemoryError) or _OUT.search(str(error)):
            return QueryTooLarge(
                f"Stopped: the query needs more memory than {self._settings.query_memory}. Select "
                "fewer rows or columns, or raise TELLWHY_QUERY_MEMORY and TELLWHY_DATABASE_MEMORY."
            )
        if stop.reason == "gone":
            return QueryStopped("Stopped: nobody waits for the answer any more.")
        return self._failed(str(error))

    def _failed(self, text: str) -> QueryError:
        if re.match(r"(?:Permission|Transaction(?:Context)?) Error", text):
            return QueryRefused(f"{text.splitlines()[0]}. Only our own tables can be read here.")
        if "Catalog Error: Table with name" in text:
            names = ", ".join(item["name"] for item in self._store.schema())
            text = f"{text.rstrip()}\nTables and views: {names}."
        return QueryFailed(text)


def _longest(params: Params) -> int:
    """Characters of the longest text among *params*."""
    values = params.values() if isinstance(params, Mapping) else params or ()
    return max((len(value) for value in values if isinstance(value, str)), default=0)


def _carried(at: int, name: str, kind: str) -> str:
    """The expression that gives column *at* in a form that Arrow can carry."""
    quoted = '"' + name.replace('"', '""') + '"'
    if kind == "VARIANT":
        return f"CAST(#{at + 1} AS JSON) AS {quoted}"
    if _AS_TEXT.search(kind) and not kind.endswith("]"):
        return f"CAST(#{at + 1} AS VARCHAR) AS {quoted}"
    if _AS_JSON.search(kind) and not kind.startswith("ENUM"):
        return f"to_json(#{at + 1}) AS {quoted}"
    return f"#{at + 1} AS {quoted}"


def _unparsed(tree: Mapping[str, Any], sql: str, skipped: int) -> QueryError:
    """The parser's complaint with the line and a caret below the place."""
    message = str(tree.get("error_message", "cannot be read"))
    if message.startswith("Only SELECT"):
        hint = " PIVOT needs its values: on name in ('a', 'b')." if "pivot" in sql.lower() else ""
        return QueryRefused(f"Only SELECT and EXPLAIN of a SELECT are allowed.{hint}")
    place = tree.get("position")
    if place is None:
        return QueryFailed(f"Parser Error: {message}")
    before = sql.encode()[: skipped + int(place)].decode(errors="ignore")
    number = before.count("\n")
    column = len(before) - (before.rfind("\n") + 1)
    line = sql.split("\n")[number] if number < sql.count("\n") + 1 else ""
    cut = max(column - 60, 0)
    shown = f"LINE {number + 1}: {'…' if cut else ''}"
    caret = " " * (len(shown) + column - cut) + "^"
    return QueryFailed(f"Parser Error: {message}\n\n{shown}{line[cut : column + 60]}\n{caret}")


def first_line(error: BaseException) -> str:
    """The first line of an error, without its full stop."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
