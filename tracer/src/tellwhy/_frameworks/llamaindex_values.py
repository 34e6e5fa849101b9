"""What LlamaIndex's objects say of themselves, read without importing a class of its.

Source:
    llama-index-core 0.14.25: tools/types.py, schema.py; llama-index-workflows 2.26: events.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NOT_GIVEN_BY_MODELS = frozenset({"ctx", "context"})
"""Parameters that a workflow puts in beside what the model said."""


def is_a(value: Any, *kinds: str) -> bool:
    """Whether the class of *value*, or one above it, has one of these names."""
    return any(kind.__name__ in kinds for kind in type(value).__mro__)


def method_of(span_id: str) -> str:
    """The method that ``Class.method-<uuid>`` names."""
    return span_id[:-37].rpartition(".")[2]


def agent_name(workflow: Any) -> str:
    """The name that an agent was given, else the class of the workflow."""
    name = getattr(workflow, "name", None)
    if isinstance(name, str) and name and name != "Agent":
        return name
    return type(workflow).__name__


def tool_name(tool: Any) -> str:
    """The name that models call the tool by."""
    return str(getattr(getattr(tool, "metadata", None), "name", None) or type(tool).__name__)


def arguments_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a tool was called with, by name, as the model said it."""
    named = told.get("kwargs")
    found = dict(named) if isinstance(named, Mapping) else {}
    found |= {key: value for key, value in told.items() if key not in {"args", "kwargs"}}
    if not found and told.get("args"):
        found["input"] = told["args"][0]
    return {key: value for key, value in found.items() if key not in NOT_GIVEN_BY_MODELS}


def session_of(start: Any) -> str | None:
    """The session of the memory that a run was given."""
    session = getattr(getattr(start, "memory", None), "session_id", None)
    return session if isinstance(session, str) else None


def plain_event(event: Any) -> dict[str, Any] | None:
    """Fields of an event by name, without memories and contexts."""
    items = getattr(event, "items", None)
    if items is None:
        return None
    found = dict(items())
    for name in getattr(type(event), "model_fields", ()):
        found.setdefault(name, getattr(event, name, None))
    left_out = {"memory", "ctx", "tags", "chat_history"}
    return {k: v for k, v in found.items() if v is not None and k not in left_out} or None


def shown_result(output: Any) -> tuple[Any, bool]:
    """What a tool gave back, and whether that is an error."""
    if not is_a(output, "ToolOutput"):
        return output, False
    raw = getattr(output, "raw_output", None)
    is_plain = isinstance(raw, str | int | float | bool | list | dict)
    return raw if is_plain else getattr(output, "content", None), bool(output.is_error)


def documents(result: Any) -> list[dict[str, Any]]:
    """Retrieved nodes as texts with ids, scores and metadata."""
    found = []
    for each in result if isinstance(result, list) else ():
        node = getattr(each, "node", each)
        found.append(
            {
                "content": getattr(node, "text", None),
                "id": getattr(node, "node_id", None),
                "score": getattr(each, "score", None),
                "metadata": getattr(node, "metadata", None),
            }
        )
    return found
