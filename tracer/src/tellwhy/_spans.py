"""The beginnings of steps: agents, parts of frameworks, tools, approvals.

Callers guard these; what they give is guarded itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span

from tellwhy import _attributes as names
from tellwhy import (
    _configure,
    _granted,
    _inherited,
    _pending,
    _provider,
    _recording,
    _redact,
    _runs,
    _standing_in,
)
from tellwhy._capture import bounded, sha256_of, to_json
from tellwhy._open_step import Joined, OpenStep
from tellwhy._places import here
from tellwhy._recording.outcome import Outcome
from tellwhy._settings import current as current_settings
from tellwhy._stated_ids import is_stated

Effect = Literal["read", "write", "irreversible"]

DECORATOR = "tellwhy"
"""Who tells of a tool that was decorated; a framework otherwise."""

_TOOL_KEY = otel_context.create_key("tellwhy-tool")


class CurrentTool:
    """The tool that some code runs in."""

    __slots__ = ("_tellers", "arguments_sha256", "call_id", "name", "span")

    def __init__(self, name: str, call_id: str | None, span: Span, teller: str) -> None:
        self.name = name
        self.call_id = call_id
        self.span = span
        self.arguments_sha256: str | None = None
        """Of a tool that is marked as in need of an approval."""
        self._tellers = {teller}

    def is_same(self, name: str, call_id: str | None, teller: str) -> bool:
        """Whether a tool that starts inside is this very call, told by somebody else.

        Clients of tool servers put the server's name in front.
        """
        if teller in self._tellers:
            return False
        named = {self.name, name}
        is_named = len(named) == 1 or any(
            long.endswith(f"_{short}") for long in named for short in named - {long}
        )
        if not is_named or not (call_id is None or self.call_id in {None, call_id}):
            return False
        self._tellers.add(teller)
        return True

    def add(self, effect: Effect | None, description: str | None) -> None:
        """Take what the other teller knows."""
        if effect:
            self.span.set_attribute(names.TOOL_EFFECT, effect)
        if description and current_settings().captures_content:
            said = _redact.constant(description, _description)
            self.span.set_attribute(names.TOOL_DESCRIPTION, said)

    def mark(self, said: Mapping[str, Any]) -> None:
        """It is one that needs an approval."""
        self.arguments_sha256 = said[names.TOOL_ARGUMENTS_SHA256]
        self.span.set_attributes(said)


def begin_agent(
    name: str,
    arguments: Mapping[str, Any] | None,
    *,
    version: str | None = None,
    conversation_id: str | None = None,
    replayable: bool = True,
    context: Context | None = None,
    said: Mapping[str, Any] | None = None,
    start_ns: int | None = None,
    operation: str = "invoke_agent",
) -> OpenStep:
    """Start an agent's span and its run, or its part in the run of the agent around it.

    Args:
        name: The agent's name.
        arguments: What it was asked, by name.
        version: Its version.
        conversation_id: The conversation that it names.
        replayable: Whether what a replay needs is kept.
        context: What it stands in; default: where this code is.
        said: Further attributes.
        start_ns: When it started, Unix nanoseconds; default: now.
        operation: What it is called; the span's name begins with it.
    """
    around = here() if context is None else context
    outer = _runs.run_in(around)
    if (
        outer is None and not is_stated()
    ):  # what other processes tell of too was not started by ours
        around = _inherited.around_run(around)
    found = _start_attributes("agent", operation, outer)
    name = found[names.AGENT_NAME] = _redact.label(name)
    replay = _standing_in.current()
    if replay is not None and outer is None:
        found[names.REPLAY_OF] = replay.run_id
    if version is not None:
        found[names.AGENT_VERSION] = _redact.label(version, "version")
    conversation = conversation_id
    if conversation is None and outer is None:
        conversation = _runs.announced_conversation()
    if conversation is not None:
        conversation = _redact.label(conversation, "conversation_id")
        found[names.CONVERSATION_ID] = conversation
    _add_content(found, names.INPUT, arguments, around)
    is_root = not trace.get_current_span(around).get_span_context().is_valid
    span = _configure.tracer().start_span(
        f"{operation} {name}",
        attributes={**found, **(said or {})},
        context=around,
        start_time=start_ns,
    )
    run = _runs.Run(
        span,
        agent_name=name,
        conversation_id=conversation,
        outer=outer,
        is_root=is_root,
        replayable=replayable,
        continued=_inherited.run_continued(around),
    )
    if outer is None:
        span.set_attribute(names.RUN_ID, run.run_id)
        if replay is not None:
            _provider.tell_aside(span, {names.BRANCH: replay.branch})
        _provider.noted(span)
    context = _runs.context_with(run, trace.set_span_in_context(span, around))
    return OpenStep(span, context, names.OUTPUT, run=run)


def begin_part(
    name: str,
    operation: str,
    said: Mapping[str, Any],
    context: Context | None = None,
    *,
    start_ns: int | None = None,
) -> OpenStep:
    """Start the span of a part of a framework's work that calls neither a model nor a tool.

    Args:
        name: What the framework calls it.
        operation: What sort of part it is, such as ``node``.
        said: Further attributes; they may name another step kind.
        context: What it stands in; default: where this code is.
        start_ns: When it started, Unix nanoseconds; default: now.
    """
    around = here() if context is None else context
    run = _runs.run_in(around)
    found = {**_start_attributes("other", operation, run), **said}
    span = _configure.tracer().start_span(
        f"{operation} {_redact.label(name)}",
        attributes=found,
        context=around,
        start_time=start_ns,
    )
    return OpenStep(span, trace.set_span_in_context(span, around), names.OUTPUT, run=run)


def begin_tool(
    name: str,
    arguments: Mapping[str, Any] | None,
    *,
    effect: Effect | None = None,
    description: str | None = None,
    call_id: str | None = None,
    needs_approval: bool = False,
    is_block: bool = False,
    context: Context | None = None,
    said: Mapping[str, Any] | None = None,
    is_known: bool = True,
    start_ns: int | None = None,
) -> OpenStep:
    """Start a tool's span, linked to the model's call that asked for it if one is pending.

    Args:
        name: The name that models call it by.
        arguments: What it was called with, by name.
        effect: What a call does to the world.
        description: What it does.
        call_id: The model's id of the call, if it is known.
        needs_approval: Whether it is marked so; that nobody allowed it is said then.
        is_block: It is a ``with`` block, whose body no replay can leave out.
        context: What it stands in; default: where this code is.
        said: Further attributes, of a tool that a framework runs; a decorated function inside it
            that has the same name is the same call and adds to this span.
        is_known: Whether the arguments are known yet; if not, `OpenStep.identify` tells them.
        start_ns: When it started, Unix nanoseconds; default: now.
    """
    around = here() if context is None else context
    inside = around.get(_TOOL_KEY)
    teller = str(said[names.FRAMEWORK]) if said is not None else DECORATOR
    if isinstance(inside, CurrentTool) and inside.is_same(name, call_id, teller):
        inside.add(effect, description)
        if needs_approval:
            inside.mark(_approved(name, arguments))
        return _joined(inside, around, effect, arguments)
    run = _runs.run_in(around)
    found: dict[str, Any] = dict(_start_attributes("tool_call", "execute_tool", run))
    if needs_approval:
        found |= _approved(name, arguments)
    label = found[names.TOOL_NAME] = _redact.label(name)
    found[names.TOOL_TYPE] = "function"
    if description and current_settings().captures_content:
        found[names.TOOL_DESCRIPTION] = _redact.constant(description, _description)
    if effect:
        found[names.TOOL_EFFECT] = effect
    _add_content(found, names.TOOL_CALL_ARGUMENTS, arguments, around)
    claim = _pending.claim(name, dict(arguments or {}), call_id, run) if is_known else None
    links = []
    if claim is not None:
        found[names.TOOL_MATCHED_BY] = claim.matched_by
        call_id = claim.call_id
        links.append(Link(claim.link))
    if call_id is not None:
        found[names.TOOL_CALL_ID] = _redact.label(call_id, "id")
    span = _configure.tracer().start_span(
        f"execute_tool {label}",
        attributes={**found, **(said or {})},
        links=links,
        context=around,
        start_time=start_ns,
    )
    tool = CurrentTool(name, call_id, span, teller)
    tool.arguments_sha256 = found.get(names.TOOL_ARGUMENTS_SHA256)
    context = otel_context.set_value(_TOOL_KEY, tool, trace.set_span_in_context(span, around))
    step = OpenStep(span, context, names.TOOL_CALL_RESULT, run=run, claim=claim)
    if teller == DECORATOR:
        _stand(step, label, found.get(names.TOOL_CALL_ARGUMENTS), effect, is_block=is_block)
    return step


def _joined(
    tool: CurrentTool, around: Context, effect: Effect | None, arguments: Mapping[str, Any] | None
) -> OpenStep:
    """A decorated function inside the step in which a framework tells of the same call.

    Some frameworks say what they call it with when it is over: it is found by its own *arguments*.
    """
    step = Joined(tool.span, around, names.TOOL_CALL_RESULT, run=_runs.run_in(around))
    told: Mapping[str, Any] = getattr(tool.span, "attributes", None) or {}
    label = told.get(names.TOOL_NAME, tool.name)
    known = told.get(names.TOOL_CALL_ARGUMENTS)
    if known is None and arguments is not None and _standing_in.current() is not None:
        known = to_json(arguments)
    _stand(step, label, known, effect, is_block=False)
    return step


def _approved(name: str, arguments: Mapping[str, Any] | None) -> dict[str, Any]:
    """Of a tool in need of an approval: the hash of its arguments, and whether nobody allowed them."""
    sha256 = sha256_of(dict(arguments or {}))
    return {
        names.TOOL_ARGUMENTS_SHA256: sha256,
        names.TOOL_UNAPPROVED: not _granted.take(name, sha256),
    }


def _stand(
    step: OpenStep, label: str, arguments: str | None, effect: Effect | None, *, is_block: bool
) -> None:
    """Keep what comes of a decorated function for replays; in one, let nothing of it run."""
    if _recording.is_on():
        step.kept = Outcome(is_block=is_block)
    replay = _standing_in.current()
    if replay is not None:
        step.stand_in = replay.stand_in(label, arguments, effect, is_block=is_block)


def begin_approval(
    tool: str,
    attributes: Mapping[str, str],
    start_ns: int | None,
    context: Context | None = None,
) -> OpenStep:
    """Start the span of a wait for an answer; *start_ns* is now by default."""
    around = here() if context is None else context
    run = _runs.run_in(around)
    found = _start_attributes("human", "approve", run)
    found.update(attributes)
    tracer = _configure.tracer()
    span = tracer.start_span(
        f"approve {_redact.label(tool)}", attributes=found, start_time=start_ns, context=around
    )
    return OpenStep(span, trace.set_span_in_context(span, around), names.APPROVAL_NOTE, run=run)


def current_tool(context: Context | None = None) -> CurrentTool | None:
    """The tool that *context*, by default this code, stands in."""
    found = (here() if context is None else context).get(_TOOL_KEY)
    return found if isinstance(found, CurrentTool) else None


def _description(text: str) -> str:
    return bounded(text, 4_096)


def _start_attributes(kind: str, operation: str, run: _runs.Run | None) -> dict[str, str]:
    found = _runs.attributes_of(run)
    found[names.STEP_KIND] = kind
    found[names.OPERATION_NAME] = operation
    return found


def _add_content(
    found: dict[str, Any], name: str, value: Mapping[str, Any] | None, around: Context
) -> None:
    if value is None or not current_settings().captures_content:
        return
    parent = trace.get_current_span(around).get_span_context()
    if not parent.is_valid or parent.trace_flags.sampled:
        found[name] = to_json(value)
