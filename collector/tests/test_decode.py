import base64
import json
import math

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1 import metrics_pb2 as m
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from tellwhy_collector.decode import decode
from tellwhy_collector.errors import MalformedExport
from tellwhy_collector.testing import logs, span, to_json, traces

TEXT = st.text(max_size=20)
UINT64 = st.integers(0, 2**64 - 1)
UINT32 = st.integers(0, 2**32 - 1)
INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)
DOUBLE = st.floats(width=64)
TRACE_ID = st.one_of(st.binary(min_size=16, max_size=16), st.binary(max_size=18))
SPAN_ID = st.one_of(st.binary(min_size=8, max_size=8), st.binary(max_size=10))


def many(inner, most=3):
    return st.lists(inner, max_size=most)


def optional(**fields):
    """Keyword arguments of which each may be missing."""
    return st.fixed_dictionaries({}, optional=fields)


def built(make, **fields):
    return optional(**fields).map(lambda given: make(**given))


ANY_VALUE = st.deferred(
    lambda: st.one_of(
        st.just(AnyValue()),
        TEXT.map(lambda x: AnyValue(string_value=x)),
        st.booleans().map(lambda x: AnyValue(bool_value=x)),
        INT64.map(lambda x: AnyValue(int_value=x)),
        DOUBLE.map(lambda x: AnyValue(double_value=x)),
        st.binary(max_size=20).map(lambda x: AnyValue(bytes_value=x)),
        many(ANY_VALUE).map(lambda x: AnyValue(array_value=ArrayValue(values=x))),
        many(KEY_VALUE).map(lambda x: AnyValue(kvlist_value=KeyValueList(values=x))),
    )
)
KEY_VALUE = st.builds(KeyValue, key=st.sampled_from(["", "a", "b", "ü\0"]), value=ANY_VALUE)
PAIRS = many(KEY_VALUE, 4)
RESOURCE = built(Resource, attributes=PAIRS)
SCOPE = built(InstrumentationScope, name=TEXT, version=TEXT, attributes=PAIRS)
EVENT = built(
    Span.Event, time_unix_nano=UINT64, name=TEXT, attributes=PAIRS, dropped_attributes_count=UINT32
)
LINK = built(
    Span.Link,
    trace_id=TRACE_ID,
    span_id=SPAN_ID,
    trace_state=TEXT,
    attributes=PAIRS,
    flags=UINT32,
    dropped_attributes_count=UINT32,
)
SPAN = built(
    Span,
    trace_id=TRACE_ID,
    span_id=SPAN_ID,
    parent_span_id=SPAN_ID,
    trace_state=TEXT,
    name=TEXT,
    kind=st.integers(0, 5),
    start_time_unix_nano=UINT64,
    end_time_unix_nano=UINT64,
    attributes=PAIRS,
    events=many(EVENT),
    links=many(LINK),
    status=built(Status, code=st.integers(0, 2), message=TEXT),
    flags=UINT32,
    dropped_attributes_count=UINT32,
    dropped_events_count=UINT32,
    dropped_links_count=UINT32,
)
LOG = built(
    LogRecord,
    trace_id=TRACE_ID,
    span_id=SPAN_ID,
    time_unix_nano=UINT64,
    observed_time_unix_nano=UINT64,
    severity_number=st.integers(0, 24),
    severity_text=TEXT,
    body=ANY_VALUE,
    event_name=TEXT,
    attributes=PAIRS,
    flags=UINT32,
    dropped_attributes_count=UINT32,
)
EXEMPLAR = st.one_of(
    *(
        built(
            m.Exemplar,
            time_unix_nano=UINT64,
            filtered_attributes=PAIRS,
            trace_id=TRACE_ID,
            span_id=SPAN_ID,
            **value,
        )
        for value in ({"as_int": INT64}, {"as_double": DOUBLE}, {})
    )
)
TIMES = {"start_time_unix_nano": UINT64, "time_unix_nano": UINT64, "attributes": PAIRS}
NUMBER_POINT = st.one_of(
    *(
        built(m.NumberDataPoint, **TIMES, flags=UINT32, exemplars=many(EXEMPLAR, 2), **value)
        for value in ({"as_int": INT64}, {"as_double": DOUBLE}, {})
    )
)
BUCKETS = built(m.ExponentialHistogramDataPoint.Buckets, offset=INT32, bucket_counts=many(UINT64))
SUMMED = {"count": UINT64, "sum": DOUBLE, "min": DOUBLE, "max": DOUBLE}
METRIC_DATA = st.one_of(
    st.just({}),
    built(m.Gauge, data_points=many(NUMBER_POINT)).map(lambda x: {"gauge": x}),
    built(
        m.Sum,
        data_points=many(NUMBER_POINT),
        aggregation_temporality=st.integers(0, 2),
        is_monotonic=st.booleans(),
    ).map(lambda x: {"sum": x}),
    built(
        m.Histogram,
        aggregation_temporality=st.integers(0, 2),
        data_points=many(
            built(
                m.HistogramDataPoint,
                **TIMES,
                **SUMMED,
                bucket_counts=many(UINT64),
                explicit_bounds=many(DOUBLE),
                exemplars=many(EXEMPLAR, 2),
            )
        ),
    ).map(lambda x: {"histogram": x}),
    built(
        m.ExponentialHistogram,
        aggregation_temporality=st.integers(0, 2),
        data_points=many(
            built(
                m.ExponentialHistogramDataPoint,
                **TIMES,
                **SUMMED,
                scale=INT32,
                zero_count=UINT64,
                zero_threshold=DOUBLE,
                positive=BUCKETS,
                negative=BUCKETS,
            )
        ),
    ).map(lambda x: {"exponential_histogram": x}),
    built(
        m.Summary,
        data_points=many(
            built(
                m.SummaryDataPoint,
                **TIMES,
                count=UINT64,
                sum=DOUBLE,
                quantile_values=many(
                    built(m.SummaryDataPoint.ValueAtQuantile, quantile=DOUBLE, value=DOUBLE)
                ),
            )
        ),
    ).map(lambda x: {"summary": x}),
)
METRIC = st.tuples(
    optional(name=TEXT, description=TEXT, unit=TEXT, metadata=PAIRS), METRIC_DATA
).map(lambda parts: m.Metric(**parts[0], **parts[1]))
REQUEST = {
    "traces": many(
        built(
            ResourceSpans,
            resource=RESOURCE,
            scope_spans=many(built(ScopeSpans, scope=SCOPE, spans=many(SPAN)), 2),
        ),
        2,
    ).map(lambda x: ExportTraceServiceRequest(resource_spans=x)),
    "logs": many(
        built(
            ResourceLogs,
            resource=RESOURCE,
            scope_logs=many(built(ScopeLogs, scope=SCOPE, log_records=many(LOG)), 2),
        ),
        2,
    ).map(lambda x: ExportLogsServiceRequest(resource_logs=x)),
    "metrics": many(
        built(
            m.ResourceMetrics,
            resource=RESOURCE,
            scope_metrics=many(built(m.ScopeMetrics, scope=SCOPE, metrics=many(METRIC)), 2),
        ),
        2,
    ).map(lambda x: ExportMetricsServiceRequest(resource_metrics=x)),
}


@pytest.mark.parametrize("signal", list(REQUEST))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_protobuf_and_json_give_equal_records(signal, data):
    """The same request means the same in both encodings, down to what is rejected and counted."""
    request = data.draw(REQUEST[signal])
    one = decode(request.SerializeToString(), signal=signal, encoding="protobuf")

    other = decode(to_json(request), signal=signal, encoding="json")

    assert repr(one.records) == repr(other.records)
    assert (one.rejected, one.repeated_keys) == (other.rejected, other.repeated_keys)


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, data):
    return bytes([number << 3 | 2]) + varint(len(data)) + data


def nested(levels, kind):
    value = {"stringValue": "leaf"}
    for _ in range(levels):
        if kind == "list":
            value = {"arrayValue": {"values": [value]}}
        else:
            value = {"kvlistValue": {"values": [{"key": "n", "value": value}]}}
    return value


@pytest.mark.parametrize("kind", ["list", "map"])
def test_both_encodings_stop_at_the_same_depth(kind):
    """JSON is held to protobuf's 100 levels, so no depth passes one door and not the other."""
    for levels in range(20, 60):
        # Built by hand: the library that writes protobuf has a limit of its own.
        value = field(1, b"leaf")
        for _ in range(levels):
            inner = field(1, value) if kind == "list" else field(1, field(2, value))
            value = field(5 if kind == "list" else 6, inner)
        sent = span()
        ids = field(1, bytes.fromhex(sent["traceId"])) + field(2, bytes.fromhex(sent["spanId"]))
        wire = field(1, field(2, field(2, ids + field(9, field(1, b"deep") + field(2, value)))))
        sent["attributes"] = [{"key": "deep", "value": nested(levels, kind)}]
        outcomes = []
        for body, encoding in ((wire, "protobuf"), (orjson.dumps(traces([sent])), "json")):
            try:
                outcomes.append(len(decode(body, signal="traces", encoding=encoding).records))
            except MalformedExport:
                outcomes.append("refused")

        assert outcomes[0] == outcomes[1], f"{levels} levels"
    assert "refused" == outcomes[0]


def one(request, signal="traces"):
    return decode(orjson.dumps(request), signal=signal, encoding="json")


def test_ids_are_lower_case_whatever_was_sent():
    """Hexadecimal ids are case-insensitive; a look-up needs one spelling."""
    sent = span(traceId="AB" * 16, spanId="Cd" * 8, parentSpanId="EF" * 8)

    record = one(traces([sent])).records[0]

    assert ("ab" * 16, "cd" * 8, "ef" * 8) == (
        record.trace_id,
        record.span_id,
        record.parent_span_id,
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"traceId": "0" * 32},
        {"traceId": "ab" * 8},
        {"traceId": "ab" * 17},
        {"traceId": ""},
        {"traceId": "zz" * 16},
        {"traceId": "abc"},
        {"traceId": base64.b64encode(b"x" * 16).decode()},
        {"spanId": "0" * 16},
        {"spanId": "ab" * 4},
        {"spanId": ""},
        {"parentSpanId": "ab"},
        {"links": [{"traceId": "xyz"}]},
    ],
)
def test_an_invalid_id_costs_only_its_own_span(wrong):
    """The good span beside it is kept, the count is exact, and the reason names the span."""
    decoded = one(traces([span(), span(name="odd", **wrong)]))

    assert (1, 1) == (len(decoded.records), decoded.rejected)
    assert "'odd'" in decoded.reasons[0]


def test_a_root_may_have_no_or_a_zero_parent():
    """Both are how senders say that there is none."""
    found = one(traces([span(parentSpanId=""), span(parentSpanId="0" * 16), span()])).records

    assert [None] * 3 == [record.parent_span_id for record in found]


def test_a_log_record_needs_no_ids():
    """Logs outside a span carry none; ids of another length reject the record."""
    sent = [{"timeUnixNano": "5"}, {"traceId": "0" * 32}, {"traceId": "ab" * 16}, {"spanId": "ab"}]

    decoded = one(logs(sent), "logs")

    assert [None, None, "ab" * 16] == [record.trace_id for record in decoded.records]
    assert 1 == decoded.rejected


def test_the_observed_time_stands_in_for_a_missing_one():
    """A log record is found in time whichever of the two its sender gave."""
    found = one(logs([{"observedTimeUnixNano": "7"}]), "logs").records[0]

    assert (7, 7) == (found.time_ns, found.observed_ns)


def test_half_a_character_costs_nothing_else():
    """JavaScript cuts an emoji in two and sends the half; pairs and escaped backslashes stay."""
    sent = {"resourceSpans": [{"scopeSpans": [{"spans": [span(name="NAME")]}]}]}
    body = orjson.dumps(sent).replace(b"NAME", rb"a\ud83d b\ud83d\ude00 c\\ud83d \udc00")

    (found,) = decode(body, signal="traces", encoding="json").records

    assert "a\ufffd b\U0001f600 c\\ud83d \ufffd" == found.name


def test_integers_keep_every_digit():
    """64-bit integers come as text or number; above 2^53 nothing is rounded."""
    sent = span()
    sent["attributes"] = [
        {"key": "number", "value": {"intValue": 9007199254740993}},
        {"key": "text", "value": {"intValue": "9223372036854775807"}},
        {"key": "float", "value": {"intValue": 3.0}},
    ]

    found = one(traces([sent])).records[0].attributes

    assert {"number": 9007199254740993, "text": 2**63 - 1, "float": 3} == found


def test_of_repeated_keys_the_last_wins_and_the_others_are_counted():
    """One rule, the same in both encodings and in the database."""
    sent = span()
    sent["attributes"] = [
        {"key": "k", "value": {"stringValue": "1"}},
        {"key": "k", "value": {"intValue": "2"}},
    ]

    decoded = one(traces([sent]))

    assert ({"k": 2}, 1) == (decoded.records[0].attributes, decoded.repeated_keys)


def test_values_that_json_cannot_write_become_their_names():
    """Not-a-number and the infinities are text afterwards, in either encoding."""
    sent = span({"a": 1.5})
    sent["attributes"] += [
        {"key": key, "value": {"doubleValue": value}}
        for key, value in (("n", "NaN"), ("p", "Infinity"), ("m", "-Infinity"), ("t", "2.5"))
    ]

    found = one(traces([sent])).records[0].attributes

    assert {"a": 1.5, "n": "NaN", "p": "Infinity", "m": "-Infinity", "t": 2.5} == found


def test_unknown_fields_are_ignored_at_every_level():
    """A sender of tomorrow's OTLP is understood today."""
    request = traces([span(futureField={"x": [1]})])
    request["future"] = 1
    request["resourceSpans"][0]["future"] = {"deep": {"deeper": []}}
    request["resourceSpans"][0]["resource"]["entityRefs"] = [{"type": "service"}]

    assert 1 == len(one(request).records)


def test_references_into_a_string_table_count_as_absent():
    """They belong to profiles; elsewhere OTLP says to treat them as not there."""
    sent = span()
    sent["attributes"] = [{"keyStrindex": 3, "value": {"stringValueStrindex": 4}}]

    assert {"": None} == one(traces([sent])).records[0].attributes


def test_snake_case_keys_are_unknown_fields():
    """OTLP/JSON has lowerCamelCase keys only."""
    assert [] == one({"resource_spans": [{"scope_spans": [{"spans": [span()]}]}]}).records


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_an_empty_request_is_no_error(signal, encoding):
    """Senders may send nothing, and envelopes with nothing in them."""
    body = b"" if encoding == "protobuf" else b"{}"

    assert [] == decode(body, signal=signal, encoding=encoding).records


def test_a_message_says_what_stood_where():
    """The sender's developer can find the key."""
    with pytest.raises(MalformedExport, match="name is 5; OTLP/JSON has text there"):
        one(traces([span(name=5)]))


def test_metric_integers_keep_every_digit():
    """A double cannot hold them all, so the exact integer stands beside it."""
    point = {"timeUnixNano": "1", "asInt": str(2**60 + 1)}
    request = {
        "resourceMetrics": [
            {"scopeMetrics": [{"metrics": [{"name": "n", "gauge": {"dataPoints": [point]}}]}]}
        ]
    }

    found = one(request, "metrics").records[0]

    assert (float(2**60), 2**60 + 1) == (found.value, found.data["as_int"])
    assert math.isfinite(found.value)


def test_json_records_are_json():
    """Attribute values can be written as JSON again, as they are."""
    sent = span({"b": bytes(range(256)), "list": [1, [2.5, {"k": True}]], "none": None})

    found = one(traces([sent])).records[0].attributes

    assert found == json.loads(json.dumps(found))
