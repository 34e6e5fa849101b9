"""Which run, agent and conversation the code at hand belongs to.

The answer travels inside the OpenTelemetry context: whatever carries a span to another task or
thread carries the run with it, and there is one thing to attach and detach.
"""

from __future__ import annotations

from contextvars import ContextVar, Token

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanContext

from tellwhy import _attributes as names
from tellwhy import _inherited, _provider, _redact
from tellwhy._guard import guarded
from tellwhy._places import here

_KEY = otel_context.create_key("tellwhy-run")
_conversation: ContextVar[str | None] = ContextVar("tellwhy_conversation", default=None)


class Run:
    """One agent at work, as `current_run()` shows it.

    Agents may call agents: they share the run's id and have names of their own.
    """

    __slots__ = (
        "_conversation_id", "_outer", "_span", "agent_name", "declared", "replayable", "root",
        "run_id",
    )  # fmt: skip

    run_id: str
    """What ``tellwhy.run.id`` says; write it in your own log lines to find the run again."""
    agent_name: str
    """The nearest agent's name."""
    root: SpanContext
    """Span context of the outermost agent."""
    replayable: bool
    """Whether what a replay needs is kept."""
    declared: list[str]
    """Times, numbers and ids that the nearest agent asked for, as JSON texts."""

    def __init__(
        self,
        span: Span,
        *,
        agent_name: str,
        conversation_id: str | None,
        outer: Run | None,
        is_root: bool,
        replayable: bool = True,
        continued: str | None = None,
    ) -> None:
        context = span.get_span_context()
        self.agent_name = agent_name
        self.root = outer.root if outer else context
        trace_id = f"{context.trace_id:032x}"
        own_id = trace_id if is_root else f"{trace_id}-{context.span_id:016x}"
        self.run_id = outer.run_id if outer else continued or own_id
        self.replayable = replayable and (outer is None or outer.replayable)
        self.declared: list[str] = []
        self._outer = outer
        self._span = span
        self._conversation_id = conversation_id

    @classmethod
    def elsewhere(
        cls, span: Span, run_id: str, agent_name: str, conversation_id: str | None
    ) -> Run:
        """The part of a run that another process works on; *span* is the step there."""
        run = cls(
            span, agent_name=agent_name, conversation_id=conversation_id, outer=None, is_root=False
        )
        run.run_id = run_id
        return run

    @property
    def is_outermost(self) -> bool:
        """Whether there is no agent around the nearest one."""
        return self._outer is None

    def is_of(self, span: Span) -> bool:
        """Whether *span* is the nearest agent's."""
        return span is self._span

    @property
    def conversation_id(self) -> str | None:
        """The conversation of the nearest agent that named one."""
        if self._conversation_id is not None or self._outer is None:
            return self._conversation_id
        return self._outer.conversation_id

    def set_conversation(self, conversation_id: str) -> None:
        """Say which conversation this run belongs to, for it and all agents around it."""
        conversation_id = _redact.label(conversation_id, "conversation_id")
        self._conversation_id = conversation_id
        self._span.set_attribute(names.CONVERSATION_ID, conversation_id)
        _provider.noted(self._span)
        if self._outer is not None:
            self._outer.set_conversation(conversation_id)

    @property
    def trace_id(self) -> str:
        """The OpenTelemetry trace id, 32 lower-case hex characters."""
        return f"{self.root.trace_id:032x}"

    def __repr__(self) -> str:
        return f"<Run {self.run_id} of agent {self.agent_name!r}>"


def current() -> Run | None:
    """The run that this code belongs to, or None outside of every agent."""
    return run_in(here())


def run_in(context: Context) -> Run | None:
    """The run that what stands in *context* belongs to."""
    run = context.get(_KEY)
    return run if isinstance(run, Run) else None


def attributes() -> dict[str, str]:
    """What every span of ours says about its run; empty outside of every agent."""
    return attributes_of(current())


def attributes_of(run: Run | None) -> dict[str, str]:
    """The same where the run is at hand."""
    if run is None:
        conversation = _conversation.get()
        if not conversation:
            return {}
        return {names.CONVERSATION_ID: _redact.label(conversation, "conversation_id")}
    found = {names.RUN_ID: run.run_id, names.AGENT_NAME: run.agent_name}
    conversation = run.conversation_id
    if conversation is not None:
        found[names.CONVERSATION_ID] = conversation
    return found


def context_with(run: Run, context: Context) -> Context:
    """*context* with *run* in it."""
    return otel_context.set_value(_KEY, run, context)


def announced_conversation() -> str | None:
    """The conversation set outside of every agent, for the agents called next."""
    return _conversation.get()


def set_conversation(conversation_id: str) -> None:
    """Say which conversation this work belongs to, when only the code inside knows.

    Inside an agent it holds for the whole run from here on; outside, for the agents that this
    task or thread calls next.

    Args:
        conversation_id: The thread or session id of your application.
    """
    with guarded("setting the conversation"):
        run = current()
        if run is None:
            _conversation.set(str(conversation_id))
        else:
            run.set_conversation(str(conversation_id))


def trace_environment() -> dict[str, str]:
    """``TRACEPARENT`` and ``TRACESTATE`` for a process that you start here.

    What tellwhy records there becomes part of this run:
    ``subprocess.run(command, env=os.environ | tellwhy.trace_environment())``. Any other program
    that knows the W3C variables continues the trace. Empty outside of every agent and span.
    """
    with guarded("naming the trace for a process"):
        context = here()
        parent = trace.get_current_span(context).get_span_context()
        if parent.is_valid:
            run = run_in(context)
            return _inherited.variables(parent, run.run_id if run else None)
    return {}


def detach(token: Token[Context]) -> None:
    """Undo an attach, in silence when it is undone from another task or thread than it was done.

    A generator that is closed by the garbage collector ends in whatever context that runs in;
    OpenTelemetry's own `detach` would log an error there.
    """
    try:
        token.var.reset(token)
    except ValueError:
        return
    except AttributeError:  # another runtime context than contextvars, set by OTEL_PYTHON_CONTEXT
        otel_context.detach(token)
