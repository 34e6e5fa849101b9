"""Messages of every spelling in one shape: ``{"role", "parts": [{"type", …}]}``.

Takes the OTel GenAI shape, Anthropic content blocks, OpenAI chat messages, OpenAI response items,
Gemini contents and Bedrock blocks, alone or in lists. What it does not know it keeps as it came.

Source: OTel GenAI conventions 1.42-dev, "GenAI message" JSON schemas; Anthropic Messages API;
OpenAI Chat Completions and Responses APIs.
"""

from typing import Any

from tellwhy_collector.dialects.reading import as_json, as_structure
from tellwhy_collector.dialects.repeated import repeated
from tellwhy_collector.dialects.untyped_blocks import typed

PART_TYPES = {"thinking": "reasoning", "reasoning_content": "reasoning", "output_text": "text"}
"""Other words for a part's type."""
SYSTEM_ROLES = ("system", "developer")
ROLES = {"model": "assistant"}
"""Other words for a speaker."""


def messages_of(value: Any, *, role: str = "user") -> list[dict[str, Any]] | None:
    """Messages in order; None if there are none.

    Args:
        value: JSON text or a structure: a list of messages, of content blocks or of response
            items, one of them, or plain text.
        role: Who speaks where the message does not say.
    """
    parsed = as_json(value)
    if not parsed:
        return None
    if isinstance(parsed, dict) and isinstance(parsed.get("messages"), list):
        parsed = parsed["messages"]
    messages: list[dict[str, Any]] = []
    for item in parsed if isinstance(parsed, list) else [parsed]:
        if _is_message(item):
            messages.append(_message(item, role))
            continue
        for message in _from_item(item, role):
            if messages and messages[-1]["role"] == message["role"]:
                messages[-1]["parts"] += message["parts"]
            else:
                messages.append(message)
    return messages or None


def split_system(
    messages: list[dict[str, Any]] | None, instructions: list[dict[str, Any]] | None
) -> tuple[list[dict[str, Any]] | None, list[dict[str, Any]] | None]:
    """Messages without leading system messages, and the instructions that these hold."""
    if not messages or instructions:
        return messages, instructions
    count = 0
    while count < len(messages) and messages[count]["role"] in SYSTEM_ROLES:
        count += 1
    if not count:
        return messages, instructions
    return messages[count:] or None, [part for m in messages[:count] for part in m["parts"]]


@repeated
def instructions_of(value: Any) -> list[dict[str, Any]] | None:
    """System instructions as parts."""
    messages = messages_of(value, role="system")
    return [part for message in messages for part in message["parts"]] if messages else None


def result_of(value: Any) -> Any:
    """A tool's result: the text of content blocks that are all text, else what came."""
    parsed = as_structure(value)
    if isinstance(parsed, list) and parsed and all(_is_text(block) for block in parsed):
        return "\n".join(str(block.get("text", block.get("content", ""))) for block in parsed)
    return parsed


@repeated
def tools_of(value: Any) -> list[dict[str, Any]] | None:
    """Offered tools as ``{"name", "description"?, "parameters"?}``."""
    parsed = as_json(value)
    if isinstance(parsed, dict):
        parsed = [parsed]
    if not isinstance(parsed, list):
        return None
    return [tool for item in parsed for tool in _tools_in(item) or ()] or None


@repeated
def _tools_in(item: Any) -> list[dict[str, Any]] | None:
    """The tools of one entry of a list; many senders write each one as a text of its own."""
    return [tool for each in _declared(as_json(item)) if (tool := _tool(as_json(each)))]


def _declared(item: Any) -> list[Any]:
    """What Gemini declares as one tool, or OpenAI in a namespace; else the tool alone."""
    if not isinstance(item, dict):
        return [item]
    within = "tools" if item.get("type") == "namespace" else None
    for name in ("functionDeclarations", "function_declarations", within):
        if name is not None and isinstance(item.get(name), list):
            found: list[Any] = item[name]
            return found
    return [item]


SCHEMAS = (
    "parameters",
    "input_schema",
    "inputSchema",
    "parametersJsonSchema",
    "parameters_json_schema",
)
"""Where the schema of a tool's arguments stands."""


def _tool(item: Any) -> dict[str, Any] | None:
    if isinstance(item, str):
        return {"name": item}
    if not isinstance(item, dict):
        return None
    inner = _inner(item)
    # A remote MCP server is offered as a whole, under its label.
    names = (inner.get("name"), item.get("name"), item.get("server_label"), item.get("type"))
    name = next((each for each in names if each), None)
    if not isinstance(name, str):
        return None
    schema = next((inner[k] for k in SCHEMAS if k in inner), None)
    tool = {"name": name, "description": inner.get("description"), "parameters": schema}
    return {key: kept for key, kept in tool.items() if kept is not None}


def _inner(item: dict[str, Any]) -> dict[str, Any]:
    """What OpenAI wraps in ``function``; the item itself for everybody else."""
    inner = item.get("function")
    return inner if isinstance(inner, dict) else item


def _is_text(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") in ("text", "output_text", "input_text")


def _is_message(item: Any) -> bool:
    return isinstance(item, dict) and ("parts" in item or ("role" in item and "content" in item))


def _from_item(item: Any, role: str) -> list[dict[str, Any]]:
    """Messages of one list entry that may be a message, a content block or a response item."""
    if isinstance(item, str):
        return [{"role": role, "parts": [{"type": "text", "content": item}]}]
    if not isinstance(item, dict):
        return []
    if "role" in item:
        return [_message(item, role)]
    if item.get("type") == "function_call_output":
        return [{"role": "tool", "parts": [_part(item)]}]
    return [{"role": role, "parts": _parts_of_block(item)}]


def _message(item: dict[str, Any], role: str) -> dict[str, Any]:
    stated = item.get("role")
    speaker = stated if isinstance(stated, str) else role
    speaker = ROLES.get(speaker, speaker)
    message: dict[str, Any] = {"role": speaker, "parts": _parts(item, speaker)}
    if reason := item.get("finish_reason"):
        message["finish_reason"] = reason
    if name := item.get("name"):
        message["name"] = name
    return message


def _parts(item: dict[str, Any], speaker: str) -> list[dict[str, Any]]:
    given = item.get("parts")
    if isinstance(given, list):
        return _parts_of_blocks(given)
    if speaker == "tool" or item.get("tool_call_id"):
        answer = {"type": "tool_call_response", "id": item.get("tool_call_id")}
        return [{**answer, "response": result_of(item.get("content"))}]
    parts: list[dict[str, Any]] = []
    if isinstance(item.get("reasoning_content"), str) and item["reasoning_content"]:
        parts.append({"type": "reasoning", "content": item["reasoning_content"]})
    content = as_structure(item.get("content"))
    if isinstance(content, str):
        parts += [{"type": "text", "content": content}] if content else []
    elif isinstance(content, list):
        parts += _parts_of_blocks(content)
    elif isinstance(content, dict):
        parts += _parts_of_block(content)
    if isinstance(item.get("refusal"), str) and item["refusal"]:
        parts.append({"type": "refusal", "content": item["refusal"]})
    calls = item.get("tool_calls")
    calls = calls if isinstance(calls, list) else []
    return parts + [_call(call) for call in calls if isinstance(call, dict)]


def _call(call: dict[str, Any]) -> dict[str, Any]:
    inner = _inner(call)
    arguments = inner.get("arguments", inner.get("input", inner.get("args")))
    return {
        "type": "tool_call",
        # Responses items have an id of their own; results name the call_id.
        "id": call.get("call_id") or call.get("id"),
        "name": inner.get("name"),
        "arguments": as_structure(arguments),
    }


def _parts_of_blocks(blocks: list[Any]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for block in blocks:
        # Most blocks are plain text, in the words of the conventions.
        if type(block) is dict and block.get("type") == "text" and "content" in block:
            parts.append({"type": "text", "content": block["content"]})
        else:
            parts += _parts_of_block(block)
    return parts


def _parts_of_block(block: Any) -> list[dict[str, Any]]:
    if isinstance(block, str):
        return [{"type": "text", "content": block}]
    if not isinstance(block, dict):
        return []
    if block.get("type") == "message":
        return _parts(block, str(block.get("role", "assistant")))
    return [_part(block)]


def _part(block: dict[str, Any]) -> dict[str, Any]:
    block = typed(block)
    kind = PART_TYPES.get(str(block.get("type")), str(block.get("type", "text")))
    if kind in _PARTS:
        return _PARTS[kind](block)
    if kind in ("text", "input_text"):
        return {"type": "text", "content": block.get("content", block.get("text", ""))}
    return dict(block)


def _reasoning(block: dict[str, Any]) -> dict[str, Any]:
    content = block.get("content", block.get("thinking", block.get("text")))
    if content is None and isinstance(block.get("summary"), list):
        content = "\n".join(
            str(piece.get("text", "")) for piece in block["summary"] if isinstance(piece, dict)
        )
    part = {"type": "reasoning", "content": content or ""}
    return part | ({"signature": block["signature"]} if block.get("signature") else {})


def _tool_use(block: dict[str, Any]) -> dict[str, Any]:
    return _call(block)


def _tool_call(block: dict[str, Any]) -> dict[str, Any]:
    return {**block, "arguments": as_structure(block.get("arguments"))}


def _server_tool_use(block: dict[str, Any]) -> dict[str, Any]:
    call = _call(block)
    return {**call, "type": "server_tool_call"}


def _tool_result(block: dict[str, Any]) -> dict[str, Any]:
    part = {
        "type": "tool_call_response",
        "id": block.get("tool_use_id") or block.get("call_id") or block.get("id"),
        "response": result_of(
            block.get("response", block.get("content", block.get("output", block.get("result"))))
        ),
    }
    return part | ({"is_error": True} if block.get("is_error") else {})


def _image(block: dict[str, Any]) -> dict[str, Any]:
    source = block.get("source")
    if not isinstance(source, dict):
        return dict(block)
    mime = source.get("media_type")
    part = {"type": "blob", "mime_type": mime, "modality": "image"}
    return {
        **part,
        **({"content": source["data"]} if "data" in source else {"uri": source.get("url")}),
    }


_PARTS = {
    "reasoning": _reasoning,
    "tool_use": _tool_use,
    "function_call": _tool_use,
    "tool_call": _tool_call,
    "server_tool_use": _server_tool_use,
    "mcp_tool_use": _server_tool_use,
    "tool_result": _tool_result,
    "tool_call_response": _tool_result,
    "function_call_output": _tool_result,
    "image": _image,
}
