"""Pending-call registry: which tool calls the models asked for, and which of them were seen to run.

A model's answer puts its tool calls in. A `@tellwhy.tool` that starts claims the one that it is.
When a later request carries the result of a call that nobody claimed, that tool ran unseen: its
span is written then, marked as inferred. Only calls that were asked for in this process and this
run are known, so a history that a request repeats says nothing twice.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    set_span_in_context,
)

from tellwhy import _attributes as names
from tellwhy import _capture, _configure, _redact, _runs, _settings
from tellwhy._guard import guarded

MAX_RUNS = 512
"""Runs that are remembered; the one that was quiet longest is forgotten first."""

MAX_CALLS = 1024
"""Calls that are remembered in one run, oldest forgotten first."""

NO_RUN = ""
"""Key of what happens outside of every agent."""


@dataclass(slots=True)
class ToolCall:
    """One call that a model asked for."""

    id: str | None
    name: str
    arguments: Any
    """The parsed JSON, or the text when it is not JSON."""
    on_server: bool = False
    """The provider runs it; nobody here will."""


@dataclass(slots=True)
class ToolResult:
    """One tool's answer as the next request carries it."""

    call_id: str
    content: Any
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """The model's call that a tool is the execution of."""

    call_id: str
    """The id that the model's provider issued."""
    matched_by: str
    """``call_id``, ``name_and_arguments`` or ``name``: how sure it is, in this order."""
    link: SpanContext
    """The model call that asked for it."""
    run_id: str
    """Key of the run in this registry."""


@dataclass(slots=True)
class _Asked:
    """One call that a model asked for."""

    call: ToolCall
    model_call: SpanContext
    parent: SpanContext
    """Where an inferred span belongs: beside the model call."""
    said: dict[str, str]
    """Run, agent and conversation, as `_runs.attributes` gave them."""
    ended_ns: int
    claimed: bool = False
    settled: bool = False


_lock = threading.Lock()
_runs_seen: OrderedDict[str, OrderedDict[str, _Asked]] = OrderedDict()


def _after_fork() -> None:
    """A child does not have the thread that may hold the lock; it keeps the calls, to run tools."""
    global _lock  # noqa: PLW0603 - a lock cannot be opened from outside
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def run_key(run: _runs.Run | None) -> str:
    """The key of *run*, or of what belongs to none."""
    return run.run_id if run is not None else NO_RUN


def asked(
    run_id: str,
    calls: list[ToolCall],
    *,
    model_call: SpanContext,
    parent: SpanContext,
    said: dict[str, str],
    ended_ns: int,
) -> None:
    """Remember what a model asked for.

    Args:
        run_id: `run_key` of the model call.
        calls: the tool calls of its answer; what the provider runs itself is left out.
        model_call: span context of the model call.
        parent: span context of what the model call ran in; may be invalid.
        said: `_runs.attributes` of the model call.
        ended_ns: when the answer was there, Unix nanoseconds.
    """
    wanted = [call for call in calls if call.id and not call.on_server]
    if not wanted:
        return
    above = parent if parent.is_valid else model_call
    with _lock:
        known = _runs_seen.get(run_id)
        if known is None:
            known = _runs_seen[run_id] = OrderedDict()
        _runs_seen.move_to_end(run_id)
        for call in wanted:
            known[call.id or ""] = _Asked(call, model_call, above, said, ended_ns)
        while len(known) > MAX_CALLS:
            known.popitem(last=False)
        while len(_runs_seen) > MAX_RUNS:
            _runs_seen.popitem(last=False)


def claim(
    name: str, arguments: Any, call_id: str | None = None, run: _runs.Run | None = None
) -> Claim | None:
    """Say that a tool starts; gives the model's call that it executes, if one is known.

    Args:
        name: the tool's name as it is offered to models.
        arguments: parameter name -> value.
        call_id: the model's id, where the framework hands it to the tool.
        run: the run that the tool belongs to.
    """
    if not _runs_seen:  # no model of this process has asked for a tool
        return None
    run_id = run_key(run)
    agent = run.agent_name if run is not None else None
    with _lock:
        if call_id is not None:
            key, found = _by_id(run_id, call_id)
            if found is None:
                return None
            found.claimed = True
            return Claim(call_id, "call_id", found.model_call, key)
        known = _runs_seen.get(run_id)
        if known is None:
            return None
        named = [each for each in known.values() if each.call.name == name]
        # Agents that share a run may share a tool: the one that asks is the likelier one.
        named.sort(key=lambda each: each.said.get(names.AGENT_NAME) != agent)
        matched, how = _best(named, arguments)
        if matched is None:
            return None
        matched.claimed, matched.settled = True, False
        return Claim(matched.call.id or "", how, matched.model_call, run_id)


def find(name: str, arguments: Any, run: _runs.Run | None = None) -> Claim | None:
    """The call that `claim` would give, left free for the tool itself: for who asks before it runs."""
    run_id = run_key(run)
    with _lock:
        known = list(_runs_seen.get(run_id, OrderedDict[str, _Asked]()).values())
        matched, how = _best([each for each in known if each.call.name == name], arguments)
        if matched is None:
            return None
        return Claim(matched.call.id or "", how, matched.model_call, run_id)


def settle(done: Claim) -> None:
    """Say that a claimed tool has ended; the same call may then run again, as a retry."""
    with _lock:
        known = _runs_seen.get(done.run_id)
        found = known.get(done.call_id) if known else None
        if found is not None:
            found.settled = True


def answered(run_id: str, results: list[ToolResult], *, started_ns: int) -> None:
    """Take in what a request says about tools that ran; write spans for those nobody saw.

    Args:
        run_id: `run_key` of the request.
        results: the tool results in it.
        started_ns: when the request was made, Unix nanoseconds.
    """
    if not results:
        return
    unseen: list[tuple[_Asked, ToolResult]] = []
    with _lock:
        known = _runs_seen.get(run_id)
        if not known:
            return
        for result in results:
            found = known.get(result.call_id)
            if found is None or (found.claimed and not found.settled):
                continue
            del known[result.call_id]
            if not found.claimed:
                unseen.append((found, result))
        if not known:
            del _runs_seen[run_id]
    for found, result in unseen:
        with guarded("writing an inferred tool call"):
            _write(found, result, started_ns)


def forget() -> None:
    """Empty the registry."""
    with _lock:
        _runs_seen.clear()


def _by_id(run_id: str, call_id: str) -> tuple[str, _Asked | None]:
    known = _runs_seen.get(run_id)
    if known and (found := known.get(call_id)) is not None:
        return run_id, found
    if run_id == NO_RUN:
        # A thread that lost its context: the newest run that knows the id.
        for key in reversed(_runs_seen):
            if (found := _runs_seen[key].get(call_id)) is not None:
                return key, found
    return run_id, None


def _best(named: list[_Asked], arguments: Any) -> tuple[_Asked | None, str]:
    free = [each for each in named if not each.claimed]
    for candidates in (free, [each for each in named if each.claimed and each.settled]):
        for each in candidates:
            if _fits(each.call.arguments, arguments):
                return each, "name_and_arguments"
    return (free[0], "name") if free else (None, "")


def _fits(wanted: Any, given: Any) -> bool:
    """Whether a function called with *given* may be the call that asked for *wanted*.

    Defaults and injected parameters add to what the model named; types may have been coerced, and
    then only the parameters that can be compared count.
    """
    if not isinstance(wanted, dict) or not isinstance(given, dict):
        return False
    if len(given) == 1 and not wanted.keys() & given.keys():
        inner = next(iter(given.values()))  # def tool(arguments: dict), def tool(**kwargs)
        given = inner if isinstance(inner, dict) else given
    verdicts = [_same(value, given.get(key, _MISSING)) for key, value in wanted.items()]
    return False not in verdicts and (True in verdicts or not verdicts)


_MISSING = object()
_SCALARS = (str, int, float, bool, type(None))


def _same(wanted: Any, given: Any) -> bool | None:
    """Equal, different, or None when an object of the host's would have to be asked."""
    if given is _MISSING:
        return False
    if type(given) in _SCALARS:
        return bool(wanted == given)
    if type(given) in {list, tuple} and isinstance(wanted, list):
        if len(wanted) != len(given):
            return False
        verdicts = [_same(one, other) for one, other in zip(wanted, given, strict=True)]
    elif type(given) is dict and isinstance(wanted, dict):
        verdicts = [_same(value, given.get(key, _MISSING)) for key, value in wanted.items()]
    else:
        return None
    if False in verdicts:
        return False
    return True if True in verdicts or not verdicts else None


def _write(found: _Asked, result: ToolResult, started_ns: int) -> None:
    """The span of a tool that ran between the model's answer and this request."""
    call = found.call
    name = _redact.label(call.name)
    attributes: dict[str, Any] = {
        **found.said,
        names.STEP_KIND: "tool_call",
        names.OPERATION_NAME: "execute_tool",
        names.TOOL_NAME: name,
        names.TOOL_TYPE: "function",
        names.TOOL_CALL_ID: _redact.label(call.id or "", "id"),
        names.TOOL_MATCHED_BY: "call_id",
        names.INFERRED: True,
        names.INFERRED_FROM: "next_request",
    }
    with_content = _settings.current().captures_content
    if with_content:
        attributes[names.TOOL_CALL_ARGUMENTS] = _capture.to_json(call.arguments)
        attributes[names.TOOL_CALL_RESULT] = _capture.to_json(result.content)
    if result.is_error:
        attributes[names.ERROR_TYPE] = "tool_error"
    span = _configure.tracer().start_span(
        f"execute_tool {name}",
        context=set_span_in_context(NonRecordingSpan(found.parent)),
        kind=SpanKind.INTERNAL,
        attributes=attributes,
        links=[Link(found.model_call)],
        start_time=found.ended_ns,
    )
    if result.is_error:
        said = result.content if isinstance(result.content, str) and with_content else ""
        span.set_status(Status(StatusCode.ERROR, _capture.bounded(said, 1000)))
    span.end(end_time=max(started_ns, found.ended_ns))
