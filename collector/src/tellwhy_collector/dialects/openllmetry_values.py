"""What OpenLLMetry puts into indexed names, into entities and into text parts."""

import ast
from typing import Any

from tellwhy_collector.dialects.messages import messages_of, result_of
from tellwhy_collector.dialects.openinference_values import flattened, tool_input, tool_output
from tellwhy_collector.dialects.reading import as_dict, as_json, as_structure, first_of, text_of

ROLES = {
    "HumanMessage": "user",
    "AIMessage": "assistant",
    "AIMessageChunk": "assistant",
    "ToolMessage": "tool",
    "SystemMessage": "system",
}
"""Classes of LangChain's messages."""
BLOCKS = ("thinking", "tool_use", "text")


def indexed_messages(attributes: dict[str, Any], prefix: str) -> list[dict[str, Any]] | None:
    """Messages that ``prefix.N.role``, ``.content`` and ``.tool_calls.M.*`` spell.

    Reasoning stands there as a message of the role ``thinking`` before the one it belongs to.
    """
    found: list[dict[str, Any]] = []
    thoughts: list[dict[str, Any]] = []
    finish: str | None = None
    for item in flattened(attributes, prefix):
        role, content = text_of(item, "role"), item.get("content")
        if role == "thinking":
            thoughts.append({"type": "reasoning", "content": content or ""})
            finish = text_of(item, "finish_reason") or finish
            continue
        calls = _calls(item.get("tool_calls"))
        if isinstance(item.get("function_call"), dict):
            calls.append(item["function_call"])
        plain = {
            "role": role or ("assistant" if prefix.endswith("completion.") else "user"),
            "content": content,
            "tool_calls": calls,
            "tool_call_id": item.get("tool_call_id"),
            "finish_reason": text_of(item, "finish_reason") or finish,
        }
        for message in messages_of([plain]) or ():
            found.append({**message, "parts": thoughts + message["parts"]})
            thoughts = []
    if thoughts:
        found.append({"role": "assistant", "parts": thoughts})
    return found or None


def _calls(tree: Any) -> list[dict[str, Any]]:
    """The entries of ``tool_calls.M`` in the order of M."""
    if not isinstance(tree, dict):
        return []
    numbered = [(int(key), call) for key, call in tree.items() if key.isdecimal()]
    calls = sorted(numbered, key=lambda pair: pair[0])
    return [call for _, call in calls if isinstance(call, dict)]


def repaired(messages: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """Messages whose text parts are no content blocks in disguise.

    The LangChain instrumentation writes blocks that it does not know as JSON into a text part,
    and tool calls twice.
    """
    for message in messages or ():
        parts = [_undisguised(part) for part in message["parts"]]
        told = [part.get("id") for part in message["parts"] if part.get("type") == "tool_call"]
        message["parts"] = [
            part
            for part, came in zip(parts, message["parts"], strict=True)
            if part is came or part.get("type") != "tool_call" or part.get("id") not in told
        ]
    return messages


def _undisguised(part: dict[str, Any]) -> dict[str, Any]:
    content = part.get("content")
    if part.get("type") != "text" or not isinstance(content, str) or content[:1] != "{":
        return part
    block = as_json(content)
    if not isinstance(block, dict) or block.get("type") not in BLOCKS:
        return part
    found = messages_of([block])
    inner: dict[str, Any] = found[0]["parts"][0] if found else part
    return inner


def tool_in(attributes: dict[str, Any]) -> dict[str, Any]:
    """Name, id, arguments and result of a tool, out of what its framework wrapped them in."""
    asked = as_structure(
        first_of(attributes, "gen_ai.tool.call.arguments", "traceloop.entity.input")
    )
    answered = as_structure(
        first_of(attributes, "gen_ai.tool.call.result", "traceloop.entity.output")
    )
    call_id = text_of(attributes, "gen_ai.tool.call.id") or text_of(as_dict(answered), "tool_id")
    if isinstance(answered, dict) and isinstance(answered.get("tool_output"), dict):
        answered = answered["tool_output"]
    name = text_of(attributes, "gen_ai.tool.name") or text_of(as_dict(answered), "tool_name")
    arguments = tool_input(asked)
    if isinstance(asked, dict) and "input_str" in asked:
        arguments = _langchain_input(asked)
        call_id = call_id or text_of(as_dict(asked.get("kwargs")), "tool_call_id")
    elif asked is None and "raw_input" in as_dict(answered):
        arguments = tool_input(as_dict(answered)["raw_input"])
    if isinstance(answered, dict) and set(answered) == {"output", "kwargs"}:
        answered = answered["output"]
    said = _constructed(answered)
    output = tool_output(answered)
    failed = output.is_error or bool(said and said.get("status") == "error")
    result = result_of(said.get("content")) if said else output.result
    return {
        "tool_name": name or text_of(attributes, "traceloop.entity.name"),
        "tool_call_id": call_id or (text_of(said, "tool_call_id") if said else None),
        "tool_arguments": arguments,
        "tool_result": result,
        "status": "error" if failed else None,
        "error_type": "tool_error" if failed else None,
        "error_message": str(result) if failed else None,
    }


def _langchain_input(asked: dict[str, Any]) -> Any:
    """The named arguments, or those that LangChain wrote in Python's notation."""
    if isinstance(asked.get("inputs"), dict):
        return asked["inputs"]
    told = asked["input_str"]
    try:
        return ast.literal_eval(told)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return told


def entity_of(value: Any) -> Any:
    """Input or output of an entity; LangChain's wrapping is taken off."""
    parsed = as_structure(value)
    if isinstance(parsed, dict) and "kwargs" in parsed:
        for name in ("inputs", "outputs"):
            if name in parsed:
                return _from_langchain(parsed[name])
    return tool_input(parsed)


def _from_langchain(value: Any) -> Any:
    messages = value.get("messages") if isinstance(value, dict) else None
    if not isinstance(messages, list):
        return value
    said = [_constructed(message) for message in messages]
    plain = [
        {**kwargs, "role": ROLES.get(str(message["id"][-1]), "user")}
        for message, kwargs in zip(messages, said, strict=True)
        if kwargs is not None
    ]
    return messages_of(plain) if len(plain) == len(messages) else value


def finish_in(value: Any) -> str | None:
    """Why the model stopped that gave the last message of a LangChain node's output."""
    outputs = as_dict(as_structure(value)).get("outputs")
    messages = outputs.get("messages") if isinstance(outputs, dict) else None
    last = _constructed(messages[-1]) if isinstance(messages, list) and messages else None
    metadata = as_dict(last.get("response_metadata")) if last else {}
    return text_of(metadata, "stop_reason", "finish_reason")


def _constructed(value: Any) -> dict[str, Any] | None:
    """Arguments of an object that LangChain wrote as a call of its constructor."""
    if not isinstance(value, dict) or value.get("type") != "constructor":
        return None
    kwargs, path = value.get("kwargs"), value.get("id")
    return kwargs if isinstance(kwargs, dict) and isinstance(path, list) and path else None
