import orjson
import pytest

from tellwhy_collector import one_trace
from tellwhy_collector.query import Queries
from tellwhy_collector.reconstruct.settle import settle
from tellwhy_collector.settings import Settings

TRACES = [letter * 32 for letter in "abc"]


@pytest.fixture
def settled(views):
    """Three traces at rest, each an agent, a model call that chose a tool, and the failed tool."""
    steps = [
        views.make(
            name,
            kind,
            start=place * 1000 + at,
            trace_id=trace,
            run_id=trace,
            parent_span_id=None if kind == "agent" else "root",
            status="error" if kind == "tool_call" else "ok",
            tool_call_id="c1" if kind == "tool_call" else None,
            chosen=[{"action": "tool_call", "name": "look", "tool_call_id": "c1"}]
            if kind == "model_call"
            else None,
        )
        for place, trace in enumerate(TRACES)
        for at, (name, kind) in enumerate(
            [("root", "agent"), ("ask", "model_call"), ("run", "tool_call")]
        )
    ]
    views.put(*steps)
    views.cursor.execute("BEGIN")
    settle(views.cursor, TRACES)
    views.cursor.execute("COMMIT")
    return views


def tree(cursor, sql):
    return orjson.loads(cursor.execute("select json_serialize_sql(?)", [sql]).fetchone()[0])


def narrow(cursor, sql, params=None):
    return one_trace.narrowed(cursor, tree(cursor, sql), sql, params)


@pytest.mark.parametrize("table", sorted(one_trace.TABLES))
def test_a_trace_at_rest_is_read_from_its_time_alone(settled, store, table):
    """Every table gives the same rows of a trace, and no row group of another time is read."""
    sql = f"select * from {table} where trace_id = $1 order by all"
    short = narrow(settled.cursor, sql, [TRACES[1]])
    assert "start_ns BETWEEN" in short
    exact = settled.cursor.execute(sql, [TRACES[1]]).fetchall()
    assert settled.cursor.execute(short, [TRACES[1]]).fetchall() == exact != []
    queries = Queries(store, Settings())
    assert queries.run(sql, [TRACES[1]]).table.num_rows == len(exact)
    queries.close()


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from steps where trace_id = '{}'",
        "select name from steps s where kind = 'agent' and '{}' = s.trace_id",
        "from STEPS where trace_id = '{}'::varchar limit 1",
    ],
)
def test_a_statement_about_one_trace_is_known_as_such(settled, sql):
    """However the trace is named, also where rows are counted."""
    assert narrow(settled.cursor, sql.format(TRACES[0])) is not None


@pytest.mark.parametrize(
    "sql",
    [
        "select * from steps where trace_id = '{}' or kind = 'agent'",
        "select * from steps where trace_id <> '{}'",
        "select * from steps where trace_id = 'unknown'",
        "select * from spans where trace_id = '{}'",
        "select run_id as trace_id from steps where trace_id = '{}'",
        "select * from steps s join steps t using (trace_id) where trace_id = '{}'",
        "select * from main.steps where trace_id = '{}'",
        "select (select count(*) from steps) from steps where trace_id = '{}'",
    ],
)
def test_any_other_statement_runs_as_written(settled, sql):
    """What may need rows of other times is left alone."""
    assert narrow(settled.cursor, sql.format(TRACES[0])) is None


def test_a_trace_that_has_changed_is_read_whole(settled):
    """Its late step may lie outside the time that was written down."""
    settled.add(settled.make("late", start=9000, trace_id=TRACES[0], run_id=TRACES[0]))
    assert narrow(settled.cursor, f"select * from steps where trace_id = '{TRACES[0]}'") is None


def test_names_that_the_time_hides_are_found_all_the_same(settled, store):
    """A statement that cannot be narrowed, because it names rowid, is answered from the table."""
    queries = Queries(store, Settings())
    answer = queries.run(f"select rowid from steps where trace_id = '{TRACES[2]}'")
    queries.close()
    assert answer.table.num_rows == 3
