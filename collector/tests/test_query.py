import threading
import time
from dataclasses import replace

import pytest

from tellwhy_collector import store as stores
from tellwhy_collector.errors import (
    QueryBusy,
    QueryFailed,
    QueryRefused,
    QueryStopped,
    QueryTooLarge,
    SettingsError,
)
from tellwhy_collector.query import Queries
from tellwhy_collector.settings import Settings
from tellwhy_collector.watch import Stop, byte_count

ENDLESS = "select count(*) from range(1000000) a, range(1000000) b where hash(a.range, b.range) = 1"


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return Settings(
        database=tmp_path_factory.mktemp("query") / "t.duckdb",
        max_queries=2,
        max_query_wait_s=0.1,
        max_query_rows=100,
        max_query_rows_asked=1000,
        max_answer_bytes=100_000,
    )


@pytest.fixture(scope="module")
def store(settings):
    store = stores.open(settings.database, settings)
    yield store
    store.close()


@pytest.fixture
def queries(store, settings):
    queries = Queries(store, settings)
    yield queries
    queries.close()


def rows(answer):
    columns = [column.to_pylist() for column in answer.table.columns]
    return [list(row) for row in zip(*columns, strict=True)]


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from steps",
        "from steps limit 1",
        "table steps limit 1",
        "values (1), (2)",
        "  -- a comment\n select 1 -- another;",
        "select 1;",
        "select 1; -- the end",
        "(select 1)",
        "with a as (select 1 as x), b as (from a) select * from b",
        "with recursive t(i) as (select 1 union all select i + 1 from t where i < 5) from t",
        "describe steps",
        "summarize select 1 as a",
        "show tables",
        "explain select * from steps",
        "explain analyze select count(*) from steps",
        "explain (format json) select 1",
        "explain (analyze, format json) select 1",
        "/* x */ explain /* y */ select 1",
        "select * from information_schema.tables",
        "from duckdb_columns() limit 1",
        "pivot (select 'a' as k, 1 as v) on k in ('a', 'b') using sum(v)",
        "unpivot (select 1 as a, 2 as b) on a, b",
        "select unnest([1, 2]), uuid(), random(), now()",
        "select [x * 2 for x in [1, 2]], list_transform([1], lambda x: x + 1)",
        "select attributes.a::varchar, attributes::json from spans",
        "select i, lag(i, 1, 0) over (order by i) from range(3) t(i)",
        "select repeat('ab', 10), lpad('1', 5, '0'), format('{:>10}', 'x'), printf('%05d', 3)",
        "select date_trunc('hour', now()), now() - interval 1 day, time_bucket('5 minutes', now())",
        "select 'insert; drop table steps', $$ ; $$, \"count_star()\" from (select count(*) from steps)",
    ],
)
def test_reading_is_let_in(queries, sql):
    """What only reads runs, however it is written."""
    assert queries.run(sql).elapsed_ms > 0


def test_parameters(queries):
    """Values go in by place and by name and are never SQL."""
    by_place = queries.run(
        "select ?::int + 1 as a, ? as b, ? as c", [1, "x'; drop table steps", None]
    )
    by_name = queries.run("select $n * 2 as d, $names as e", {"n": 21, "names": ["a", "b"]})

    assert [[2, "x'; drop table steps", None]] == rows(by_place)
    assert [[42, ["a", "b"]]] == rows(by_name)


@pytest.mark.parametrize(
    ("sql", "params"),
    [("select ?", []), ("select ?", [1, 2]), ("select $a", {"b": 1}), ("select 1", [2**200])],
)
def test_wrong_parameters(queries, sql, params):
    """Too few, too many, misnamed and oversized values are told as the caller's mistake."""
    with pytest.raises(QueryFailed):
        queries.run(sql, params)


def test_rows_are_cut_and_told(queries):
    """One row more than wanted tells that rows are missing; exactly as many does not."""
    cut, whole = queries.run("from range(101)"), queries.run("from range(100)")

    assert [(100, True), (100, False)] == [(x.table.num_rows, x.truncated) for x in (cut, whole)]
    more = queries.run("from range(5000)", max_rows=1_000_000)
    assert (1000, True) == (more.table.num_rows, more.truncated)
    assert 1 == queries.run("from range(5)", max_rows=1).table.num_rows


def test_bytes_are_cut_and_told(queries):
    """An answer that is too large in bytes is cut, and one row that is too large is refused."""
    answer = queries.run("select repeat('x', 10000) from range(50)")

    assert answer.truncated
    assert 1 <= answer.table.num_rows < 50
    assert answer.table.nbytes <= 100_000
    with pytest.raises(QueryTooLarge, match="first row alone"):
        queries.run("select " + " || ".join(["repeat('x', 10000)"] * 11))


def test_a_last_row_that_does_not_fit_is_told(store, settings):
    """A row that arrives alone behind a full batch is missing too: 2,048 rows make one batch."""
    queries = Queries(store, replace(settings, max_query_rows_asked=5000))
    answer = queries.run(
        "select case when i < 2048 then 'a' else (select string_agg(repeat('x', 10000), '')"
        " from range(10)) end from range(2049) t(i)",
        max_rows=5000,
    )
    queries.close()

    assert (2048, True) == (answer.table.num_rows, answer.truncated)


HONEST = [
    "select list(n) over (order by n rows between 2 preceding and current row) from range(50) t(n)",
    "select string_agg(n::varchar, ' > ') over (order by n rows 5 preceding) from range(50) t(n)",
    "select mode(n) over (partition by n), median(n) over () from range(50) t(n)",
    "select sum(n) over (order by n), count(distinct n) over (partition by n) from range(50) t(n)",
    "select row_number() over (order by n), lag(n, 1, 0) over (order by n) from range(50) t(n)",
    "select avg(n) over (order by n range between 5 preceding and current row) from range(50) t(n)",
    "select first(n) over w, max(n) over w from range(50) t(n) window w as (order by n)",
    "select lpad(n::varchar, 40, ' '), rpad('a', 60, ' '), lpad('b', 99, '.'), repeat('-', 80) from range(50) t(n)",
    "select lpad(lpad(n::varchar, 200, ' '), 400, '-') from range(50) t(n)",
    "select unnest(range(24)), list_sum(range(0, 1000)), generate_series(1, 100, 5)",
    "select * from range(5000000) t(i) where i = 4999999",
    "select n::varchar ~ '^[0-9]+$' and not n::varchar similar to '(a|b)*' from range(50) t(n)",
    "with a as (select n from range(50) t(n)), b as (select x.n from a x join a y on x.n = y.n limit 9) from b, b c",
    "with recursive t(i) as (select 1 union all select i + 1 from t where i < 10) from t",
]


@pytest.mark.parametrize("sql", HONEST, ids=lambda sql: sql[:50])
def test_honest(queries, sql):
    """What people ask is let in, however close to an attack it looks."""
    assert queries.run(sql, max_rows=10).table.num_rows


def test_long_parameters_are_no_patterns(queries):
    """A parameter as a pattern is let in while none of the parameters is long."""
    sql = "select 'abc' ~ ? and contains('abc', ?)"
    assert [True] == queries.run(sql, ["b", "c"]).table.columns[0].to_pylist()
    for params in (["a?" * 600, "c"], ["b", "c" * 1_001]):
        with pytest.raises(QueryRefused, match="pattern of regexp_matches"):
            queries.run(sql, params)
    with pytest.raises(QueryRefused, match="characters or items"):
        queries.run("select repeat($a, 9999)", {"a": "xx"})


def test_unknown_names_come_with_hints(queries):
    """A wrong table lists ours; a wrong column keeps DuckDB's candidates."""
    with pytest.raises(QueryFailed, match=r"(?s)Did you mean.*Tables and views: .*steps"):
        queries.run("select * from stepz")
    with pytest.raises(QueryFailed, match=r"(?s)Candidate bindings.*trace_id"):
        queries.run("select trace_ix from steps")


@pytest.mark.parametrize(
    ("sql", "line"),
    [
        ("select 1 abc m x", "LINE 1: select 1 abc m x\n                     ^"),
        ("select 'é',\n 1 abc m x", "LINE 2:  1 abc m x\n               ^"),
        (
            "explain select 1 abc m x",
            "LINE 1: explain select 1 abc m x\n                             ^",
        ),
    ],
)
def test_a_caret_shows_the_place(queries, sql, line):
    """A syntax error shows its line and a caret below the word, also after wide letters."""
    with pytest.raises(QueryFailed) as caught:
        queries.run(sql)

    assert str(caught.value).endswith(line)


def test_pivot_without_values_is_told_apart(queries):
    """A PIVOT that would have to look first says how to write it."""
    with pytest.raises(QueryRefused, match="PIVOT needs its values"):
        queries.run("pivot steps on kind using count(*)")


def test_an_error_in_the_middle_of_the_rows(queries):
    """What fails after the first rows is an error, not half an answer."""
    with pytest.raises(QueryFailed, match="Could not convert"):
        queries.run("select case when i = 99 then 'x' else '1' end::int from range(100) t(i)")


def test_the_caller_can_leave(queries):
    """A query whose caller has gone ends at once, and its place is free."""
    stop = Stop()
    threading.Timer(0.1, stop.now).start()
    began = time.monotonic()
    with pytest.raises(QueryStopped):
        queries.run(ENDLESS, stop=stop)

    assert time.monotonic() - began < 20
    assert stop.ended.is_set()


def test_a_stop_before_the_start(queries):
    """A caller that left before the query began stops it all the same."""
    stop = Stop()
    stop.now()
    with pytest.raises(QueryStopped):
        queries.run(ENDLESS, stop=stop)


def test_too_many_at_once(queries):
    """With all places taken a query waits a little and is told to come back."""
    stops = [Stop(), Stop()]
    threads = [threading.Thread(target=_swallow, args=(queries, stop)) for stop in stops]
    for thread in threads:
        thread.start()
    while len(queries.running) < 2:
        time.sleep(0.001)
    with pytest.raises(QueryBusy, match="2 queries are running") as caught:
        queries.run("select 1")
    for stop in stops:
        stop.now()
    for thread in threads:
        thread.join()

    assert caught.value.retryable
    assert queries.run("select 1").table.num_rows == 1


def test_closing_stops_what_runs(store, settings):
    """Closing interrupts what runs and lets nothing new in."""
    queries = Queries(store, settings)
    ended = []
    thread = threading.Thread(target=lambda: ended.append(_swallow(queries, Stop())))
    thread.start()
    while not queries.running:
        time.sleep(0.001)
    queries.close()
    thread.join(5)

    assert [QueryStopped] == ended
    with pytest.raises(QueryStopped):
        queries.run("select 1")


def _swallow(queries, stop):
    try:
        queries.run(ENDLESS, stop=stop)
    except Exception as error:
        return type(error)


def test_amounts_of_memory():
    """Amounts are read as DuckDB reads them; nonsense names the setting."""
    assert (10**9, 512 * 2**20, 1500) == (
        byte_count("1GB"),
        byte_count("512 MiB"),
        byte_count("1.5kb"),
    )
    with pytest.raises(SettingsError, match="query_memory"):
        byte_count("much")


def test_a_new_volatile_function_is_refused_until_known():
    """A function that a newer DuckDB calls volatile is refused, and macros around it too."""
    from tellwhy_collector.admission import functions

    known = functions(
        [
            ("explode", "scalar", "VOLATILE", None, True),
            ("random", "scalar", "VOLATILE", None, True),
            ("upper", "scalar", "CONSISTENT", None, True),
            ("bang", "macro", None, "explode(x)", True),
            ("ours", "table_macro", None, "select 1", False),
        ]
    )

    assert {"explode", "bang"} <= known.refused
    assert not {"random", "upper"} & known.refused
    assert {"ours"} == known.ours
