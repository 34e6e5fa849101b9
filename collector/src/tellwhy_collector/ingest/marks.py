"""What a tracer of ours marks on its spans: its process, their order, and whether they ended."""

from __future__ import annotations

from typing import Any

from tellwhy_collector.dialects.envelope import lost_reason
from tellwhy_collector.records import Span

INSTANCE, SEQUENCE = "tellwhy.process.instance", "tellwhy.sequence"
"""Attributes that move out of ``attributes`` into columns of their own: which process, and the
place of a span among all that ended in it."""

MAX_INSTANCE, MAX_SEQUENCE = 64, 2**53
"""What is longer or greater was not written by a tracer of ours, and stays where it is."""

LOST_RANK, ENDED_RANK = 1_000, 1_001
"""Of two records of one span the one of higher rank stays: a real end before a stated one, that
before a start; of two starts the one that says more."""


def without_process(attributes: dict[str, Any]) -> tuple[dict[str, Any], str | None, int | None]:
    """*attributes* without process and sequence number, and these."""
    instance, sequence = attributes[INSTANCE], attributes.get(SEQUENCE)
    if type(instance) is not str or not 0 < len(instance) <= MAX_INSTANCE:
        return attributes, None, None
    rest = attributes.copy()
    del rest[INSTANCE]
    if type(sequence) is not int or not 0 < sequence <= MAX_SEQUENCE:
        return rest, instance, None
    del rest[SEQUENCE]
    return rest, instance, sequence


def rank_of(span: Span) -> int:
    """Which record of one span stays; see `ENDED_RANK`."""
    if span.end_ns is None:
        return min(len(span.attributes), LOST_RANK - 1)
    return ENDED_RANK if lost_reason(span) is None else LOST_RANK
