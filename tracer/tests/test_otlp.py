"""Spans written as OTLP by ourselves are what protobuf's own encoder makes of them."""

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from tellwhy import _otlp
from tellwhy._spool.carriers import Carriers
from tellwhy._spool.spans import Begun, request

VALUES = {
    "text": "a text",
    "empty": "",
    "long": "ü" * 70_000,
    "kilobyte": "x" * 1023,
    "true": True,
    "false": False,
    "zero": 0,
    "one": 1,
    "negative": -5,
    "largest": 2**63 - 1,
    "smallest": -(2**63),
    "real": 0.1,
    "none": None,
    "bytes": b"\x00\xff",
    "texts": ["a", "", "ü"],
    "mixed": ["a", 1, 2.5, False, None, ["b", []], {"k": "v"}],
    "mapping": {"a": 1, "b": {"c": ["d"]}, "e": {}},
}


class Shelf(SpanProcessor):
    """Keeps what ended."""

    def __init__(self):
        self.spans = []

    def on_end(self, span):
        """Keep one."""
        self.spans.append(span)


@pytest.fixture
def shelf():
    """Where the spans of `provider` end."""
    return Shelf()


@pytest.fixture
def provider(shelf):
    """A provider with small limits, so that something is dropped."""
    limits = SpanLimits(max_span_attributes=30, max_events=3, max_links=3)
    resource = Resource({"service.name": "s", "n": 1}, "https://schema.example/r")
    made = TracerProvider(shutdown_on_exit=False, resource=resource, span_limits=limits)
    made.add_span_processor(shelf)
    return made


def ours(spans):
    """What we write, read by protobuf."""
    carriers = Carriers()
    written = [(carriers.number(span), Begun(span).ended(span)) for span in spans]
    return ExportTraceServiceRequest.FromString(request(written, carriers.payloads))


def test_every_kind_of_value_is_written_as_protobuf_writes_it(provider, shelf):
    """Texts short and long, numbers at their limits, bytes, lists and mappings."""
    span = provider.get_tracer("t").start_span("ü", attributes=VALUES)
    span.add_event("e", VALUES, timestamp=5)
    span.end()

    assert encode_spans(shelf.spans) == ours(shelf.spans)


@pytest.mark.parametrize("kind", list(SpanKind))
def test_structure_is_written_as_protobuf_writes_it(provider, shelf, kind):
    """Parents here and elsewhere, trace state, links, status, scopes, and what was dropped."""
    state = TraceState([("a", "1"), ("b", "2")])
    remote = SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(1), trace_state=state)
    tracer = provider.get_tracer("t", "1.0", "https://schema.example/t", {"k": "v"})
    above = set_span_in_context(NonRecordingSpan(remote))
    plain = SpanContext(9, 10, is_remote=False)
    links = [Link(SpanContext(9, 10, is_remote=True), {"why": "x"}), *[Link(plain)] * 4]
    first = tracer.start_span("first", context=above, kind=kind, links=links)
    for number in range(40):
        first.set_attribute(f"a{number}", number)
        first.add_event(f"e{number}")
    first.set_status(Status(StatusCode.ERROR, "it ü failed"))
    second = provider.get_tracer("other").start_span("", context=set_span_in_context(first))
    second.set_status(StatusCode.OK)
    third = tracer.start_span("third")
    for span in (second, first, third):
        span.end()

    assert encode_spans(shelf.spans) == ours(shelf.spans)


def test_a_span_that_has_not_ended_or_started_has_no_such_time():
    """Scope and resource may be missing too, as in spans that somebody made by hand."""
    context, empty = SpanContext(1, 2, is_remote=False), Resource({})
    spans = [
        ReadableSpan("a", context, resource=empty, start_time=3),
        ReadableSpan("b", context, resource=empty, instrumentation_scope=InstrumentationScope("s")),
        ReadableSpan("c", context),
    ]

    assert encode_spans(spans) == ours(spans)


def test_the_trace_state_of_a_link_is_kept():
    """The other encoder leaves it out."""
    context = SpanContext(1, 2, is_remote=False, trace_state=TraceState([("a", "1")]))
    span = ReadableSpan("a", context, links=[Link(context)])
    [written] = ours([span]).resource_spans[0].scope_spans[0].spans

    assert ("a=1", "a=1") == (written.trace_state, written.links[0].trace_state)


@pytest.mark.parametrize("value", [2**63, object(), ["a", 2**64], {"k": object()}])
def test_a_value_that_cannot_be_written_costs_itself_alone(value):
    """It is counted among the dropped attributes of its span."""
    context = SpanContext(1, 2, is_remote=False)
    span = ReadableSpan("a", context, attributes={"before": 1, "bad": value, "behind": 2})
    [written] = ours([span]).resource_spans[0].scope_spans[0].spans

    assert ["before", "behind"] == [each.key for each in written.attributes]
    assert 1 == written.dropped_attributes_count


@pytest.mark.parametrize("time", [-1, 2**64])
def test_a_time_that_cannot_be_written_is_an_error(time):
    """A span without a place in time is no span."""
    context = SpanContext(1, 2, is_remote=False)
    with pytest.raises(ValueError, match="no time"):
        Begun(ReadableSpan("a", context, start_time=time))


def test_names_of_attributes_are_kept_up_to_a_bound(monkeypatch):
    """Names out of data do not fill the memory."""
    monkeypatch.setattr(_otlp, "_keys", {})
    monkeypatch.setattr(_otlp, "MAX_KEYS", 5)
    context = SpanContext(1, 2, is_remote=False)
    span = ReadableSpan("a", context, attributes={f"k{number}": 1 for number in range(9)})

    assert encode_spans([span]) == ours([span])
    assert 5 == len(_otlp._keys)
