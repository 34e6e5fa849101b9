"""LlamaIndex: agents, workflows and their steps, tools, retrievals, waits for people.

A span handler at the root of LlamaIndex's own instrumentation. Of its spans those are taken that are
a workflow's run, a step, a tool's call or a retrieval; what they stand in is taken from their ids.

* A tool that waits for a person is left by `WaitingForEvent` and runs again with the answer: the
  first is marked as paused, the second is the call. The answer is the event that resolved the wait.
* The session of the memory that an agent is given is its conversation.

Source:
    llama-index-instrumentation 0.6, llama-index-workflows 2.26 (runtime/types/results.py),
    llama-index-core 0.14.25 (agent/workflow/base_agent.py, tools/types.py).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.span import active_span_id
from llama_index_instrumentation.span_handlers import BaseSpanHandler
from opentelemetry.context import Context

from tellwhy import _attributes as names
from tellwhy import _places
from tellwhy._frameworks.llamaindex_values import (
    agent_name,
    arguments_of,
    documents,
    is_a,
    method_of,
    plain_event,
    session_of,
    shown_result,
    tool_name,
)
from tellwhy._frameworks.pauses import Pauses, Question
from tellwhy._frameworks.steps import Steps, content
from tellwhy._guard import guarded
from tellwhy._open_step import OpenStep

RUN_TAG = "llamaindex.run_id"
STEP_TAG = "llamaindex.step.input_event"
"""Tags of workflows: which run a span belongs to, and that it is a step of one."""

_seeing = guarded("seeing what LlamaIndex does")


class _Part:
    """What is remembered of an open step: whose it is and which call of the model it carries out."""

    __slots__ = ("call_id", "kind", "name", "run")

    def __init__(self, kind: str, name: str, run: str, call_id: str | None = None) -> None:
        self.kind = kind
        self.name = name
        self.run = run
        self.call_id = call_id


class _State:
    """Outside of the handler, which is a model of pydantic's."""

    steps = Steps("llamaindex")
    pauses = Pauses("llamaindex")
    parts: dict[str, _Part] = {}  # noqa: RUF012 - one process, one state
    is_off: bool | None = None


class Handler(BaseSpanHandler):
    """Told by LlamaIndex's dispatcher what begins and ends."""

    def span_enter(
        self,
        id_: str,
        bound_args: Any,
        instance: Any = None,
        parent_id: str | None = None,
        tags: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """A method that is marked as a span begins."""
        if not _State.is_off:
            _enter(id_, bound_args.arguments, instance, parent_id, tags or {})

    def span_exit(self, id_: str, result: Any = None, **_: Any) -> None:
        """It has given *result*."""
        if not _State.is_off:
            _exit(id_, result)

    def span_drop(self, id_: str, err: BaseException | None = None, **_: Any) -> None:
        """It was left by *err*."""
        if not _State.is_off:
            _drop(id_, err)

    def new_span(self, *_: Any, **__: Any) -> None:
        """Nothing: `span_enter` does it."""

    def prepare_to_exit_span(self, *_: Any, **__: Any) -> None:
        """Nothing."""

    def prepare_to_drop_span(self, *_: Any, **__: Any) -> None:
        """Nothing."""


@_seeing
def _enter(
    key: str, told: Mapping[str, Any], instance: Any, parent: str | None, tags: Mapping[str, Any]
) -> None:
    method, above = method_of(key), _State.parts.get(parent or "")
    run = str(tags.get(RUN_TAG) or (above.run if above is not None else key))
    if is_a(instance, "Workflow") and method == "run":
        _run(key, told, instance, parent)
    elif STEP_TAG in tags and "ev" in told and above is not None and above.kind == "run":
        _step(key, told["ev"], parent, run, above)
    elif is_a(instance, "BaseTool", "AsyncBaseTool") and method in {"call", "acall"}:
        _tool(key, told, instance, parent, run)
    elif is_a(instance, "BaseRetriever") and method in {"retrieve", "aretrieve"}:
        _retrieval(key, told, instance, parent, run)
    else:
        _State.steps.inside(key, parent)
        if above is not None:
            _State.parts[key] = above


def _run(key: str, told: Mapping[str, Any], workflow: Any, parent: str | None) -> None:
    start = told.get("start_event")
    name = agent_name(workflow)
    _State.parts[key] = _Part("run", name, _run_id(told) or key)
    _State.steps.agent(
        key,
        name,
        parent=parent,
        conversation_id=session_of(start),
        asked=plain_event(start),
    )


def _run_id(told: Mapping[str, Any]) -> str | None:
    tags = told.get("tags")
    inner = tags.get("instrument_tags") if isinstance(tags, Mapping) else None
    found = inner.get(RUN_TAG) if isinstance(inner, Mapping) else None
    return None if found is None else str(found)


def _step(key: str, event: Any, parent: str | None, run: str, above: _Part) -> None:
    method = method_of(key)
    call_id = getattr(event, "tool_id", None) if is_a(event, "ToolCall") else None
    _State.parts[key] = _Part("step", method, run, call_id)
    said = {names.NODE_NAME: method}
    agent = getattr(event, "current_agent_name", None)
    if method == "run_agent_step" and isinstance(agent, str) and agent != above.name:
        step = _State.steps.agent(key, agent, parent=parent, said=said)  # one agent of several
    else:
        step = _State.steps.part(key, method, "node", parent=parent, said=said)
    if is_a(event, "HumanResponseEvent"):
        for asked in _State.pauses.waiting(run):
            if not asked.inside_tool:
                _State.pauses.answer(run, asked, plain_event(event), context=step.context)
    elif call_id is None:
        _answered(run, event, method, None, step)


def _tool(key: str, told: Mapping[str, Any], tool: Any, parent: str | None, run: str) -> None:
    above, name = _State.parts.get(parent or ""), tool_name(tool)
    if above is not None and above.kind == "tool" and above.name == name:
        _State.steps.inside(key, parent)  # a call that awaits, or wraps, the other
        return
    call_id = above.call_id if above is not None else None
    _State.parts[key] = _Part("tool", name, run, call_id)
    step = _State.steps.tool(key, name, arguments_of(told), parent=parent, call_id=call_id)
    _answered(run, None, name, call_id, step)


def _retrieval(
    key: str, told: Mapping[str, Any], retriever: Any, parent: str | None, run: str
) -> None:
    _State.parts[key] = _Part("retrieval", "retrieval", run)
    query = told.get("str_or_query_bundle")
    query = getattr(query, "query_str", query)
    said = {names.STEP_KIND: "retrieval"} | content(names.INPUT, {"query": query})
    _State.steps.part(key, type(retriever).__name__, "retrieval", parent=parent, said=said)


@_seeing
def _exit(key: str, result: Any) -> None:
    part, step = _State.parts.pop(key, None), _State.steps.get(key)
    if part is None or step is None:
        _State.steps.take(key)
        return
    if part.kind == "tool":
        value, failed = shown_result(result)
        if failed:
            step.told_error("tool_error", str(value))
        _State.steps.end(key, value)
    elif part.kind == "retrieval":
        _State.steps.end(key, documents(result))
    elif part.kind == "run" and step.run is not None and _is_root(step):
        _State.steps.end(key, str(result) if result is not None else None)
    else:
        if is_a(result, "InputRequiredEvent"):
            shown = plain_event(result)
            _State.pauses.ask(part.run, key, part.name, shown=shown, context=step.context)
        _State.steps.end(key)


@_seeing
def _drop(key: str, error: BaseException | None) -> None:
    part, step = _State.parts.pop(key, None), _State.steps.get(key)
    if part is None or step is None:
        _State.steps.take(key)
        return
    waiter = getattr(error, "add", None) if is_a(error, "WaitingForEvent") else None
    if waiter is not None:
        _State.pauses.ask(
            part.run,
            str(waiter.waiter_id),
            part.name,
            shown=plain_event(waiter.waiter_event),
            call_id=part.call_id,
            context=step.context,
        )
    if error is None:
        _State.steps.end(key)
    else:
        _State.steps.fail(key, error)


def _answered(run: str, event: Any, name: str, call_id: str | None, step: OpenStep) -> None:
    """Write the answers to what this call, or this step, had asked when it was left."""
    asked = {question.key: question for question in _State.pauses.waiting(run)}
    for waiter in _waiters():
        if waiter.resolved_event is None:
            continue
        is_ours = waiter.event is event or getattr(waiter.event, "tool_id", None) == call_id
        key = str(waiter.waiter_id)
        if is_ours and (call_id is not None or event is not None):
            question = asked.get(key) or Question(key, name, call_id=call_id)
            answer = plain_event(waiter.resolved_event)
            _State.pauses.answer(run, question, answer, context=step.context)


def _waiters() -> list[Any]:
    """Waits of the step that runs here, as its worker holds them."""
    results: Any = sys.modules.get("workflows.runtime.types.results")
    try:
        return list(results.StepWorkerStateContextVar.get().state.collected_waiters)
    except (AttributeError, LookupError):
        return []


def _is_root(step: OpenStep) -> bool:
    return step.run is not None and step.run.root == step.span.get_span_context()


def where() -> Context | None:
    """The place of the span that LlamaIndex has as its current one."""
    key = active_span_id.get()
    return None if key is None else _State.steps.place_of(key)


def install() -> Callable[[], None]:
    """Be told of every span from now on; gives the way back."""
    dispatcher = get_dispatcher()
    handler = Handler()
    dispatcher.add_span_handler(handler)
    _State.is_off = False
    _places.ask(where)

    def restore() -> None:
        _State.is_off = True
        _places.ask_no_more(where)
        if handler in dispatcher.span_handlers:
            dispatcher.span_handlers.remove(handler)
        _State.steps.close()
        _State.pauses.clear()
        _State.parts.clear()

    return restore
