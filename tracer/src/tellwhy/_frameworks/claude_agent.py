"""Claude Agent SDK: its agents, their model calls, tools, permissions and subagents.

The SDK starts Claude Code as a process and talks with it in frames of JSON. All that the process
tells, asks and is answered passes `SubprocessCLITransport`, whichever of `query` and
`ClaudeSDKClient` is used; its four methods are wrapped, and nothing is added to what they carry:
no hook, no option. A transport of the program's own is not seen.

Where the process exports spans itself, it is started inside the agent's step, so that both tell of
one trace; the collector keeps one step of each call.

Source:
    claude-agent-sdk 0.2.189: _internal/transport/subprocess_cli.py, _internal/query.py.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from typing import Any

from claude_agent_sdk._internal.transport.subprocess_cli import SubprocessCLITransport
from opentelemetry import context as otel_context
from opentelemetry.context import Context

from tellwhy import _places, _runs, _settings, _standing_in
from tellwhy._frameworks.claude_agent_session import STEPS, Session
from tellwhy._guard import guarded

WRAPPED = ("connect", "write", "read_messages")

TELEMETRY = "CLAUDE_CODE_ENABLE_TELEMETRY"
"""With it in its environment the process exports spans of its own."""

_sessions: weakref.WeakKeyDictionary[Any, Session] = weakref.WeakKeyDictionary()

_at_work: ContextVar[tuple[Session, str | None] | None] = ContextVar("tellwhy_claude", default=None)
"""Session and call of a tool that the host's callback at hand works for. It is set in the SDK's own
reading task, from which every callback's task gets its context."""

_seeing = guarded("seeing what the Claude Agent SDK does")


def where() -> Context | None:
    """The place of the tool, else of the agent, that a callback of the host works for."""
    found = _at_work.get()
    return None if found is None else found[0].place(found[1])


def install() -> Callable[[], None]:
    """Watch every connection from now on; gives the way back."""
    owner: Any = SubprocessCLITransport
    originals = [getattr(owner, name) for name in WRAPPED]
    wrappers = [
        wrap(original)
        for wrap, original in zip((_connecting, _writing, _reading), originals, strict=True)
    ]
    for name, wrapper in zip(WRAPPED, wrappers, strict=True):
        setattr(owner, name, wrapper)
    _places.ask(where)

    def restore() -> None:
        for name, wrapper, original in zip(WRAPPED, wrappers, originals, strict=True):
            if getattr(owner, name) is wrapper:
                setattr(owner, name, original)
        _places.ask_no_more(where)
        STEPS.close()

    return restore


def _connecting(original: Any) -> Any:
    @functools.wraps(original)
    async def connect(self: Any) -> None:
        _refuse_in_a_replay()
        context = _connected(self)
        if context is None:
            await original(self)
            return
        token = otel_context.attach(context)
        try:
            await original(self)
        finally:
            _runs.detach(token)

    return connect


def _writing(original: Any) -> Any:
    @functools.wraps(original)
    async def write(self: Any, data: str) -> None:
        _sent(self, data)
        await original(self, data)

    return write


def _reading(original: Any) -> Any:
    @functools.wraps(original)
    def read_messages(self: Any) -> AsyncIterator[dict[str, Any]]:
        return _watched(original(self), _sessions.get(self))

    return read_messages


async def _watched(messages: Any, session: Session | None) -> AsyncIterator[dict[str, Any]]:
    ended_by: BaseException | None = None
    try:
        async for message in messages:
            if session is not None:
                _at_work.set((session, _came(session, message)))
            yield message
    except Exception as error:
        ended_by = error
        raise
    finally:
        if session is not None:
            _over(session, ended_by)
        await messages.aclose()


@_seeing
def _connected(transport: Any) -> Context | None:
    options = getattr(transport, "_options", None)
    session = _sessions[transport] = Session(options)
    given = getattr(options, "env", None)
    asked = {**_settings.environment(), **(given if isinstance(given, Mapping) else {})}
    return session.connecting(exports=asked.get(TELEMETRY, "0") not in {"", "0", "false"})


@_seeing
def _sent(transport: Any, data: str) -> None:
    session = _sessions.get(transport)
    if session is not None:
        session.sent(data)


@_seeing
def _came(session: Session, message: Mapping[str, Any]) -> str | None:
    return session.came(message)


@_seeing
def _over(session: Session, error: BaseException | None) -> None:
    session.over(error)


def _refuse_in_a_replay() -> None:
    """Claude Code asks models and runs tools in a process that no replay reaches."""
    replay = _standing_in.current()
    if replay is not None and not replay.is_live:
        raise replay.refused("the Claude Code process")
