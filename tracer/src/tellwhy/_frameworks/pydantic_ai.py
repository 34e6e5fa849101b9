"""pydantic-ai: agents, tools with the model's ids, approvals that a later run brings.

pydantic-ai traces itself through whatever tracer it is given, and that is its public hook: it is
given one of ours. What people have answered comes with `Agent.iter`, which has no hook and is
wrapped. Of its spans an agent's run and a tool's call become steps of ours; the span of a
model call is left out where the client hook records the same call; all others are passed on.
Settings that the program has made itself stay, and then its own spans are what is recorded.

Source:
    pydantic-ai 2.68: capabilities/instrumentation.py, models/instrumented.py, tools.py.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, Span
from pydantic_ai import Agent, InstrumentationSettings

from tellwhy import _attributes as names
from tellwhy import _configure, _runs, _settings, _spans
from tellwhy._frameworks.pauses import Pauses, Question
from tellwhy._frameworks.pydantic_ai_spans import ChatSpan, RunSpan
from tellwhy._frameworks.steps import labelled
from tellwhy._guard import guarded
from tellwhy._open_step import NOTHING, OpenStep
from tellwhy._places import here

HOOKED = frozenset({"anthropic", "openai"})
"""Providers whose calls the client hook records."""

PAUSES = Pauses("pydantic_ai")

_SAID = {names.FRAMEWORK: "pydantic_ai"}

_brought: ContextVar[tuple[Any, Sequence[Any]] | None] = ContextVar("tellwhy_brought", default=None)
"""Answers, and the messages in which the calls stand, for the run that is about to begin."""


class _Tracer(trace.Tracer):
    """What pydantic-ai is given as its tracer."""

    def __init__(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._arguments = arguments
        self._kwargs = kwargs
        self._hooked: set[str] = set()
        """Names of spans of model calls that the client hook records."""

    def start_span(self, name: str, *args: Any, **kwargs: Any) -> Span:
        return self._native().start_span(name, *args, **kwargs)

    def start_as_current_span(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self._current(name, *args, **kwargs)

    @contextmanager
    def _current(self, name: str, *args: Any, **kwargs: Any) -> Iterator[Span]:
        said = kwargs.get("attributes") or {}
        operation = said.get("gen_ai.operation.name")
        step: OpenStep = NOTHING
        span: Span | None = None
        if operation == "invoke_agent":
            step, span = _agent(said)
        elif operation == "execute_tool":
            step, span = _tool(said)
        elif operation == "chat" and _settings.current().client_hook:
            with self._chat(name, said, kwargs) as span:
                yield span
            return
        if span is None:
            with self._native().start_as_current_span(name, *args, **kwargs) as native:
                yield native
            return
        step.enter()
        try:
            yield span
        except BaseException as error:
            step.failed(error)
            raise
        step.ended()

    @contextmanager
    def _chat(self, name: str, said: Mapping[str, Any], kwargs: dict[str, Any]) -> Iterator[Span]:
        """A model call: which provider is asked shows inside, and then whether we record it."""
        around = trace.get_current_span(here()).get_span_context()
        if name in self._hooked:
            yield NonRecordingSpan(around)
            return
        chat = ChatSpan(around, said)
        try:
            yield chat
        finally:
            said = chat.attributes
            provider = said.get("gen_ai.provider.name", said.get("gen_ai.system"))
            if provider in HOOKED:
                self._hooked.add(name)
            else:
                chat.write(self._native(), name, kwargs.get("kind"))

    def _native(self) -> trace.Tracer:
        return trace.get_tracer_provider().get_tracer(*self._arguments, **self._kwargs)


class _Provider(trace.TracerProvider):
    def get_tracer(self, *args: Any, **kwargs: Any) -> trace.Tracer:
        return _Tracer(args, kwargs)


def _agent(said: Mapping[str, Any]) -> tuple[OpenStep, Span | None]:
    with guarded("starting a run of pydantic-ai"):
        if _configure.ensure_configured():
            conversation = str(said.get("gen_ai.conversation.id") or "")
            around = here()
            if _runs.run_in(around) is None:
                around = PAUSES.goes_on(conversation) or around
            step = _spans.begin_agent(
                str(said.get("gen_ai.agent.name") or "agent"),
                None,
                conversation_id=conversation or None,
                context=around,
                said=_SAID | labelled({"gen_ai.agent.call.id": said.get("gen_ai.agent.call.id")}),
            )
            _answer(step, conversation)
            return step, RunSpan(step, lambda value: _final(step, conversation, value))
    return NOTHING, None


def _answer(step: OpenStep, conversation: str) -> None:
    """Write the answers that this run begins with, also to what another process has asked."""
    results, messages = _brought.get() or (None, ())
    _brought.set(None)
    for call_id, given in (getattr(results, "approvals", None) or {}).items():
        name = _name_in(messages, call_id) or "tool"
        asked = PAUSES.by_call(call_id) or Question("", name, call_id=call_id)
        approved = given is True or getattr(given, "kind", None) == "tool-approved"
        PAUSES.answer(
            conversation,
            asked,
            None if approved else getattr(given, "message", None),
            context=step.context,
            approved=approved,
            by=(getattr(results, "answered_by", None) or {}).get(call_id),
        )


def _name_in(messages: Sequence[Any], call_id: str) -> str | None:
    """The tool of the call *call_id*, from the newest message that has it."""
    for message in reversed(messages):
        for part in getattr(message, "parts", ()):
            if getattr(part, "tool_call_id", None) == call_id:
                return str(part.tool_name)
    return None


def _tool(said: Mapping[str, Any]) -> tuple[OpenStep, Span | None]:
    with guarded("starting a tool of pydantic-ai"):
        if _configure.ensure_configured():
            arguments = _parsed(said.get(names.TOOL_CALL_ARGUMENTS, said.get("tool_arguments")))
            call_id = said.get(names.TOOL_CALL_ID)
            step = _spans.begin_tool(
                str(said.get(names.TOOL_NAME)),
                arguments if isinstance(arguments, dict) else {},
                call_id=call_id,
                said=_SAID,
            )
            asked = PAUSES.by_call(call_id)
            if asked is not None:  # it runs: somebody has allowed it
                conversation = step.run.conversation_id if step.run is not None else None
                PAUSES.answer(conversation or "", asked, None, context=step.context, approved=True)
            return step, step.span
    return NOTHING, None


@guarded("reading the result of a run of pydantic-ai")
def _final(step: OpenStep, conversation: str, value: Any) -> None:
    """What a run gave back: an answer, or calls that wait for somebody's leave."""
    found = _parsed(value)
    waiting = found.get("approvals") if isinstance(found, dict) else None
    for call in waiting if isinstance(waiting, list) else ():
        if isinstance(call, dict) and call.get("tool_call_id"):
            step.span.set_attribute(names.PAUSED, True)
            PAUSES.ask(
                conversation,
                call["tool_call_id"],
                str(call.get("tool_name")),
                shown=_parsed(call.get("args")),
                call_id=call["tool_call_id"],
                context=step.context,
            )
    if not waiting and step.run is not None and step.run.root == step.span.get_span_context():
        step.result(found)


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def _bringing(original: Any) -> Any:
    @functools.wraps(original)
    def iter_(self: Any, *args: Any, **kwargs: Any) -> Any:
        results = kwargs.get("deferred_tool_results")
        history = kwargs.get("message_history") or ()
        _brought.set(None if results is None else (results, history))
        return original(self, *args, **kwargs)

    return iter_


def install() -> Callable[[], None]:
    """Instrument every agent that the program does not instrument itself; gives the way back."""
    agent: Any = Agent
    if getattr(agent, "_instrument_default", False):
        return lambda: None  # the program has decided
    with_content = _settings.current().captures_content
    ours = InstrumentationSettings(tracer_provider=_Provider(), include_content=with_content)
    agent.instrument_all(ours)
    original = agent.iter
    agent.iter = wrapped = _bringing(original)

    def restore() -> None:
        if getattr(agent, "_instrument_default", None) is ours:
            agent.instrument_all(False)
        if agent.iter is wrapped:
            agent.iter = original
        PAUSES.clear()

    return restore
