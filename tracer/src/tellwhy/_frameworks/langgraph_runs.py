"""One run as LangChain tells of it: graph, node, tool or a part of a chain."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from tellwhy import _attributes as names
from tellwhy import _runs
from tellwhy._frameworks.langgraph_interrupts import Answers
from tellwhy._open_step import OpenStep

UNNAMED = "LangGraph"
"""Name of a graph that was given none."""


class Seen:
    """One run of LangChain's that has begun and not ended."""

    __slots__ = (
        "answers",
        "call_id",
        "graph",
        "inputs",
        "is_paused",
        "name",
        "parent",
        "said",
        "started_ns",
    )

    def __init__(self, name: str, parent: UUID | None, said: Mapping[str, Any]) -> None:
        self.name = name
        self.parent = parent
        self.said = said
        self.started_ns = time.time_ns()
        self.inputs: Any = None
        self.graph = False
        self.call_id: str | None = None
        self.answers: Answers = []
        """With which a graph goes on: each waits for its tool."""
        self.is_paused = False

    @property
    def thread(self) -> str | None:
        """The thread that it belongs to."""
        thread = self.said.get("thread_id")
        return None if thread is None else str(thread)


def name_of(told: Mapping[str, Any], serialized: Any) -> str:
    name = told.get("name")
    if name is None and isinstance(serialized, dict):
        name = serialized.get("name") or (serialized.get("id") or [None])[-1]
    return str(name or "unnamed")


def said_of(seen: Seen) -> dict[str, Any]:
    """What LangGraph says about the node that a run is or stands in."""
    return {
        names.NODE_NAME: seen.said.get("langgraph_node"),
        names.NODE_STEP: seen.said.get("langgraph_step"),
        names.CHECKPOINT_NAMESPACE: seen.said.get("langgraph_checkpoint_ns"),
    }


def is_outermost(step: OpenStep) -> bool:
    return step.run is not None and step.run.root == step.span.get_span_context()


def last_said(outputs: Any) -> Any:
    """The last message of a state that has messages, whose others the model calls hold; else all."""
    messages = outputs.get("messages") if isinstance(outputs, dict) else None
    if isinstance(messages, list) and messages:
        return getattr(messages[-1], "content", messages[-1])
    return outputs


def name_thread(outer: _runs.Run, thread: str | None) -> None:
    if thread is not None and outer.conversation_id is None:
        outer.set_conversation(thread)


def found(documents: Any) -> list[dict[str, Any]]:
    """Documents of a retriever as texts with their ids and metadata."""
    return [
        {
            "content": getattr(each, "page_content", None),
            "id": getattr(each, "id", None),
            "metadata": getattr(each, "metadata", None),
        }
        for each in documents or ()
    ]


def refine(step: OpenStep | None) -> None:
    """Say of a node what its own code can ask and its callbacks are not told."""
    runtime: Any = sys.modules.get("langgraph.runtime")
    if step is None or runtime is None:
        return
    try:
        told = runtime.get_runtime().execution_info
    except (RuntimeError, KeyError, AttributeError):
        return  # outside of a graph, or an older one
    if told is None:
        return
    step.span.set_attribute(names.CHECKPOINT_ID, told.checkpoint_id)
    if told.node_attempt > 1:
        step.span.set_attribute(names.NODE_ATTEMPT, told.node_attempt)
