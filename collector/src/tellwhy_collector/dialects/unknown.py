"""The last resort: a span that no dialect knows is a step of kind ``other``."""

from tellwhy_collector.dialects.envelope import step_of_span
from tellwhy_collector.records import Record, Span, Step

NAME = "unknown"


def recognises(record: Record) -> bool:
    """Every span; log records that nobody knows stay in ``logs`` alone."""
    return isinstance(record, Span)


def read(record: Record) -> Step | None:
    """Name, times and status, so that nothing disappears from a trace."""
    return step_of_span(record, NAME, "other") if isinstance(record, Span) else None
