"""`carrier` and `continued`: the current run goes along to where Python does not carry it itself.

A carrier is a dict of short ASCII texts, fit for headers of HTTP, queues and tasks: the W3C trace
context (``traceparent``, ``tracestate``, and whatever the program's own propagators add), and
beside it ``tellwhy-run``, because a trace context knows neither run nor agent nor conversation.

Source:
    W3C Trace Context, level 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import Token
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlencode

from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.context import Context

from tellwhy import _redact, _runs
from tellwhy._guard import guarded
from tellwhy._places import here

RUN = "tellwhy-run"
"""Name of what is ours in a carrier."""

MAX_SAID = 4_096
"""Characters of it that are read: others than we may have written it."""


def carrier() -> dict[str, str]:
    """What to hand to another process, thread or queue so that its work belongs to this run.

    Put it into the headers of a request or message, or pass it as an argument; the other side says
    ``with tellwhy.continued(carrier):``. Empty where nothing is recorded.

    Returns:
        Names of headers in lower case -> ASCII text.
    """
    with guarded("making a carrier"):
        return carrier_of(here())
    return {}


def carrier_of(context: Context) -> dict[str, str]:
    """The carrier of *context*."""
    found: dict[str, str] = {}
    if trace.get_current_span(context).get_span_context().is_valid:
        propagate.inject(found, context=context)
        found |= run_of(context)
    return found


def run_of(context: Context) -> dict[str, str]:
    """What is ours in the carrier of *context*; empty outside of every agent."""
    run = _runs.run_in(context)
    if run is None:
        return {}
    said = {"run": run.run_id, "agent": run.agent_name, "conversation": run.conversation_id}
    return {RUN: urlencode({name: value for name, value in said.items() if value})}


def context_from(carried: Mapping[str, Any], around: Context | None = None) -> Context:
    """The context that *carried* names, added to *around*; that itself where it names none."""
    context = propagate.extract(carried, otel_context.get_current() if around is None else around)
    return with_run(carried, context)


def with_run(carried: Mapping[str, Any], context: Context) -> Context:
    """*context*, whose span came from elsewhere, with the run that *carried* names."""
    span = trace.get_current_span(context)
    said = parse_qs(str(carried.get(RUN, ""))[:MAX_SAID])
    run_id = _redact.label(said.get("run", [""])[0])
    if not run_id or not span.get_span_context().is_valid:
        return context
    agent = _redact.label(said.get("agent", [""])[0])
    conversation = said.get("conversation", [None])[0]
    if conversation is not None:
        conversation = _redact.label(conversation, "conversation_id")
    return _runs.context_with(_runs.Run.elsewhere(span, run_id, agent, conversation), context)


class continued:  # noqa: N801 - reads as a verb where it is used
    """Go on in the run that a `carrier` names: ``with tellwhy.continued(headers): …``.

    Works in ``async with`` too. What names nothing, or cannot be read, changes nothing.

    Args:
        carrier: What `carrier` gave, or the headers that it travelled in: a mapping, or pairs of
            text or bytes as ASGI and message brokers give them.
    """

    __slots__ = ("_carrier", "_token")

    def __init__(self, carrier: Mapping[str, Any] | Iterable[tuple[Any, Any]] | None) -> None:
        self._carrier = carrier
        self._token: Token[Context] | None = None

    def __enter__(self) -> Self:
        """Work for that run from here on."""
        with guarded("going on in a run"):
            self._token = otel_context.attach(context_from(_plain(self._carrier)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Work for whatever was current before."""
        token, self._token = self._token, None
        if token is not None:
            _runs.detach(token)

    async def __aenter__(self) -> Self:
        """Work for that run from here on."""
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Work for whatever was current before."""
        self.__exit__(kind, error, traceback)


def _plain(carried: Mapping[str, Any] | Iterable[tuple[Any, Any]] | None) -> dict[str, str]:
    """Names in lower case -> text; what is neither text nor bytes is left out."""
    if carried is None:
        return {}
    given: Any = carried  # headers of the standard library have items() and are no Mapping
    items = given.items() if hasattr(given, "items") else given
    texts = ((_text(name), _text(value)) for name, value in items)
    return {name.lower(): value for name, value in texts if name and value}


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""
