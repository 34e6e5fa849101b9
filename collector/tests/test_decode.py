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
    EntityRef,
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
from tellwhy_collector.testing import span, to_json, traces

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
ENTITY = built(
    EntityRef, schema_url=TEXT, type=TEXT, id_keys=many(TEXT), description_keys=many(TEXT)
)
RESOURCE = built(
    Resource, attributes=PAIRS, dropped_attributes_count=UINT32, entity_refs=many(ENTITY, 2)
)
SCOPE = built(
    InstrumentationScope,
    name=TEXT,
    version=TEXT,
    attributes=PAIRS,
    dropped_attributes_count=UINT32,
)
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
            schema_url=TEXT,
            scope_spans=many(built(ScopeSpans, scope=SCOPE, spans=many(SPAN), schema_url=TEXT), 2),
        ),
        2,
    ).map(lambda x: ExportTraceServiceRequest(resource_spans=x)),
    "logs": many(
        built(
            ResourceLogs,
            resource=RESOURCE,
            schema_url=TEXT,
            scope_logs=many(
                built(ScopeLogs, scope=SCOPE, log_records=many(LOG), schema_url=TEXT), 2
            ),
        ),
        2,
    ).map(lambda x: ExportLogsServiceRequest(resource_logs=x)),
    "metrics": many(
        built(
            m.ResourceMetrics,
            resource=RESOURCE,
            schema_url=TEXT,
            scope_metrics=many(
                built(m.ScopeMetrics, scope=SCOPE, metrics=many(METRIC), schema_url=TEXT), 2
            ),
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
