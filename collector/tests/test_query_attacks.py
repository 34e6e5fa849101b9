import contextlib
import threading
import time
from dataclasses import replace

import duckdb
import pytest

from tellwhy_collector import store as stores
from tellwhy_collector.errors import (
    QueryError,
    QueryFailed,
    QueryRefused,
    QueryTooLarge,
    QueryTooSlow,
)
from tellwhy_collector.query import Queries
from tellwhy_collector.settings import Settings

WRITES = [
    "insert into scratch values (1)",
    "update scratch set n = 0",
    "delete from scratch",
    "drop table scratch",
    "create table t (n int)",
    "create temp table t (n int)",
    "create or replace macro f(x) as x",
    "comment on table scratch is 'x'",
    "merge into scratch using scratch s on false when not matched then insert",
    "with x as (insert into scratch values (1) returning *) select * from x",
    "with x as (update scratch set n = 0 returning *) select * from x",
    "with x as (delete from scratch returning *) from x",
    "with x as (copy scratch to '/tmp/tellwhy-attack.csv') from x",
    "select * from (with x as (insert into scratch values (1) returning n) from x)",
    "explain analyze insert into scratch values (1)",
    "explain analyze with x as (delete from scratch returning *) from x",
    "explain drop table scratch",
    "EXPLAIN /* x */ ANALYZE DELETE FROM scratch",
    "copy scratch to '/tmp/tellwhy-attack.csv'",
    "copy (select 1) to '/tmp/tellwhy-attack.csv'",
    "export database '/tmp/tellwhy-attack'",
    "truncate scratch",
    "vacuum",
]
SESSION = [
    "set threads = 1",
    "reset memory_limit",
    "set variable x = 1",
    "pragma threads = 1",
    "pragma database_list",
    "call pragma_version()",
    "call checkpoint()",
    "checkpoint",
    "explain analyze checkpoint",
    "explain analyze set threads = 1",
    "explain execute p",
    "attach ':memory:' as other",
    "detach tellwhy",
    "use memory",
    "begin",
    "commit",
    "rollback",
    "prepare p as select 1",
    "execute p",
    "deallocate p",
    "install httpfs",
    "load httpfs",
    "explain explain select 1",
]
SEVERAL = [
    "select 1; select 2",
    "select 1; commit; drop table scratch",
    "select 1;;; drop table scratch",
    "; drop table scratch",
    "select 1 /* ; */ ; /* */ drop table scratch",
    "select 1 -- ;\n; drop table scratch",
    "select ';' ; drop table scratch",
    "select $$;$$; drop table scratch",
    "select 'a\\'; drop table scratch --'",
    "explain select 1; drop table scratch",
    "explain (format json) drop table scratch",
]
ACTING = [
    "from checkpoint()",
    "from CheckPoint()",
    'from "checkpoint"()',
    "from system.main.checkpoint()",
    "select * from force_checkpoint('tellwhy')",
    "select exists(from checkpoint())",
    "select array(from checkpoint())",
    "select 1 limit (select count(*) from checkpoint())",
    "values ((from checkpoint()))",
    "describe from checkpoint()",
    "summarize from checkpoint()",
    "explain analyze from checkpoint()",
    "pivot (from checkpoint()) on a in (1) using sum(b)",
    "with x as materialized (from checkpoint()) select 1",
    "select * from lateral (from checkpoint())",
    "from enable_logging()",
    "from truncate_duckdb_logs()",
    "from enable_profiling()",
    "select write_log('x')",
    "select nextval('s')",
    "select setval('s', 1)",
    "select setseed(0.5)",
    "select sleep_ms(60000)",
    "select system.main.sleep_ms(60000)",
    "select (60000).sleep_ms()",
    'select "SLEEP_MS"(60000)',
    "select pg_sleep(60)",
    "select list_transform([60000], lambda x: sleep_ms(x))",
    "select count(*) filter (sleep_ms(60000) is null) from scratch",
    "select sum(n) over (order by sleep_ms(60000)) from scratch",
    "select * replace (sleep_ms(60000) as n) from scratch",
    "from query('select 1')",
    "from query_table('scratch')",
    "from query('from checkpoint()')",
    "from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "select json_serialize_plan('from checkpoint()')",
    "from arrow_scan(1, 1, 1)",
    "from pandas_scan(0)",
    "from register_external_resource_type('x')",
]
PEEKING = [
    "from duckdb_secrets()",
    "from which_secret('s3://x', 's3')",
    "from duckdb_settings()",
    "from pg_catalog.pg_settings",
    "select current_setting('temp_directory')",
    "from duckdb_databases()",
    "from duckdb_databases",
    "from pragma_database_list",
    "from pragma_database_size()",
    "from duckdb_extensions()",
    "from duckdb_temporary_files()",
    "from duckdb_memory()",
    "from duckdb_logs()",
    "from glob('/etc/*')",
    "from read_text('/etc/hostname')",
    "from read_blob('/proc/self/environ')",
    "from read_csv('/etc/hostname')",
    "from read_json('/etc/hostname')",
    "from read_parquet('/etc/hostname')",
    "from read_duckdb('/etc/hostname')",
    "from sniff_csv('/etc/hostname')",
    "from parquet_metadata('/etc/hostname')",
]
PARSER = [
    "select " + "(" * 5_000,
    "select " + "(" * 90 + "1",
    "select " + "[" * 200 + "1" + "]" * 200,
    "with a as (" * 8,
    "with a as (" * 8 + "select 1 1 1" + ") select * from a" * 8,
    "with a as materialized (" * 8 + "x" + ") from a" * 8,
    "with a as (insert into b with c as (" * 6,
    "select " + "1," * 60_000 + "1",
    "select 1" + "+1" * 5_000,
    "select '\0'",
    "",
    "   -- nothing\n",
    "/* open",
    "\uff33\uff25\uff2c\uff25\uff23\uff34 1",
    "\u200bselect 1",
    "select 1 from scratch where \u037e drop table scratch",
]
CRASHING = [
    "select (repeat('[', 100000) || repeat(']', 100000))::json::variant",
    "select try_cast(n as variant) from scratch",
    "select n::struct(a variant[]) from scratch",
    "select variant_group_array(n::varchar::json) from scratch",
    "select lag(n, 1, (select 1)) over () from scratch",
    "select variant_bytes_to_variant('x'::blob, 'x'::blob)",
    "select (repeat('[', 5000) || repeat(']', 5000))::json::variant",
    "select repeat('x', 1000000000)",
    "select repeat('x', n) from scratch",
    "select repeat(repeat('x', 100000), 100000)",
    "select lpad('x', 2000000000, 'y')",
    "select printf('%1000000000s', 'x')",
    "select range(1000000000)",
    "select unnest(generate_series(1, n)) from scratch",
    "select printf('%*s', 1000000000, 'x')",
    "select format('{:>1000000000}', 'x')",
    "select format('{:>{}}', 'x', 1000000000)",
]
ENDLESS = [
    "select count(*) from range(1000000) a, range(1000000) b where hash(a.range, b.range) = 1",
    "with recursive t(i) as (select 1 union all select i + 1 from t) select count(*) from t",
    "select sum(i) from range(1000000000000) t(i)",
    "explain analyze select sum(i) from range(1000000000000) t(i)",
    "select i from range(1000000000000) t(i) where i < 0",
    "select i from range(300000000) t(i) order by hash(i) desc",
]
LARGE = [
    "select list(i) from range(2000000000) t(i)",
    "select string_agg(repeat('x', 10000), '') from range(10000000)",
    "with recursive t(s) as (select 'x' union all select s || s from t) select length(s) from t",
]
DEAF = [
    "select histogram(i) over (order by i) from range(100000) t(i)",
    "select mode(n) over (order by n rows between 50000 preceding and 50000 following) from scratch",
    "select mode(n) over (order by n) from scratch",
    "select median(n) over w from scratch window w as (order by n rows between 9999 preceding and current row)",
    "select array_agg(n) over () from scratch",
    "select list(n) over (partition by n) from scratch",
    "select string_agg(n::varchar) over () from scratch",
    "select json_group_array(n) over () from scratch",
    "select map(list(n), list(n)) over () from scratch",
    "select max(n, 1000000) over (order by n) from scratch",
    "select arg_max(n, n, 1000000) over (order by n) from scratch",
    "select list(n) over (order by n rows between n preceding and current row) from scratch",
    "select list(n) over (order by n groups between 2 preceding and current row) from scratch",
    "select list(n) over (order by n rows between 999 preceding and 2 following) from scratch",
    "select bitstring('1', 2000000000)::varchar",
    "select bitstring_agg(n, 0, 8000000000) from scratch",
    "select bitstring_agg(n) from scratch",
    "select list_sort(range(100000)) from range(100000)",
    "select list_distinct(range(100000)) from scratch",
    "select list_transform(range(1000), lambda x: repeat('a', 1000)) from scratch",
    "select list_transform(range(1000), lambda x: range(1000)) from scratch",
    "select string_split(repeat('a,', 50000), ',') from scratch",
    "select string_split_regex(repeat('a', 100000), '') from scratch",
    "select regexp_extract_all(repeat('ab', 40000), '(a|b|ab)*?') from scratch",
    "select repeat('" + "x" * 10_000 + "', 100) from scratch",
    "select replace(repeat('a', 1000), 'a', repeat('b', 1000)) from scratch",
    "select levenshtein(repeat('a', 5000), repeat('b', 5000)) from scratch",
    "with a as (select repeat('x', 9999) s), b as (select repeat(s, 9999) t from a) from b",
    "select repeat(s, 9999) from (select repeat('x', 9999) s)",
    "select 'a' similar to repeat('a?', 50000)",
    "select 'a' similar to '" + "a?" * 600 + "'",
    "select n::varchar ~ '" + "a?" * 600 + "' from scratch",
    "select x." + "a." * 5_000 + "b",
    "with a0 as (select 1 n), "
    + ", ".join(f"a{i} as (select * from a{i - 1} x, a{i - 1} y)" for i in range(1, 30))
    + " select count(*) from a29",
    "with a0 as (select 1 n), "
    + ", ".join(
        f"A{i} as materialized (from a{i - 1} union all from a{i - 1})" for i in range(1, 10)
    )
    + " from a9",
]
REFUSED = WRITES + SESSION + SEVERAL + ACTING + PEEKING + PARSER + CRASHING + DEAF


class World:
    """A store, its queries, and a thread that never stops writing."""

    def __init__(self, path):
        settings = Settings(
            database=path, database_memory="600MB", query_memory="400MB", max_query_s=0.5
        )
        self.store = stores.open(path, settings)
        self.queries = Queries(self.store, settings)
        self.patient = Queries(self.store, replace(settings, max_query_s=30))
        """For what shall not depend on how busy the machine is."""
        self.failures = []
        self.written = 0
        self._ending = threading.Event()
        cursor = self.store.writer()
        cursor.execute("create table scratch (n bigint)")
        cursor.execute("create sequence s")
        cursor.close()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def _write(self):
        cursor = self.store.writer()
        while not self._ending.is_set():
            try:
                cursor.execute("insert into scratch select 1 from range(10)")
                self.written += 1
            except duckdb.OutOfMemoryException:
                # For the moment that it takes to stop a statement that DuckDB lets grow beyond its
                # limit: a sender is told to come again, and does.
                pass
            except Exception as error:
                self.failures.append(error)
            self._ending.wait(0.005)
        cursor.close()

    def close(self):
        """Stop writing, then close."""
        self._ending.set()
        self._thread.join()
        self.queries.close()
        self.patient.close()
        self.store.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("attacks") / "t.duckdb")
    yield world
    world.close()


@pytest.fixture(autouse=True)
def unharmed(world):
    """After each attack the writer goes on, the next query works and nothing was changed."""
    yield
    before, until = world.written, time.monotonic() + 10
    while world.written < before + 2 and time.monotonic() < until:
        time.sleep(0.005)

    assert world.written >= before + 2
    assert [] == world.failures
    answer = world.patient.run("select count(*) % 10, min(n), max(n) from scratch")
    assert [[0], [1], [1]] == [column.to_pylist() for column in answer.table.columns]


@pytest.mark.parametrize("sql", REFUSED, ids=lambda sql: sql[:50].encode("unicode_escape").decode())
def test_refused(world, sql):
    """What does more than read our tables is refused, quickly, and says why."""
    with pytest.raises(QueryError) as caught:
        world.patient.run(sql)

    assert isinstance(caught.value, QueryRefused | QueryFailed)
    assert len(str(caught.value)) > 20


@pytest.mark.parametrize("sql", ENDLESS, ids=lambda sql: sql[:50])
def test_endless(world, sql):
    """What would not end is stopped at its time, or at its memory where that comes first."""
    began = time.monotonic()
    with pytest.raises((QueryTooSlow, QueryTooLarge)):
        world.queries.run(sql)

    assert time.monotonic() - began < 20


@pytest.mark.parametrize("sql", LARGE, ids=lambda sql: sql[:50])
def test_large(world, sql):
    """What needs too much memory is stopped without taking it from the writer."""
    with pytest.raises((QueryTooLarge, QueryTooSlow)):
        world.queries.run(sql)


def test_huge_result_is_cut(world):
    """A result without end is read only as far as it is sent."""
    answer = world.queries.run("select i, md5(i::varchar) from range(1000000000000) t(i)")

    assert (10_000, True) == (answer.table.num_rows, answer.truncated)


def test_python_variables_are_not_tables(world):
    """A name that Python knows and the database does not is no table."""
    import pyarrow as pa

    secret = pa.table({"a": [1]})
    with pytest.raises(QueryFailed, match="secret does not exist"):
        world.queries.run("select * from secret")
    assert secret.num_rows == 1


def test_a_stopped_query_leaves_no_thread(world):
    """Interrupting a hundred queries leaves no watch behind."""
    before = threading.active_count()
    for _ in range(100):
        world.queries.run("select 1")
    with pytest.raises(QueryTooSlow):
        world.queries.run(ENDLESS[0])

    assert threading.active_count() == before


def test_a_late_interrupt_hits_no_other_query(world):
    """Queries that end around their limit never stop the one that comes after."""
    from tellwhy_collector.watch import Stop

    for delay_ms in range(12):
        stop = Stop()
        timer = threading.Timer(delay_ms / 1000, stop.now)
        timer.start()
        with contextlib.suppress(QueryError):
            world.queries.run("select sum(i) from range(3000000) t(i)", stop=stop)
        assert world.queries.run("select 1").table.num_rows == 1
        timer.join()
        stop.now()
        assert world.queries.run("select 2").table.num_rows == 1
