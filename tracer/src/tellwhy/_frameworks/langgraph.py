"""LangGraph and LangChain: graphs, nodes, tools, retrievals, interrupts, resumes, forks.

One callback handler, which `register_configure_hook` puts into every callback manager. It says what
runs in what; the client hook sees what models are told and say.

* A graph is an agent, with its thread as the conversation; one without a name of its own inside
  another agent is a part of that.
* An interrupt is no error: its tool or node is marked as paused, and a question to a person is
  written. The answer comes with the `Command` of a later call and is written there. Where that call
  stands in no agent, it goes on in the paused run.

Source:
    langgraph 1.2.24, langchain-core 1.8.3: callbacks/manager.py, langgraph/pregel/main.py.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from langchain_core.callbacks.base import BaseCallbackHandler
from langchain_core.tracers.context import register_configure_hook
from opentelemetry.context import Context

from tellwhy import _attributes as names
from tellwhy import _places, _runs
from tellwhy._frameworks.langgraph_interrupts import (
    answer_late,
    asked,
    mark_paused,
    resumed,
)
from tellwhy._frameworks.langgraph_runs import (
    UNNAMED,
    Seen,
    found,
    is_outermost,
    last_said,
    name_of,
    name_thread,
    refine,
    said_of,
)
from tellwhy._frameworks.pauses import Pauses
from tellwhy._frameworks.steps import MAX_OPEN, Steps, content
from tellwhy._guard import guarded
from tellwhy._places import here

NODE_TAG = "graph:step:"
"""Begins the tag of a run that is a node."""

_seeing = guarded("seeing what LangGraph does")


class Handler(BaseCallbackHandler):
    """Told by LangChain what begins and ends."""

    run_inline = True  # in the order of what happens, also in async code

    def __init__(self) -> None:
        self.steps = Steps("langgraph")
        self.pauses = Pauses("langgraph")
        self.is_off: bool | None = None
        self._seen: OrderedDict[UUID, Seen] = OrderedDict()

    @property
    def ignore_chain(self) -> bool:
        """Whether nothing is to be told to us; the same for all sorts of runs."""
        return bool(self.is_off)

    ignore_agent = ignore_retriever = ignore_chat_model = ignore_chain
    ignore_llm = ignore_custom_event = ignore_retry = True

    def forget(self) -> None:
        """Close what is open."""
        self.steps.close()
        self.pauses.clear()
        self._seen.clear()

    @_seeing
    def on_chain_start(
        self,
        serialized: Any,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A graph, a node or a part of a chain begins."""
        seen = self._see(run_id, parent_run_id, name_of(kwargs, serialized), metadata)
        if any(tag.startswith(NODE_TAG) for tag in tags or ()):
            if parent_run_id in self._seen:
                self._graph(parent_run_id)
            name = str(seen.said.get("langgraph_node", seen.name))
            self.steps.part(run_id, name, "node", parent=parent_run_id, said=said_of(seen))
            return
        # Whether it is a graph shows when a node begins in it; on the outside the graph says so.
        seen.inputs = inputs
        if parent_run_id is None and "ls_integration" in seen.said:
            self._graph(run_id)
        else:
            self.steps.inside(run_id, parent_run_id)

    @_seeing
    def on_chain_end(self, outputs: Any, *, run_id: UUID, **_: Any) -> None:
        """What `on_chain_start` told of is over."""
        seen, step = self._seen.pop(run_id, None), self.steps.get(run_id)
        if seen is not None and step is not None and seen.graph:
            answer_late(self.pauses, seen.thread, seen.answers, step.context, None)
            if seen.is_paused:
                mark_paused(step)
            elif is_outermost(step):
                step.result(last_said(outputs))
        self.steps.end(run_id)

    @_seeing
    def on_chain_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """What `on_chain_start` told of was left by *error*, which may be an interrupt."""
        seen = self._seen.pop(run_id, None)
        if seen is not None:
            self._left(run_id, seen, error)

    @_seeing
    def on_tool_start(
        self,
        serialized: Any,
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: Mapping[str, Any] | None = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A tool begins."""
        name, call_id = name_of(kwargs, serialized), kwargs.get("tool_call_id")
        seen = self._see(run_id, parent_run_id, name, metadata)
        seen.call_id = call_id if isinstance(call_id, str) else None
        arguments = inputs if isinstance(inputs, dict) else {"input": input_str}
        refine(self.steps.get(parent_run_id))
        step = self.steps.tool(
            run_id, name, arguments, parent=parent_run_id, call_id=seen.call_id, said=said_of(seen)
        )
        for graph in self._graphs_around(seen):
            tool = (name, seen.call_id)
            answer_late(self.pauses, graph.thread, graph.answers, step.context, tool)

    @_seeing
    def on_tool_end(self, output: Any, *, run_id: UUID, **_: Any) -> None:
        """A tool has given *output*, which may tell of an error that was handled."""
        self._seen.pop(run_id, None)
        step = self.steps.get(run_id)
        said = getattr(output, "content", output)
        if step is not None and getattr(output, "status", None) == "error":
            step.result(said)
            step.told_error("tool_error", said if isinstance(said, str) else "")
            said = None
        self.steps.end(run_id, said)

    @_seeing
    def on_tool_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """A tool was left by *error*, which may be an interrupt."""
        seen = self._seen.pop(run_id, None)
        if seen is not None:
            self._left(run_id, seen, error)

    @_seeing
    def on_retriever_start(
        self,
        serialized: Any,
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Documents are looked for."""
        name = name_of(kwargs, serialized)
        seen = self._see(run_id, parent_run_id, name, metadata)
        said = (
            said_of(seen) | {names.STEP_KIND: "retrieval"} | content(names.INPUT, {"query": query})
        )
        self.steps.part(run_id, name, "retrieval", parent=parent_run_id, said=said)

    @_seeing
    def on_retriever_end(self, documents: Any, *, run_id: UUID, **_: Any) -> None:
        """*documents* were found."""
        self._seen.pop(run_id, None)
        self.steps.end(run_id, found(documents))

    @_seeing
    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """Nothing could be looked for."""
        self._seen.pop(run_id, None)
        self.steps.fail(run_id, error)

    @_seeing
    def on_chat_model_start(self, *_: Any, parent_run_id: UUID | None = None, **__: Any) -> None:
        """A model is asked: the client hook writes it; here the node learns its checkpoint."""
        refine(self.steps.get(parent_run_id))

    def where(self) -> Context | None:
        """The place of the innermost step that the code at hand runs in."""
        # Not imported: it imports the module whose arrival brings us here.
        runnables: Any = sys.modules.get("langchain_core.runnables.config")
        var = getattr(runnables, "var_child_runnable_config", None)
        config = var.get() if var is not None else None
        manager = config.get("callbacks") if config else None
        run_id = getattr(manager, "parent_run_id", None)
        return None if run_id is None else self.steps.place_of(run_id)

    def _see(
        self, run_id: UUID, parent: UUID | None, name: str, said: Mapping[str, Any] | None
    ) -> Seen:
        seen = self._seen[run_id] = Seen(name, parent, said or {})
        while len(self._seen) > MAX_OPEN:
            self._seen.popitem(last=False)
        return seen

    def _graph(self, run_id: UUID | None) -> None:
        """The run *run_id* is a graph."""
        seen = self._seen.get(run_id) if run_id is not None else None
        if seen is None or run_id is None or seen.graph:
            return
        seen.graph = True
        around = self.steps.place_of(seen.parent) or here()
        outer, told = _runs.run_in(around), None
        answer = getattr(seen.inputs, "resume", None)
        if answer is None and isinstance(seen.inputs, dict):
            told = {"input": seen.inputs}
        if outer is None and answer is not None:
            around = self.pauses.goes_on(seen.thread) or around
        said = {names.CHECKPOINT_FROM: seen.said.get("checkpoint_id")}
        if outer is not None and seen.name == UNNAMED:
            step = self.steps.part(run_id, seen.name, "graph", parent=seen.parent, said=said)
            name_thread(outer, seen.thread)
        else:
            step = self.steps.agent(
                run_id,
                seen.name,
                conversation_id=seen.thread,
                asked=told,
                said=said,
                context=around,
                start_ns=seen.started_ns,
            )
        if answer is not None:
            seen.answers = resumed(self.pauses, seen.thread, answer, step)

    def _graphs_around(self, seen: Seen) -> Iterator[Seen]:
        found: Seen | None = seen
        while found is not None:
            if found.graph:
                yield found
            found = self._seen.get(found.parent) if found.parent is not None else None

    def _left(self, run_id: UUID, seen: Seen, error: BaseException) -> None:
        step = self.steps.get(run_id)
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if step is not None and "GraphInterrupt" in kinds:
            asked(self.pauses, seen.thread, error, step, name=seen.name, call_id=seen.call_id)
            for graph in self._graphs_around(seen):
                graph.is_paused = True
        elif step is not None and "ParentCommand" in kinds and error.args:
            goto = getattr(error.args[0], "goto", None)
            if isinstance(goto, str) and goto:
                step.span.set_attribute(names.HANDOFF_TO, goto)
        self.steps.fail(run_id, error)


_HANDLER = Handler()


def install() -> Callable[[], None]:
    """Be told by every callback manager from now on; gives the way back."""
    if _HANDLER.is_off is None:  # a hook stays for good: once a process
        register_configure_hook(ContextVar("tellwhy", default=_HANDLER), inheritable=True)
    _HANDLER.is_off = False
    _places.ask(_HANDLER.where)

    def restore() -> None:
        _HANDLER.is_off = True
        _places.ask_no_more(_HANDLER.where)
        _HANDLER.forget()

    return restore
