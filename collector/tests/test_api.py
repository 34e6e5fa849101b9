import http.client
import json
import os
import socket
import struct
import threading
import time

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tellwhy_collector.app import Collector
from tellwhy_collector.settings import Settings

ENDLESS = "select count(*) from range(1000000) a, range(1000000) b where hash(a.range, b.range) = 1"
JSON = {"Content-Type": "application/json"}
WORDS = (
    "select from steps ( ) ' \" -- /* */ ; $$ 1 , with as x where explain analyze $a ? \n :: json "
    "order by union limit [ ] { } \\ é values e' ."
).split(" ")


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    chosen = Settings(
        database=tmp_path_factory.mktemp("api") / "t.duckdb",
        http_port=0,
        grpc_port=0,
        max_query_s=1.0,
        max_queries=2,
        max_query_wait_s=0.2,
        api_hosts="other.example, tellwhy.example",
    )
    with Collector(chosen) as collector:
        yield collector


@pytest.fixture
def ask(collector):
    """Send one request, get status, headers and body."""
    host = collector.http_url.removeprefix("http://")

    def send(method, path, body=None, headers=JSON):
        connection = http.client.HTTPConnection(host, timeout=30)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    return send


@pytest.fixture
def sql(ask):
    """Ask a query, get status and JSON."""

    def send(text, **more):
        status, _, body = ask("POST", "/api/sql", json.dumps({"sql": text, **more}))
        return status, json.loads(body)

    return send


def test_an_answer(sql):
    """A query answers with names, types, rows and whether rows are missing."""
    status, answer = sql("select ? as a, 'x' as b", params=[41])

    assert 200 == status
    assert answer.pop("elapsed_ms") > 0
    assert {
        "ok": True,
        "columns": ["a", "b"],
        "types": ["INTEGER", "VARCHAR"],
        "rows": [[41, "x"]],
        "truncated": False,
    } == answer


def test_named_parameters_and_max_rows(sql):
    """Values by name, and fewer rows on request."""
    status, answer = sql("select $n + range as n from range(10)", params={"n": 5}, max_rows=2)

    assert (200, [[5], [6]], True) == (status, answer["rows"], answer["truncated"])


@pytest.mark.parametrize(
    ("form", "accept", "kind"),
    [
        ("arrow", None, "application/vnd.apache.arrow.stream"),
        (None, "application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.stream"),
        ("csv", None, "text/csv; charset=utf-8"),
        (None, "text/html, text/csv;q=0.5", "text/csv; charset=utf-8"),
        ("parquet", "text/csv", "application/vnd.apache.parquet"),
        (None, "text/html, */*", "application/json"),
        (None, None, "application/json"),
    ],
)
def test_formats(ask, form, accept, kind):
    """The body's format goes before the Accept header; JSON is what everybody else gets."""
    headers = JSON if accept is None else {**JSON, "Accept": accept}
    question = {"sql": "from range(3)", "max_rows": 2} | ({"format": form} if form else {})
    status, got, body = ask("POST", "/api/sql", json.dumps(question), headers)

    assert (200, kind, "true") == (status, got["Content-Type"], got["X-Tellwhy-Truncated"])
    if "arrow" in kind:
        assert [0, 1] == pa.ipc.open_stream(body).read_all()["range"].to_pylist()


def test_tables(ask):
    """The tables come with the database's own comments."""
    status, _, body = ask("GET", "/api/tables")
    tables = {item["name"]: item for item in json.loads(body)["tables"]}

    assert 200 == status
    assert {"spans", "steps", "runs", "decisions"} <= set(tables)
    assert "table" == tables["steps"]["kind"]
    assert all({"name", "type", "comment"} == set(x) for x in tables["steps"]["columns"])


BAD = [
    ("GET", "/api", None, JSON, 404, "POST /api/sql"),
    ("GET", "/api/", None, JSON, 404, "POST /api/sql"),
    ("POST", "/api/nothing", "{}", JSON, 404, "nothing at /api/nothing"),
    ("GET", "/api/sql?sql=select+1", None, {}, 405, "takes POST, not GET"),
    ("HEAD", "/api/sql", None, {}, 405, ""),
    ("OPTIONS", "/api/sql", None, {}, 405, "takes POST"),
    ("DELETE", "/api/tables", None, {}, 405, "takes GET"),
    ("POST", "/api/sql", '{"sql": "select 1"}', {}, 415, "Content-Type is missing"),
    ("POST", "/api/sql", "sql=select+1", {"Content-Type": "text/plain"}, 415, "text/plain"),
    ("POST", "/api/sql", b"x", {**JSON, "Content-Encoding": "gzip"}, 415, "compressed"),
    ("POST", "/api/sql", b"", JSON, 400, "not JSON"),
    ("POST", "/api/sql", b'{"sql": "select \xff"}', JSON, 400, "UTF-8"),
    ("POST", "/api/sql", b'{"sql": NaN}', JSON, 400, "not JSON"),
    ("POST", "/api/sql", b"[" * 100_000, JSON, 400, "not JSON"),
    ("POST", "/api/sql", b'"select 1"', JSON, 400, "not a JSON object"),
    ("POST", "/api/sql", b"{}", JSON, 400, '"sql" is missing'),
    ("POST", "/api/sql", b'{"sql": 1}', JSON, 400, '"sql" is a number'),
    ("POST", "/api/sql", b'{"query": "select 1"}', JSON, 400, "'query' is not known"),
    ("POST", "/api/sql", b'{"sql": "select 1", "params": 1}', JSON, 400, '"params" is a number'),
    ("POST", "/api/sql", b'{"sql": "select 1", "max_rows": 0}', JSON, 400, "from 1 to 100,000"),
    ("POST", "/api/sql", b'{"sql": "select 1", "max_rows": true}', JSON, 400, "max_rows"),
    ("POST", "/api/sql", b'{"sql": "select 1", "format": "xml"}', JSON, 400, "json, arrow, csv"),
    ("POST", "/api/sql", b'{"sql": "select 1", "spreadsheet_safe": 1}', JSON, 400, "true or false"),
    ("POST", "/api/sql", b'{"sql": "select 1"}', {**JSON, "Accept": "image/png"}, 406, "image/png"),
    ("POST", "/api/sql", b" " * 5_000_000, JSON, 413, "4,194,304"),
    ("POST", "/api/sql", b'{"sql": "drop table steps"}', JSON, 400, "this is DROP"),
    ("POST", "/api/sql", b'{"sql": "select * from stepz"}', JSON, 400, "Tables and views"),
    ("POST", "/api/sql", b'{"sql": "select ?", "params": ["\\ud800"]}', JSON, 400, "surrogate"),
]


@pytest.mark.parametrize("case", BAD, ids=lambda case: f"{case[0]} {case[1]} {str(case[2])[:30]}")
def test_refusals_have_one_shape(ask, case):
    """Whatever is wrong under /api is told in the same shape, with what to do."""
    method, path, body, headers, status, words = case
    got, kinds, answer = ask(method, path, body, headers)

    assert status == got
    assert "application/json" == kinds["Content-Type"]
    if method != "HEAD":
        told = json.loads(answer)
        assert {"ok", "error"} == set(told)
        assert told["ok"] is False
        assert words in told["error"]
    if status == 405:
        assert kinds["Allow"] in {"GET", "POST"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:4318"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": ""}, 403),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "tellwhy.example"}, 200),
        ({"Host": "[::1]:4318"}, 200),
        ({"Host": "192.168.1.5"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Host": "localhost:7", "Origin": "http://localhost:7"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_other_sites_may_not_ask(ask, headers, status):
    """A page on another site, or a name that was pointed at us, gets nothing from any address."""
    body = '{"sql": "select 1"}'

    assert status == ask("POST", "/api/sql", body, {**JSON, **headers})[0]
    assert status == ask("GET", "/api/tables", None, headers)[0]


def test_no_answer_allows_other_sites(ask):
    """No answer carries a CORS header, so a browser keeps it from the page that asked."""
    for method in ("OPTIONS", "POST"):
        headers = ask(method, "/api/sql", '{"sql": "select 1"}', JSON)[1]
        assert not [name for name in headers if name.lower().startswith("access-control")]
        assert "nosniff" == headers["X-Content-Type-Options"]


def test_too_slow(sql):
    """A query over its time is told so, with the setting."""
    began = time.monotonic()
    status, answer = sql(ENDLESS)

    assert 408 == status
    assert "TELLWHY_MAX_QUERY_S" in answer["error"]
    assert time.monotonic() - began < 20


def test_too_many_at_once(collector, sql):
    """With all places taken a query is told to come back, and health still answers."""
    others = [threading.Thread(target=sql, args=(ENDLESS,)) for _ in range(2)]
    for thread in others:
        thread.start()
    while len(collector._queries.running) < 2:
        time.sleep(0.001)
    status, answer = sql("select 1")
    for thread in others:
        thread.join()

    assert 503 == status
    assert "TELLWHY_MAX_QUERIES" in answer["error"]


def test_a_client_that_leaves_frees_its_place(collector):
    """A query whose client has gone is interrupted long before its limit."""
    address = collector.http_url.removeprefix("http://").rsplit(":", 1)
    body = json.dumps({"sql": ENDLESS}).encode()
    head = f"POST /api/sql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    client = socket.create_connection((address[0], int(address[1])))
    client.sendall(head.encode() + body)
    while not collector._queries.running:
        time.sleep(0.001)
    stop = collector._queries.running[0]
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()

    assert stop.ended.wait(5)
    assert "gone" == stop.reason


def test_queries_go_on_while_ingest_runs(collector, ask, sql):
    """Every acknowledged span is there to the next query, while others ask and write."""
    ending = threading.Event()
    posted, seen, wrong = [0], [0], []

    def write():
        while not ending.is_set():
            span = {
                "traceId": os.urandom(16).hex(),
                "spanId": os.urandom(8).hex(),
                "name": "busy",
                "startTimeUnixNano": "1764000000000000000",
                "endTimeUnixNano": "1764000000000000001",
            }
            export = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
            status, _, body = ask("POST", "/v1/traces", json.dumps(export))
            if status != 200:
                wrong.append(body)
            posted[0] += status == 200

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    slow = threading.Thread(target=sql, args=(ENDLESS,))
    slow.start()
    while posted[0] < 10 and not wrong:
        known = posted[0]
        status, answer = sql("select count(*) from spans where name = 'busy'")
        seen[0] = answer["rows"][0][0]
        assert (200, True) == (status, seen[0] >= known)
    ending.set()
    for thread in [*threads, slow]:
        thread.join()

    assert [] == wrong


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.text(max_size=100).map(lambda text: json.dumps({"sql": text}).encode()),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.sampled_from(["sql", "params", "format", "max_rows", "x"]), inner
                )
            ),
            max_leaves=8,
        ).map(lambda value: json.dumps(value).encode()),
        st.lists(
            st.sampled_from(WORDS),
            max_size=25,
        ).map(lambda words: json.dumps({"sql": " ".join(words)}).encode()),
        st.lists(st.none() | st.booleans() | st.integers() | st.text(max_size=9), max_size=3).map(
            lambda values: json.dumps(
                {"sql": "select " + ", ".join("?" * len(values)), "params": values}
            ).encode()
        ),
    )
)
def test_any_body_gets_an_answer(ask, body):
    """No body makes the collector fail, hang or answer in another shape."""
    status, headers, answer = ask("POST", "/api/sql", body)

    assert status in {200, 400, 406, 408, 413}
    if "json" in headers["Content-Type"]:
        assert isinstance(json.loads(answer)["ok"], bool)
