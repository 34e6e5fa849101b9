"""Span ids that are stated instead of drawn, for what more than one process tells of.

A durable workflow is replayed, and goes on in whatever process comes next: if all of them compute
the same ids, what they tell is one span. The SDK asks its tracer's id generator; ours is in front.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, cast

T = TypeVar("T")

_stated: ContextVar[tuple[int, int] | None] = ContextVar("tellwhy_stated_ids", default=None)


@contextmanager
def stated(trace_id: int, span_id: int) -> Iterator[None]:
    """The span that is started inside has these ids; *trace_id* only if it has no parent."""
    token = _stated.set((trace_id, span_id))
    try:
        yield
    finally:
        _stated.reset(token)


def is_stated() -> bool:
    """Whether the span that is started here gets stated ids."""
    return _stated.get() is not None


def heeding(tracer: T) -> T:
    """*tracer* with `stated` ids heeded; one that is not the SDK's as it is."""
    if not hasattr(tracer, "id_generator"):
        return tracer
    same = copy.copy(tracer)
    cast("Any", same).id_generator = _Generator(cast("Any", tracer).id_generator)
    return same


class _Generator:
    """Gives the stated ids, else those of the provider's own generator."""

    __slots__ = ("_others",)

    def __init__(self, others: Any) -> None:
        self._others = others

    def generate_trace_id(self) -> int:
        """The stated one, else a new one."""
        ids = _stated.get()
        return ids[0] if ids is not None else int(self._others.generate_trace_id())

    def generate_span_id(self) -> int:
        """The stated one, else a new one."""
        ids = _stated.get()
        return ids[1] if ids is not None else int(self._others.generate_span_id())

    def is_trace_id_random(self) -> bool:
        """Whether trace ids may be called random; newer SDKs ask."""
        said = getattr(self._others, "is_trace_id_random", None)
        return _stated.get() is None and said is not None and bool(said())
