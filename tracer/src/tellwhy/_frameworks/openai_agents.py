"""OpenAI Agents SDK: agents, tools, hand-offs, guardrails, approvals across resumes.

A `TracingProcessor` beside those that are there; the SDK's own exporter is left as it is. What a
span of it says is content at times, of which only a tool's arguments and result are taken.

* One `Runner.run` is one run: agents that take over by a hand-off belong to it, and so do those of
  a run that is resumed under the same trace id.
* A tool that needs an approval ends without a result, and its agent ends with it: then a person is
  being asked. The answer is what `RunState.approve` or `RunState.reject` is called with; the SDK has
  no hook for it, so these two methods are wrapped.

Source:
    openai-agents 0.24, tracing/processor_interface.py, run_state.py, run_internal/tool_execution.py.
"""

from __future__ import annotations

import functools
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from agents import tracing
from agents.run_state import RunState
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan

from tellwhy import _attributes as names
from tellwhy import _places, _runs
from tellwhy._frameworks.pauses import Pauses, Question
from tellwhy._frameworks.steps import Steps
from tellwhy._guard import guarded
from tellwhy._open_step import OpenStep
from tellwhy._places import here

MAX_RUNS = 1024
"""Runs that a resume is recognised for, the oldest forgotten first."""

_seeing = guarded("seeing what the OpenAI Agents SDK does")


class _Answered(NamedTuple):
    """An answer to a question that another process asked."""

    asked: Question
    note: str | None
    approved: bool


class Processor(tracing.TracingProcessor):
    """Told by the SDK what begins and ends."""

    def __init__(self) -> None:
        self.steps = Steps("openai_agents")
        self.pauses = Pauses("openai_agents")
        self.is_off: bool | None = None
        self._runs: OrderedDict[str, _runs.Run] = OrderedDict()
        self._undecided: dict[str, list[tuple[str, OpenStep, Any]]] = {}
        """Agent span id -> tools without a result: name, step, arguments."""
        self._elsewhere: OrderedDict[str, _Answered] = OrderedDict()
        """Call id -> the answer to what another process asked, until the run goes on."""
        self._allowed: OrderedDict[tuple[str, str], str] = OrderedDict()
        """Name and arguments of a tool that may run by such an answer -> call id."""
        self._unread: set[str] = set()
        """Tools that have begun and whose arguments are not written."""
        self._agents: OrderedDict[str, str] = OrderedDict()
        """Span id -> id of the agent span around it."""

    def on_trace_start(self, trace: Any) -> None:
        """Nothing: a resumed trace is not told of, so its spans have to do."""

    def on_trace_end(self, trace: Any) -> None:
        """Nothing."""

    @_seeing
    def on_span_start(self, span: Any) -> None:
        """An agent, a tool, a hand-off, a guardrail or something else begins."""
        if self.is_off:
            return
        data, key, parent = span.span_data, span.span_id, span.parent_id
        kind = data.type
        self._remember_agent(key, key if kind == "agent" else self._agents.get(parent))
        if kind == "agent":
            self._agent(span)
        elif kind == "function":
            self.steps.tool(key, data.name, None, parent=parent)
            self._unread.add(key)
        elif kind == "handoff":
            said = {names.NODE_NAME: data.from_agent}
            self.steps.part(key, "handoff", "handoff", parent=parent, said=said)
        elif kind == "guardrail":
            said = {names.STEP_KIND: "guardrail"}
            self.steps.part(key, data.name, "guardrail", parent=parent, said=said)
        else:
            self.steps.inside(key, parent)
            if kind == "turn":  # the model is asked again: what had no result, returned none
                self._decide(self._agents.get(parent), paused=False)

    @_seeing
    def on_span_end(self, span: Any) -> None:
        """It is over."""
        data, key = span.span_data, span.span_id
        agent = self._agents.pop(key, None)
        step = self.steps.get(key)
        if step is None:
            self.steps.take(key)
            return
        if span.error:
            stopped = "guardrail" in (span.error.get("data") or {})  # by one that tripped in it
            kind = "denied" if stopped else f"{data.type}_error"
            step.told_error(kind, str(span.error.get("message", "")))
        if data.type == "function":
            self._tool_ended(key, step, data, agent, failed=bool(span.error))
            return
        if data.type == "handoff" and data.to_agent:
            step.span.set_attribute(names.HANDOFF_TO, str(data.to_agent))
        if data.type == "guardrail":
            step.result({"triggered": bool(data.triggered)})
            if data.triggered:
                step.told_error("denied", f"{data.name} tripped")
        if data.type == "agent":
            self._decide(key, paused=True)
        self.steps.end(key)

    def shutdown(self) -> None:
        """Nothing: we end with the process."""

    def force_flush(self) -> None:
        """Nothing."""

    def where(self) -> Context | None:
        """The place of the span that the SDK has as its current one."""
        span = tracing.get_current_span()
        if span is None:
            return None
        if span.span_id in self._unread and getattr(span.span_data, "input", None) is not None:
            self._unread.discard(span.span_id)  # its own code asks: it knows its arguments by now
            step, arguments = self.steps.get(span.span_id), _parsed(span.span_data.input)
            if step is not None and isinstance(arguments, dict):
                step.identify(span.span_data.name, arguments)
        return self.steps.place_of(span.span_id)

    def forget(self) -> None:
        """Close what is open."""
        self.steps.close()
        self.pauses.clear()
        self._runs.clear()
        self._undecided.clear()
        self._agents.clear()
        self._elsewhere.clear()
        self._allowed.clear()
        self._unread.clear()

    @_seeing
    def answered(self, item: Any, note: str | None, *, approved: bool) -> None:
        """A person said yes or no to the tool call in *item*."""
        raw = getattr(item, "raw_item", None)
        call_id, arguments = _field(raw, "call_id"), _field(raw, "arguments")
        asked = self.pauses.by_call(call_id)
        if asked is None:  # asked in another process: it is told in the run that goes on
            name = str(getattr(item, "tool_name", None) or _field(raw, "name") or "tool")
            asked = Question(
                "", name, shown=_parsed(arguments), call_id=call_id, asked_ns=time.time_ns()
            )
            self._elsewhere[str(call_id)] = _Answered(asked, note, approved)
            while len(self._elsewhere) > MAX_RUNS:
                self._elsewhere.popitem(last=False)
            return
        around = self.pauses.goes_on("") if asked.context is None else _root(asked.context)
        self.pauses.answer("", asked, note, context=around, approved=approved)

    def _agent(self, span: Any) -> None:
        around = self.steps.place_of(span.parent_id) or here()
        known = self._runs.get(span.trace_id)
        if known is not None and _runs.run_in(around) is None:
            around = _context_of(known)
        step = self.steps.agent(
            span.span_id, span.span_data.name, conversation_id=_group(), context=around
        )
        if known is None and step.run is not None:
            self._runs[span.trace_id] = step.run
            while len(self._runs) > MAX_RUNS:
                self._runs.popitem(last=False)
        self._answer_late(step)

    def _answer_late(self, step: OpenStep) -> None:
        """Tell in the run that goes on what was answered, and whose call its tool carries out."""
        for call_id in list(self._elsewhere):
            asked, note, approved = self._elsewhere.pop(call_id)
            self.pauses.answer("", asked, note, context=step.context, approved=approved)
            if approved:
                self._allowed[asked.name, json.dumps(asked.shown, sort_keys=True)] = call_id
                while len(self._allowed) > MAX_RUNS:
                    self._allowed.popitem(last=False)

    def _tool_ended(
        self, key: str, step: OpenStep, data: Any, agent: str | None, *, failed: bool
    ) -> None:
        self._unread.discard(key)
        arguments = _parsed(data.input)
        found = step.identify(data.name, arguments if isinstance(arguments, dict) else None)
        if found is None and self._allowed:
            call_id = self._allowed.pop((data.name, json.dumps(arguments, sort_keys=True)), None)
            if call_id is not None:
                step.span.set_attribute(names.TOOL_CALL_ID, call_id)
        if data.output is None and not failed and agent is not None:
            self.steps.take(key)
            self._undecided.setdefault(agent, []).append((data.name, step, arguments))
        else:
            self.steps.end(key, data.output)

    def _decide(self, agent: str | None, *, paused: bool) -> None:
        """Whether tools without a result wait for an approval shows in what comes next."""
        for name, step, arguments in self._undecided.pop(agent or "", ()):
            if not paused:
                step.ended()
                continue
            call_id = step.identify(name, None)
            key = call_id or f"{name}:{time.time_ns()}"
            self.pauses.ask("", key, name, shown=arguments, call_id=call_id, context=step.context)
            step.paused()

    def _remember_agent(self, key: str, agent: str | None) -> None:
        if agent is not None:
            self._agents[key] = agent
            while len(self._agents) > 16 * MAX_RUNS:
                self._agents.popitem(last=False)


def _root(context: Context) -> Context:
    run = _runs.run_in(context)
    return context if run is None else _context_of(run)


def _context_of(run: _runs.Run) -> Context:
    root = trace.set_span_in_context(NonRecordingSpan(run.root), Context())
    return _runs.context_with(run, root)


def _group() -> str | None:
    """The chat thread that the program named in its `RunConfig`."""
    group = getattr(tracing.get_current_trace(), "group_id", None)
    return None if group is None else str(group)


def _field(raw: Any, name: str) -> Any:
    return raw.get(name) if isinstance(raw, Mapping) else getattr(raw, name, None)


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


_PROCESSOR = Processor()


def install() -> Callable[[], None]:
    """Be told of every span from now on; gives the way back."""
    if _PROCESSOR.is_off is None:  # a processor stays for good: once a process
        tracing.add_trace_processor(_PROCESSOR)
        _stay(tracing.get_trace_provider())
    _PROCESSOR.is_off = False
    _places.ask(_PROCESSOR.where)
    approve, reject = RunState.approve, RunState.reject
    RunState.approve = _telling(approve, approved=True)
    RunState.reject = _telling(reject, approved=False)
    ours = (RunState.approve, RunState.reject)

    def restore() -> None:
        _PROCESSOR.is_off = True
        _places.ask_no_more(_PROCESSOR.where)
        if (RunState.approve, RunState.reject) == ours:
            RunState.approve, RunState.reject = approve, reject
        _PROCESSOR.forget()

    return restore


def _stay(provider: Any) -> None:
    """Stay when the program sets its own processors, as the SDK's guide tells it to."""
    original = provider.set_processors

    @functools.wraps(original)
    def set_processors(processors: Any) -> None:
        original([*processors, _PROCESSOR])

    provider.set_processors = set_processors


def _telling(original: Any, *, approved: bool) -> Any:
    @functools.wraps(original)
    def answer(self: Any, approval_item: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, approval_item, *args, **kwargs)
        if not _PROCESSOR.is_off:
            _PROCESSOR.answered(approval_item, kwargs.get("rejection_message"), approved=approved)
        return result

    return answer
