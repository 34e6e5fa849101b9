"""What pydantic-ai writes its own attributes to, where a step of ours stands for its span."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.trace import Span, SpanContext, SpanKind, Tracer

from tellwhy._open_step import OpenStep

HELD_BY_MODEL_CALLS = frozenset(
    {"pydantic_ai.all_messages", "gen_ai.system_instructions", "gen_ai.input.messages"}
    | {"gen_ai.output.messages", "model_request_parameters", "logfire.json_schema", "final_result"}
    | {"pydantic_ai.new_message_index", "logfire.msg"}
)
"""Attributes of a run that its model calls say already, or that are for one viewer."""


class RunSpan(Span):
    """Stands for the span of an agent's run, without what its model calls say."""

    def __init__(self, step: OpenStep, final: Callable[[Any], object]) -> None:
        self._step = step
        self._final = final

    def set_attribute(self, key: str, value: Any) -> None:
        if key == "final_result":
            self._final(value)
        if key not in HELD_BY_MODEL_CALLS:
            self._step.span.set_attribute(key, value)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        for key, value in attributes.items():
            self.set_attribute(key, value)

    def get_span_context(self) -> SpanContext:
        return self._step.span.get_span_context()

    def is_recording(self) -> bool:
        return self._step.span.is_recording()

    def add_event(self, *args: Any, **kwargs: Any) -> None:
        self._step.span.add_event(*args, **kwargs)

    def update_name(self, name: str) -> None:
        """Nothing: the name is ours."""

    def set_status(self, *args: Any, **kwargs: Any) -> None:
        self._step.span.set_status(*args, **kwargs)

    def record_exception(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: the error itself passes by."""

    def end(self, end_time: int | None = None) -> None:
        """Nothing: the step ends with its block."""


class ChatSpan(Span):
    """Keeps what is said of a model call until it is known whether somebody else records it."""

    def __init__(self, around: SpanContext, said: Mapping[str, Any]) -> None:
        self._around = around
        self._started_ns = time.time_ns()
        self._name: str | None = None
        self._then: list[Callable[[Span], object]] = []
        self.attributes = dict(said)

    def write(self, tracer: Tracer, name: str, kind: SpanKind | None) -> None:
        """Nobody else does: make the span after all."""
        span = tracer.start_span(
            self._name or name,
            kind=kind or SpanKind.CLIENT,
            attributes=self.attributes,
            start_time=self._started_ns,
        )
        for each in self._then:
            each(span)
        span.end()

    def set_attribute(self, key: str, value: Any) -> None:
        self.attributes[key] = value

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        self.attributes.update(attributes)

    def get_span_context(self) -> SpanContext:
        """Of what it stands in: what happens inside belongs there."""
        return self._around

    def is_recording(self) -> bool:
        return True

    def add_event(self, *args: Any, **kwargs: Any) -> None:
        self._then.append(lambda span: span.add_event(*args, **kwargs))

    def update_name(self, name: str) -> None:
        self._name = name

    def set_status(self, *args: Any, **kwargs: Any) -> None:
        self._then.append(lambda span: span.set_status(*args, **kwargs))

    def record_exception(self, *args: Any, **kwargs: Any) -> None:
        self._then.append(lambda span: span.record_exception(*args, **kwargs))

    def end(self, end_time: int | None = None) -> None:
        """Nothing: `write` does it."""
