"""The short way to a span's attributes ends where the SDK's own does."""

import pytest
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.trace import INVALID_SPAN

from tellwhy._telling import tell

FOUND = {
    "text": "t",
    "number": 1,
    "real": 0.5,
    "flag": True,
    "before": "changed",
    "list": ["a", "b"],
    "mixed": ["a", 1],
    "mapping": {"k": ["v"]},
    "none": None,
    "object": object,
}


class Derived(str):
    """A text of the host's own kind."""

    __slots__ = ()


def started(**limits):
    """A span with two attributes."""
    provider = TracerProvider(shutdown_on_exit=False, span_limits=SpanLimits(**limits))
    return provider.get_tracer("t").start_span("s", attributes={"before": "x", "other": "y"})


@pytest.mark.parametrize(
    "limits",
    [{}, {"max_span_attributes": 4}, {"max_span_attribute_length": 2}, {"max_span_attributes": 0}],
)
def test_a_span_says_the_same_either_way(limits):
    """Whatever the limits and the values are."""
    short, public = started(**limits), started(**limits)
    found = {**FOUND, "derived": Derived("d")}
    tell(short, found)
    public.set_attributes(found)

    assert dict(public.attributes) == dict(short.attributes)
    assert public.dropped_attributes == short.dropped_attributes


def test_what_a_list_becomes_later_is_not_recorded():
    """The span holds what was told."""
    span, told = started(), ["a"]
    tell(span, {"list": told})
    told.append("b")

    assert ("a",) == span.attributes["list"]


def test_a_span_that_has_ended_is_told_nothing(caplog):
    """It may be on its way already."""
    span = started()
    span.end()
    tell(span, {"late": 1})

    assert "late" not in span.attributes
    assert "ended span" in caplog.text


def test_a_span_that_records_nothing_takes_anything():
    """As for calls that are not sampled."""
    tell(INVALID_SPAN, {"a": 1})
