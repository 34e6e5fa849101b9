"""For your tests: what your agent would have recorded, as plain dictionaries, without a collector.

.. code-block:: python

    def test_the_agent_looks_before_it_refunds():
        with tellwhy.testing.recording() as recorded:
            handle_ticket("4412")
        assert recorded.names() == ["execute_tool get_order", "invoke_agent handle_ticket"]

Identifiers count up from 1 and times are the order of what happened, so whole records can stand in
a test as they are.

And a model that needs neither key nor network, whose choices follow a rule of yours:

.. code-block:: python

    def rule(context):
        if "damaged" in context.result("get_order"):
            return tellwhy.testing.Call("refund", {"order": "4412"})
        return "All is well."


    with tellwhy.testing.model_server(rule) as server:
        client = anthropic.Anthropic(base_url=server.url, api_key="offline")
"""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator

from tellwhy import _attributes as names
from tellwhy import _configure, _settings
from tellwhy._model_server import (
    Call,
    Context,
    Message,
    ModelServer,
    Rule,
    ToolResult,
    WireRequest,
    serve,
)
from tellwhy._recording.giving import given

__all__ = [
    "TICK_NS",
    "Call",
    "Context",
    "CountedIds",
    "Message",
    "ModelServer",
    "Recording",
    "Rule",
    "ToolResult",
    "WireRequest",
    "finished",
    "model_server",
    "rebuilt",
    "recording",
]

TICK_NS = 1_000_000_000
"""Distance of two times in `Recording.spans`, in nanoseconds."""

Plain = dict[str, Any]


class CountedIds(IdGenerator):
    """1, 2, 3, …: the same identifiers in every run of a test."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.restart()

    def restart(self) -> None:
        """Begin at 1 again."""
        self._span = self._trace = 0

    def generate_span_id(self) -> int:
        """The next span id."""
        with self._lock:
            self._span += 1
            return self._span

    def generate_trace_id(self) -> int:
        """The next trace id."""
        with self._lock:
            self._trace += 1
            return self._trace


class Recording(SpanProcessor):
    """The spans that ended so far."""

    def __init__(self) -> None:
        self._ended: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        """Keep an ended span."""
        self._ended.append(span)

    def names(self) -> list[str]:
        """Names of the spans, in the order in which they ended."""
        return [span.name for span in self._ended]

    def spans(self, *, decode_json: bool = False) -> list[Plain]:
        """Every ended span as a dictionary, in the order in which they started.

        Args:
            decode_json: Give attributes that hold JSON text as what the text says.

        Returns:
            ``name, trace_id, span_id, parent_id, kind, status, message, start_ns, end_ns, scope,
            attributes, events, links`` of each. Ids are lower-case hex; the earliest time is
            1,000,000,000 and each later one a second more.
        """
        clock = _order_of_times(self._ended)
        ordered = sorted(self._ended, key=lambda span: (span.start_time or 0, _id_of(span)))
        return [_plain(span, clock, decode_json=decode_json) for span in ordered]

    def span(self, name: str, *, decode_json: bool = False) -> Plain:
        """The only span of that name.

        Raises:
            LookupError: There is none, or more than one; the message lists what there is.
        """
        found = [each for each in self.spans(decode_json=decode_json) if each["name"] == name]
        if len(found) != 1:
            raise LookupError(f"{len(found)} spans are named {name!r}; recorded: {self.names()}")
        return found[0]

    def decisions(self) -> list[list[Plain]]:
        """What each model call chose, in the order in which the models were asked.

        Returns:
            For each call a list of ``{"action", "name"?, "arguments"?}``: what a recorded run has in
            its decisions, without ids and texts.
        """
        return [
            _chosen(each["attributes"])
            for each in self.spans(decode_json=True)
            if each["attributes"].get(names.STEP_KIND) == "model_call"
        ]

    def clear(self) -> None:
        """Forget what ended so far."""
        self._ended.clear()


class _Switch(SpanProcessor):
    """Passes ended spans to the recording that is open."""

    target: Recording | None = None

    def on_end(self, span: ReadableSpan) -> None:
        """Hand over an ended span."""
        if self.target is not None:
            self.target.on_end(span)


class _Shared:
    """One provider for the whole process: SDKs keep the first tracer that they are given."""

    ids = CountedIds()
    switch = _Switch()
    provider: TracerProvider | None = None


def finished(outcome: Any) -> Any:
    """What an agent gave: a coroutine is run, a generator is read to its end into a list."""
    if inspect.iscoroutine(outcome):
        return asyncio.run(outcome)
    if inspect.isasyncgen(outcome):
        return asyncio.run(_read(outcome))
    return list(outcome) if inspect.isgenerator(outcome) else outcome


async def _read(outcome: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in outcome]


def rebuilt(text: str, main: str = "__main__") -> Any:
    """The value that an exported test holds as JSON text: dates, data classes and the like.

    Args:
        text: As `tellwhy export pytest` wrote it.
        main: The name that the module has now which was ``__main__`` when it was recorded.
    """
    return given(json.loads(text), main)


def model_server(
    rule: Rule | None = None, *, noise: float = 0.0, seed: int = 0, port: int = 0
) -> ModelServer:
    """A model for tests, on loopback: real SDKs talk to it, streaming or not.

    It speaks Anthropic Messages, OpenAI chat completions, OpenAI responses and embeddings.

    Args:
        rule: Gets the `Context` of each request; gives a `Call`, a list of them, the text of an
            answer, or a step as a script has it, such as ``{"error": {"status": 429}}``. Without
            a rule the prompt says what is answered: ``Book it. <<script:[{"text": "Done."}]>>``.
        noise: How often another tool, or an answer, is chosen than the rule says. 0 to 1.
        seed: The same seed and requests give the same answers.
        port: Where to listen; 0 picks a free one.

    Returns:
        A server that already answers; it ends with its ``with`` block. ``server.url`` is what an
        Anthropic client wants as ``base_url``, an OpenAI client wants ``server.url + "/v1"``;
        ``server.requests`` has what was asked.

    Raises:
        ValueError: *noise* is no rate.
    """
    return serve(port, rule=rule, noise=noise, seed=seed)


@contextmanager
def recording(**settings: Any) -> Iterator[Recording]:
    """Record in memory instead of sending, for the length of a ``with`` block.

    Args:
        **settings: Settings of `configure` for the block, such as ``content="none"``.
    """
    if _Shared.provider is None:
        resource = Resource({"service.name": "test"})
        _Shared.provider = TracerProvider(
            resource=resource, id_generator=_Shared.ids, shutdown_on_exit=False
        )
        _Shared.provider.add_span_processor(_Shared.switch)
    outer, recorded = _Shared.switch.target, Recording()
    _Shared.switch.target = recorded
    if outer is None:
        _Shared.ids.restart()
    try:
        with (
            _settings.changed(**{"disabled": False, **settings}),
            _configure.borrowed(_Shared.provider),
        ):
            yield recorded
    finally:
        _Shared.switch.target = outer


def _chosen(attributes: Plain) -> list[Plain]:
    parts = [
        part
        for message in attributes.get("gen_ai.output.messages", [])
        for part in message.get("parts", [])
    ]
    arguments = {part.get("id"): part["arguments"] for part in parts if "arguments" in part}
    found = []
    for each in attributes.get(names.DECISION_CHOSEN, []):
        known = {name: each[name] for name in ("action", "name") if name in each}
        if each.get("tool_call_id") in arguments:
            known["arguments"] = arguments[each["tool_call_id"]]
        found.append(known)
    return found


def _plain(span: ReadableSpan, clock: dict[int, int], *, decode_json: bool) -> Plain:
    context, scope = span.get_span_context(), span.instrumentation_scope
    return {
        "name": span.name,
        "trace_id": f"{context.trace_id:032x}" if context else "",
        "span_id": f"{_id_of(span):016x}",
        "parent_id": f"{span.parent.span_id:016x}" if span.parent else None,
        "kind": span.kind.name.lower(),
        "status": span.status.status_code.name.lower(),
        "message": span.status.description,
        "start_ns": clock.get(span.start_time or 0),
        "end_ns": clock.get(span.end_time or 0),
        "scope": scope.name if scope else None,
        "attributes": _attributes(span.attributes, decode_json=decode_json),
        "events": [
            {
                "name": event.name,
                "time_ns": clock.get(event.timestamp),
                "attributes": _attributes(event.attributes, decode_json=decode_json),
            }
            for event in span.events
        ],
        "links": [f"{link.context.span_id:016x}" for link in span.links],
    }


def _attributes(attributes: Any, *, decode_json: bool) -> Plain:
    plain = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in (attributes or {}).items()
    }
    if decode_json:
        plain = {name: _decoded(value) for name, value in plain.items()}
    return plain


def _decoded(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(("{", "[", '"')):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _order_of_times(spans: list[ReadableSpan]) -> dict[int, int]:
    times = {time for span in spans for time in (span.start_time or 0, span.end_time or 0)}
    times |= {event.timestamp for span in spans for event in span.events}
    return {time: (place + 1) * TICK_NS for place, time in enumerate(sorted(times))}


def _id_of(span: ReadableSpan) -> int:
    context = span.get_span_context()
    return context.span_id if context else 0
