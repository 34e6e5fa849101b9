import orjson
import pytest

from tellwhy_collector import newest
from tellwhy_collector.query import Queries
from tellwhy_collector.settings import Settings

START = 1_767_225_600_000 * 1_000_000


def parsed(cursor, sql):
    return orjson.loads(cursor.execute("select json_serialize_sql(?)", [sql]).fetchone()[0])


@pytest.fixture
def filled(store):
    """300 settled runs of one decision and one failed tool call each, 1 s apart."""
    cursor = store.cursor()
    cursor.execute(
        f"""INSERT INTO run_rows BY NAME SELECT 'r' || i AS run_id, 'r' || i AS trace_id,
        make_timestamp(({START} + i * 1_000_000_000) // 1000) AS start_time, i % 7 AS errors,
        {START} + i * 1_000_000_000 AS start_ns, 'succeeded' AS status FROM range(300) t(i)"""
    )
    cursor.execute(
        """INSERT INTO decision_rows BY NAME SELECT 's:0' AS decision_id, run_id, trace_id,
        start_time, start_ns, 'answer' AS action FROM run_rows"""
    )
    cursor.execute(
        """INSERT INTO steps BY NAME SELECT run_id, trace_id, 's' AS span_id, 'span' AS source,
        'native' AS dialect, 'tool_call' AS kind, 'look' AS name, start_time, start_ns,
        'error' AS status, false AS inferred FROM run_rows"""
    )
    yield cursor
    cursor.close()


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        ("select * from runs order by start_ns desc limit 2", None),
        ("from decisions d order by d.start_time desc, span_id limit 1 offset 1", None),
        ("select left(name, 3) n from RUNS where errors > 0 order by start_ns desc limit 2", None),
        ("select run_id from failures order by start_time desc limit $1::bigint", [2]),
        ("select run_id from tool_calls order by start_time desc limit $n", {"n": 2}),
    ],
)
def test_the_newest_of_a_view_are_known_as_such(filled, sql, params):
    """Statements that order one view by start and take the first rows are told from others."""
    found = newest.wanted(parsed(filled, sql), {"left"}, params)
    assert found is not None
    assert (found.rows, found.skipped) in {(2, 0), (1, 1)}


@pytest.mark.parametrize(
    "sql",
    [
        "select * from runs order by start_ns limit 2",
        "select * from runs order by start_ns desc nulls first limit 2",
        "select * from runs order by errors desc limit 2",
        "select * from runs limit 2",
        "select * from runs order by start_ns desc",
        "select * from runs order by start_ns desc limit 2000",
        "select * from runs order by start_ns desc limit 50%",
        "select * from run_rows order by start_ns desc limit 2",
        "select * from main.runs order by start_ns desc limit 2",
        "select distinct agent_name from runs order by start_ns desc limit 2",
        "select max(start_ns) from runs order by start_ns desc limit 2",
        "select row_number() over () from runs order by start_ns desc limit 2",
        "select -errors as start_ns from runs order by start_ns desc limit 2",
        "select * from runs qualify row_number() over () < 3 order by start_ns desc limit 2",
        "select * from runs r join steps s using (run_id) order by r.start_ns desc limit 2",
        "select * from runs where run_id in (select run_id from runs) order by start_ns desc limit 2",
        "with runs as (from run_rows) select * from runs order by start_ns desc limit 2",
        "select * from runs union all select * from runs order by start_ns desc limit 2",
        "select start_ns from runs group by all order by start_ns desc limit 2",
        "select * from runs order by start_ns desc limit (select 2)",
        "select * from runs order by start_ns desc limit $1",
    ],
)
def test_whatever_looks_at_more_than_single_rows_runs_as_written(filled, sql):
    """A statement whose answer could depend on older rows is never shortened."""
    assert newest.wanted(parsed(filled, sql), {"left"}, []) is None


@pytest.mark.parametrize("view", ["runs", "decisions", "failures", "tool_calls"])
def test_only_the_newest_rows_are_seen(filled, view):
    """The shortened statement sees some rows and gives exactly what the whole one gives."""
    sql = f"select run_id, start_ns from {view} order by start_ns desc limit 2"
    short = newest.Newest(view, 1, 0).from_moment(filled, "select count(*) from " + view)
    assert 50 < filled.execute(short).fetchone()[0] < 120
    exact = filled.execute(sql).fetchall()
    found = newest.Newest(view, 1, 0).from_moment(filled, sql)
    assert filled.execute(found).fetchall() == exact
    assert [run for run, _ in exact] == ["r299", "r298"]


def test_a_filter_that_leaves_too_few_is_answered_from_all_rows(filled, store):
    """When the newest rows hold fewer than were asked for, older rows are looked at as well."""
    queries = Queries(store, Settings())
    sql = (
        "select run_id from runs where errors = $1 and start_ns < $2 order by start_ns desc limit 2"
    )
    answer = queries.run(sql, [3, START + 50 * 1_000_000_000])
    queries.close()
    assert answer.table["run_id"].to_pylist() == ["r45", "r38"]


def test_few_rows_need_no_moment(filled):
    """A small table is read as it is."""
    assert newest.Newest("runs", 2, 0).from_moment(filled, "select 1") is None
