import time
from dataclasses import replace

import orjson

from tellwhy_collector.decode import decode
from tellwhy_collector.ingest import Batch, Item
from tellwhy_collector.ingest.columns import (
    LOGS,
    Layout,
    log_row,
    span_row,
)
from tellwhy_collector.ingest.group import Group
from tellwhy_collector.ingest.ledger import Ledger
from tellwhy_collector.ingest.names import Names
from tellwhy_collector.ingest.readback import LOG_SELECT, SPAN_SELECT, log_of, span_of
from tellwhy_collector.records import LogRecord
from tellwhy_collector.testing import (
    batch,
    metrics,
    pairs,
    post,
    record,
    rows,
    span,
    span_id,
    trace_id,
    traces,
)

ODD_SPANS = [
    record(),
    record(start_ns=2**64 - 1, end_ns=2**64 - 1),
    record(start_ns=5, end_ns=2),
    record(start_ns=0, end_ns=None),
    record(kind=99, status_code=-7, flags=2**32 - 1, dropped_links=3, dropped_events=2),
    record(
        name="a\0b\u202e\ufeff漢", attributes={"": "x", "k\0": "\0", "漢": [1, [{}]], "n": None}
    ),
    record(attributes={"big": 2**63 - 1, "small": -(2**63), "f": 1e308, "neg": -0.5, "d": {}}),
    record(attributes={"gen_ai.input.messages": [{"role": "user"}], "input.value": "x"}),
    record(attributes={"gen_ai.input.messages": "[]", "gen_ai.tool.call.result": None}),
    record(attributes={"gen_ai.operation.name": ["chat"], "gen_ai.usage.input_tokens": "7"}),
    record(attributes={"gen_ai.usage.input_tokens": True, "a.b": 1, "a": {"b": 2}}),
    record(attributes={f"k{n}": n for n in range(2000)}),
    record(attributes={"map": {"a": {"b": [1]}}, "maps": [{}], "lists": [[]], "list": [1, "x"]}),
    record(attributes={"m.0.role": "user", "m.10": 1, "0": 2, "v1.0x": 3, "k" * 3000: "long"}),
    record(events=({"time_ns": 2**64 - 1, "name": "e", "attributes": {"x": [1.5]}},)),
    record(links=({"trace_id": "ab", "span_id": "cd", "attributes": {}},), trace_state="a=b"),
    record(scope_name="s", scope_version="1", scope_attributes={"x": 1}, resource={}),
    record(resource_schema_url="r", scope_schema_url="s", start_ns=2**64 - 1),
    record(envelope={"resource_dropped_attributes": 1}, start_ns=2**64 - 1),
]


def test_spans_come_back_as_they_were_sent(store):
    """`renormalise` reads the table, so the table must hold all that a dialect may ask for."""
    group = Group(store.cursor(), 100, Ledger(60))
    group.commit([batch(*ODD_SPANS)])

    found = [span_of(row) for row in rows(store, f"SELECT {SPAN_SELECT} FROM spans ORDER BY rowid")]

    assert ODD_SPANS == found


def test_durations_are_never_negative(store):
    """A span that ends before it starts has none."""
    group = Group(store.cursor(), 100, Ledger(60))
    group.commit([batch(*ODD_SPANS)])

    for table in ("spans", "steps"):
        assert [] == rows(store, f"SELECT duration_ns FROM {table} WHERE duration_ns < 0")
    assert [(None,)] == rows(store, "SELECT duration_ns FROM spans WHERE start_ns = 5")


def test_logs_come_back_as_they_were_sent(store):
    """The same for log records: text stays text, structures stay structures."""
    plain = LogRecord(None, None, 5, None, 9, "INFO", "e", "text", {"a": 1}, 0, {}, None, None)
    sent = [
        plain,
        replace(plain, body={"a": [1, None]}, trace_id=trace_id(), span_id=span_id()),
        replace(plain, body=None, attributes={}, severity_number=-1),
        replace(plain, body="[1]", time_ns=2**64 - 1, observed_ns=2**64 - 1),
        replace(plain, body=7),
        replace(plain, scope_attributes={"x": [1]}, dropped_attributes=4),
        replace(plain, resource_schema_url="r", scope_schema_url="s"),
        replace(plain, body=[1], envelope={"scope_dropped_attributes": 2}),
    ]
    items = [Item(log_row(one, Layout(Names()))) for one in sent]
    Group(store.cursor(), 100, Ledger(60)).commit([Batch("logs", "h", 1, items)])

    found = [log_of(row) for row in rows(store, f"SELECT {LOG_SELECT} FROM logs ORDER BY rowid")]

    assert sent == found


def test_metric_points_keep_their_scope(ingest, store):
    """Columns for what is often there, one for what is not."""
    point = {"timeUnixNano": "1", "count": str(2**64 - 1)}
    sent = metrics([{"name": "n", "histogram": {"dataPoints": [point]}}])
    (group,) = sent["resourceMetrics"]
    group["schemaUrl"], group["resource"]["droppedAttributesCount"] = "r", 3
    group["scopeMetrics"][0]["schemaUrl"] = "s"
    group["scopeMetrics"][0]["scope"]["attributes"] = pairs({"a": 1})
    post(ingest, sent, "metrics")

    told = "scope_attributes, resource_schema_url, scope_schema_url, sent_as"
    ((attributes, resource, scope, odd),) = rows(store, f"SELECT {told} FROM metric_points")

    assert ('{"a":1}', "r", "s") == (attributes, resource, scope)
    assert {"count": 2**64 - 1, "envelope": {"resource_dropped_attributes": 3}} == orjson.loads(odd)


def test_text_survives_the_way_through_the_database(ingest, store, tmp_path):
    """Injection stays text, and every character comes back."""
    texts = [
        "'; DROP TABLE spans; --",
        "' UNION SELECT * FROM read_csv('/etc/passwd') --",
        "<script>alert(1)</script>",
        "a\0b",
        "\ufeffx",
        "\u202e\u2066evil",
        "漢🧑‍🚀",
        "\x1b[2J\x1b]0;pwn\x07",
        "a\r\nSet-Cookie: x",
        "\uffff\ufdd0",
        "%s%n{0}{{x}}${jndi:ldap://127.0.0.1/a}",
    ]
    for text in texts:
        post(ingest, traces([span({"gen_ai.input.messages": text, text: text}, name=text)]))

    found = [span_of(row) for row in rows(store, f"SELECT {SPAN_SELECT} FROM spans ORDER BY rowid")]

    assert [(text, {"gen_ai.input.messages": text, text: text}) for text in texts] == [
        (one.name, one.attributes) for one in found
    ]


def test_decoded_spans_are_what_is_stored(ingest, store):
    """From bytes to table and back, nothing is lost."""
    body = orjson.dumps(traces([span({"a": [1, {"b": b"x"}], "c": 2.5}, kind=1)]))
    ingest.submit(body, signal="traces", encoding="json").result(30)

    (row,) = rows(store, f"SELECT {SPAN_SELECT} FROM spans")

    assert decode(body, signal="traces", encoding="json").records == [span_of(row)]
    assert len(LOGS.names) == len(LOG_SELECT.split(", "))


def test_names_that_do_not_repeat_stay_out_of_the_variant(store):
    """Each would become a column: 20,000 of them once cost a whole database at its checkpoint."""
    names = Names(limit=20)
    spans = [
        record(attributes={"app.tenant": "t", f"x{n}": 1, f"m.{n}.role": 2}) for n in range(50)
    ]
    items = [Item(span_row(one, Layout(names))) for one in spans]
    Group(store.cursor(), 100, Ledger(60)).commit([Batch("traces", "h", 1, items)])

    assert [(50,)] == rows(
        store, "SELECT count(*) FROM spans WHERE attributes.\"app.tenant\"::VARCHAR = 't'"
    )
    assert [(20,)] == rows(
        store,
        "SELECT count(DISTINCT k) FROM (SELECT unnest(variant_keys(attributes)) k FROM spans)",
    )
    assert [("2",)] == rows(
        store,
        "SELECT more_attributes->>'$.\"m.7.role\"' FROM spans WHERE more_attributes LIKE '%m.7.%'",
    )


def test_a_span_of_twenty_thousand_names_does_not_hold_up_a_checkpoint(ingest, store):
    """With every name a column of its own it took the database down."""
    group = Group(store.cursor(), 100, Ledger(60))
    group.commit([batch(*[record(attributes={"i": n}) for n in range(6000)])])
    post(ingest, traces([span({f"k{n}": "v" for n in range(20_000)})]))
    started = time.monotonic()
    store.cursor().execute("CHECKPOINT tellwhy")

    assert time.monotonic() - started < 20


def test_a_value_too_deep_for_json_keeps_its_step(store):
    """Deeper than orjson writes, but not than it reads: its outside stays, its inside is text."""
    deep = '{"a":' * 500 + "1" + "}" * 500
    told = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "dig"}
    one = record(attributes={**told, "gen_ai.tool.call.arguments": deep})
    Group(store.cursor(), 100, Ledger(60)).commit([batch(one)])

    ((name, arguments),) = rows(store, "SELECT tool_name, tool_arguments FROM steps")
    value, levels = orjson.loads(arguments), 0
    while isinstance(value, dict):
        value, levels = value["a"], levels + 1

    assert ("dig", 100) == (name, levels)
    assert '{"a":' * 400 + "1" + "}" * 400 == value.replace(" ", "")
