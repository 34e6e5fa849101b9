import pytest

from tellwhy_collector.ingest.columns import STEPS, insertion, step_row, table
from tellwhy_collector.records import Step

TRACE = "a" * 32
MS = 1_000_000


def make(span_id, kind="model_call", start=0, end=10, **fields):
    """A step; times in milliseconds after 2026."""
    base = 1_767_225_600_000 * MS
    common = {
        "trace_id": TRACE,
        "span_id": span_id,
        "parent_span_id": "root",
        "run_id": TRACE,
        "source": "span",
        "dialect": "native",
        "kind": kind,
        "name": kind,
        "start_ns": base + start * MS,
        "end_ns": None if end is None else base + end * MS,
        "status": "ok" if end is not None else "pending",
    }
    return Step(**(common | fields))


class Views:
    """Steps in, rows of a view out."""

    make = staticmethod(make)

    def __init__(self, cursor):
        self.cursor = cursor

    def put(self, *steps, duplicates=()):
        """Replace all steps by these."""
        for table_ in ("steps", "step_duplicates", "open_traces"):
            self.cursor.execute(f"DELETE FROM {table_}")
        self.add(*steps)
        for duplicate in duplicates:
            self.cursor.execute("INSERT INTO step_duplicates VALUES (?, ?, ?, ?)", duplicate)
        self.cursor.execute(
            "UPDATE steps SET duplicate_of = d.kept_span_id FROM step_duplicates d "
            "WHERE steps.trace_id = d.trace_id AND steps.span_id = d.span_id"
        )

    def add(self, *steps):
        """These steps beside what is there."""
        if steps:
            self.cursor.register("incoming", table([step_row(s) for s in steps], STEPS))
            self.cursor.execute(insertion("steps", STEPS))
            self.cursor.unregister("incoming")
            self.cursor.execute("INSERT INTO open_traces SELECT trace_id, start_ns FROM steps")

    def rows(self, view, *columns, order="start_ns"):
        """Tuples of *columns*."""
        return self.cursor.execute(
            f"SELECT {', '.join(columns)} FROM {view} ORDER BY {order}"
        ).fetchall()

    def one(self, view, *columns):
        """The only row as a tuple."""
        (row,) = self.rows(view, *columns, order="1")
        return row


@pytest.fixture
def views(store):
    """An empty database with its views."""
    cursor = store.cursor()
    yield Views(cursor)
    cursor.close()
