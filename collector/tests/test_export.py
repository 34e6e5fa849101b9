import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tellwhy_collector import export
from tellwhy_collector import store as stores
from tellwhy_collector.errors import QueryFailed
from tellwhy_collector.names import distinct
from tellwhy_collector.query import Queries
from tellwhy_collector.settings import Settings


@pytest.fixture(scope="module")
def queries(tmp_path_factory):
    settings = Settings(database=tmp_path_factory.mktemp("export") / "t.duckdb")
    store = stores.open(settings.database, settings)
    cursor = store.writer()
    cursor.execute(
        """create table odd as select
             '{"a": [1, 2.5, null, "x"]}'::json::variant as v, {'v': '[1]'::json::variant} as s"""
    )
    cursor.close()
    yield Queries(store, settings)
    store.close()


def written(queries, sql, form="json", **options):
    return b"".join(export.write(queries.run(sql), form, **options))


VALUES = [
    ("true", True),
    ("9223372036854775807", 9223372036854775807),
    ("170141183460469231731687303715884105727", 170141183460469231731687303715884105727),
    ("sum(9223372036854775807::bigint) from range(3)", 27670116110564327421),
    ("18446744073709551615::ubigint", 18446744073709551615),
    (
        "340282366920938463463374607431768211455::uhugeint",
        "340282366920938463463374607431768211455",
    ),
    ("0.5::double", 0.5),
    ("'nan'::double", None),
    ("'-inf'::float", None),
    ("null", None),
    ("'a\"\\ü\n🦆'", 'a"\\ü\n🦆'),
    ("''", ""),
    ("'\\xAA\\x00'::blob", "qgA="),
    ("'2026-11-22 10:00:00.5'::timestamp", "2026-11-22T10:00:00.500000Z"),
    ("'2026-11-22 10:00:00+02'::timestamptz", "2026-11-22T08:00:00.000000Z"),
    ("'2026-11-22 10:00:00.123456789'::timestamp_ns", "2026-11-22T10:00:00.123456789Z"),
    ("'2026-11-22 10:00:00'::timestamp_s", "2026-11-22T10:00:00Z"),
    ("'infinity'::timestamp", "infinity"),
    ("'-infinity'::timestamptz", "-infinity"),
    ("make_timestamp(2147483647)", "1970-01-01T00:35:47.483647Z"),
    ("'290000-01-01'::timestamp", "out of range"),
    ("'2026-11-22'::date", "2026-11-22"),
    ("'infinity'::date", "infinity"),
    ("'10:00:00.5'::time", "10:00:00.500000"),
    ("'24:00:00'::time", "24:00:00"),
    ("'10:00:00+02'::timetz", "10:00:00+02"),
    ("interval 14 months", "1 year 2 months"),
    ("'0101'::bit", "0101"),
    ("1::bignum", "1"),
    ("'a'::enum('a', 'b')", "a"),
    ("'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    ("'{\"a\": 1}'::json", '{"a": 1}'),
    ("v from odd", '{"a":[1,2.5,null,"x"]}'),
    ("s from odd", '{"v":[1]}'),
    ("[1, null, 3]", [1, None, 3]),
    ("[]::int[]", []),
    ("null::int[]", None),
    ("[1, 2]::int[2]", [1, 2]),
    ("[[now() - now()]]::interval[][]", '[["00:00:00"]]'),
    (
        "{'a': 1, 'b': ['x'], 't': '2026-11-22'::timestamp}",
        {"a": 1, "b": ["x"], "t": "2026-11-22T00:00:00.000000Z"},
    ),
    ("null::struct(a int)", None),
    ("map {'k': 1, 'l': null}", {"k": 1, "l": None}),
    ("map {1: 'a'}", {"1": "a"}),
    ("union_value(a := 1)", "1"),
    ("row(1, 'x')", {"element1": 1, "element2": "x"}),
]


@pytest.mark.parametrize(("sql", "value"), VALUES, ids=[sql[:40] for sql, _ in VALUES])
def test_values_in_json(queries, sql, value):
    """Every type of DuckDB has one form in JSON, and numbers keep all digits."""
    answer = json.loads(written(queries, f"select {sql}"))

    assert [[value]] == answer["rows"]
    assert type(value) is type(answer["rows"][0][0])


def test_decimals_keep_their_digits(queries):
    """A DECIMAL is a JSON number with exactly its own digits."""
    body = written(queries, "select 1.10::decimal(38, 10) as a, -99999999999999999.99 as b")

    assert b'"rows":[[1.1000000000,-99999999999999999.99]]' in body


def test_slices_of_nested_values(queries):
    """Lists, maps and fixed arrays stay with their rows when an answer is cut and pieced."""
    sql = """select i, case when i % 3 = 0 then null else range(2) || [i] end as l,
                    map {i::varchar: i} as m, [i, i]::bigint[2] as f, {'i': i} as s
             from range(5000) t(i)"""
    answer = queries.run(sql, max_rows=3500)
    rows = json.loads(b"".join(export.write(answer, "json")))["rows"]

    assert 3500 == len(rows)
    assert all(
        row == [i, None if i % 3 == 0 else [0, 1, i], {str(i): i}, [i, i], {"i": i}]
        for i, row in enumerate(rows)
    )


@pytest.mark.parametrize("form", export.MEDIA_TYPES)
def test_no_rows(queries, form):
    """An answer without rows is a whole answer in every format."""
    body = written(queries, "select 1 as a, 'x' as b where false", form)

    assert 0 == _rows(body, form)


@pytest.mark.parametrize("form", export.MEDIA_TYPES)
def test_all_types_in_all_formats(queries, form):
    """DuckDB's own table of all types comes out everywhere, at its extremes and empty."""
    body = written(queries, "select * exclude (empty_struct) from test_all_types()", form)

    assert 3 == _rows(body, form)


def _rows(body, form):
    if form == "json":
        return len(json.loads(body)["rows"])
    if form == "arrow":
        return pa.ipc.open_stream(body).read_all().num_rows
    if form == "csv":
        return len(list(csv.reader(io.StringIO(body.decode(), newline="")))) - 1
    return pq.read_table(io.BytesIO(body)).num_rows


def test_arrow_keeps_types(queries):
    """Arrow carries the types of the database, not text."""
    body = written(
        queries, "select 1::bigint as a, now()::timestamp as t, 1.5::decimal(4, 2) as d", "arrow"
    )
    schema = pa.ipc.open_stream(body).schema

    assert [pa.int64(), pa.timestamp("us"), pa.decimal128(4, 2)] == schema.types


def test_parquet_names_do_not_repeat(queries):
    """Columns of the same name are told apart in Parquet, whose readers stumble over them."""
    body = written(queries, "select 1 as a, 2 as a, 3 as a_1", "parquet")

    assert ["a", "a_1", "a_1_1"] == pq.read_table(io.BytesIO(body)).schema.names
    assert ["a", "a_1"] == distinct(["a", "a"])


def test_what_parquet_cannot_hold(queries):
    """A column that Parquet has no type for is told, with what to do."""
    with pytest.raises(QueryFailed, match="ask for arrow or json"):
        written(queries, "select empty_struct from test_all_types()", "parquet")


def test_csv(queries):
    """CSV tells NULL from the empty text and quotes what needs it."""
    sql = """select 'a' as "x,y", '' as e, null as n, 'q"q' as q, ' s' as s, 'l
l' as l, true as b, [1, 2] as li, {'k': 'v'} as st, -1.50::decimal(4, 2) as d, now()::date as t"""
    head, body = written(queries, sql, "csv").decode().split("\n", 1)

    assert '"x,y",e,n,q,s,l,b,li,st,d,t' == head
    assert body.startswith('a,"",,"q""q"," s","l\nl",true,"[1,2]","{""k"":""v""}",-1.50,20')
    assert body.endswith("\n")
    assert "\r" not in body


FORMULAS = ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_csv_is_safe_in_a_spreadsheet(queries, text):
    """A text that a spreadsheet would run gets a quote before it, unless that is not wanted."""
    answer = queries.run("select $t as a, -5 as n, [$t] as l", {"t": text})
    safe = b"".join(export.write(answer, "csv")).decode()
    plain = b"".join(export.write(answer, "csv", spreadsheet_safe=False)).decode()
    read = [list(csv.reader(io.StringIO(x, newline="")))[1] for x in (safe, plain)]

    assert ["'" + text, "-5"] == read[0][:2]
    assert [text, "-5"] == read[1][:2]


def test_a_column_name_can_be_a_formula(queries):
    """Names are guarded as values are."""
    assert written(queries, 'select 1 as "=cmd"', "csv").startswith(b"'=cmd\n")
