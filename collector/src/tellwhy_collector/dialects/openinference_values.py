"""What OpenInference puts into flattened names and into ``input.value`` and ``output.value``."""

from collections.abc import Callable
from operator import itemgetter
from typing import Any, NamedTuple

from tellwhy_collector.dialects.messages import messages_of, result_of
from tellwhy_collector.dialects.reading import as_dict, as_json, as_structure, count_of, text_of


class Answer(NamedTuple):
    """A provider's raw answer as far as it could be read."""

    messages: list[dict[str, Any]] | None = None
    response_id: str | None = None
    finish_reason: str | None = None
    cache_write_tokens: int | None = None


class ToolOutput(NamedTuple):
    """What a tool gave back, out of its framework's wrapping."""

    result: Any = None
    call_id: str | None = None
    is_error: bool = False


def flattened(attributes: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
    """The list that ``prefix.N.a.b = value`` attributes spell, in the order of N."""
    tree: dict[str, Any] = {}
    for name, value in attributes.items():
        if not name.startswith(prefix):
            continue
        path = name[len(prefix) :].split(".")
        leaf = path.pop()
        node = tree
        for step in path:
            child = node.get(step)
            if type(child) is not dict:
                child = node[step] = {}
            node = child
        node.setdefault(leaf, value)
    return [item for item in _in_order(tree) if isinstance(item, dict)]


def _in_order(tree: dict[str, Any]) -> list[Any]:
    """Values under number keys by number; other keys are no list entries."""
    numbered = [(int(key), value) for key, value in tree.items() if key.isdecimal()]
    if len(numbered) > 1:
        numbered.sort(key=_number)
    return [value for _, value in numbered]


def flattened_messages(attributes: dict[str, Any], prefix: str) -> list[dict[str, Any]] | None:
    """Flattened messages in the GenAI shape."""
    messages = [
        _message(item["message"])
        for item in flattened(attributes, prefix)
        if isinstance(item.get("message"), dict)
    ]
    return messages or None


def _message(message: dict[str, Any]) -> dict[str, Any]:
    role = text_of(message, "role") or "user"
    if role == "tool" or message.get("tool_call_id"):
        response = result_of(message.get("content", _texts(message.get("contents"))))
        part = {"type": "tool_call_response", "id": text_of(message, "tool_call_id")}
        return {"role": "tool", "parts": [{**part, "response": response}]}
    parts = [part for item in _items(message.get("contents")) for part in _content(item)]
    content = message.get("content")
    if not parts and content is not None:
        texts = _in_order(content) if isinstance(content, dict) else [content]
        parts = [{"type": "text", "content": text} for text in texts if isinstance(text, str)]
    if listed := _items(message.get("tool_calls")):
        told = {part.get("id") for part in parts if part["type"] == "tool_call"}
        calls = [_call(item.get("tool_call", item)) for item in listed]
        parts += [call for call in calls if call["id"] is None or call["id"] not in told]
    return {"role": role, "parts": parts}


_number: Callable[[tuple[int, Any]], int] = itemgetter(0)


def _items(tree: Any) -> list[dict[str, Any]]:
    return (
        [item for item in _in_order(tree) if isinstance(item, dict)]
        if isinstance(tree, dict)
        else []
    )


def _texts(contents: Any) -> list[Any]:
    return [part for item in _items(contents) for part in _content(item)]


def _content(item: dict[str, Any]) -> list[dict[str, Any]]:
    if isinstance(item.get("tool_call"), dict):
        return [_call(item["tool_call"])]
    content = item.get("message_content")
    if not isinstance(content, dict):
        return []
    kind = content.get("type", "text")
    if kind == "tool_use":
        return []
    if kind in ("reasoning", "thinking"):
        part = {"type": "reasoning", "content": content.get("text", "")}
        return [part | ({"signature": content["signature"]} if content.get("signature") else {})]
    if kind == "text":
        return [{"type": "text", "content": content.get("text", "")}]
    return [content]


def _call(call: Any) -> dict[str, Any]:
    call = call if isinstance(call, dict) else {}
    function = call.get("function") if isinstance(call.get("function"), dict) else {}
    return {
        "type": "tool_call",
        "id": text_of(call, "id"),
        "name": text_of(function, "name"),
        "arguments": as_structure(function.get("arguments")),
    }


def answer_in(value: Any) -> Answer:
    """The raw answer of Anthropic, OpenAI (chat, responses) or LangChain in *value*.

    Plain text is an answer of one text message.
    """
    parsed = as_json(value)
    if isinstance(parsed, list):
        if len(parsed) == 1 and isinstance(parsed[0], dict) and "output" in parsed[0]:
            parsed = parsed[0]
        else:
            return Answer(messages_of(parsed, role="assistant"))
    if not isinstance(parsed, dict):
        return Answer(messages_of(value, role="assistant") if isinstance(value, str) else None)
    return _langchain(parsed["generations"]) if "generations" in parsed else _wire(parsed)


def _wire(parsed: dict[str, Any]) -> Answer:
    """The answer of a provider's API: OpenAI chat, OpenAI responses or Anthropic messages."""
    response_id = text_of(parsed, "id")
    if isinstance(parsed.get("choices"), list):
        choices = [choice for choice in parsed["choices"] if isinstance(choice, dict)]
        finish = next((text_of(choice, "finish_reason") for choice in choices), None)
        said = [choice["message"] for choice in choices if "message" in choice]
        return Answer(messages_of(said, role="assistant"), response_id, finish)
    if isinstance(parsed.get("output"), list):
        items = [i for i in parsed["output"] if isinstance(i, dict)]
        return Answer(messages_of(items, role="assistant"), _real(response_id), None)
    if "content" in parsed:
        messages = messages_of([{"role": "assistant", **parsed}], role="assistant")
        return Answer(messages, response_id, text_of(parsed, "stop_reason"))
    return Answer()


def _real(response_id: str | None) -> str | None:
    """None for the placeholder that the OpenAI Agents SDK puts where it knows no id."""
    return None if response_id == "__fake_id__" else response_id


def _langchain(generations: Any) -> Answer:
    first = generations[0] if isinstance(generations, list) and generations else None
    first = first[0] if isinstance(first, list) and first else first
    message = as_dict(first).get("message")
    said = as_dict(message).get("kwargs")
    if not isinstance(said, dict):
        return Answer()
    metadata = as_dict(said.get("response_metadata"))
    messages = messages_of([{"role": "assistant", "content": said.get("content")}])
    calls = said.get("tool_calls")
    if messages and isinstance(calls, list):
        parts = messages[0]["parts"]
        told = {part.get("id") for part in parts if part.get("type") == "tool_call"}
        parts += [
            {
                "type": "tool_call",
                "id": c.get("id"),
                "name": c.get("name"),
                "arguments": c.get("args"),
            }
            for c in calls
            if isinstance(c, dict) and c.get("id") not in told
        ]
    finish = text_of(metadata, "stop_reason", "finish_reason")
    return Answer(messages, text_of(metadata, "id"), finish, _cache_written(said))


def _cache_written(said: dict[str, Any]) -> int | None:
    """LangChain says 0 where the provider tells the writes apart by how long they live."""
    details = as_dict(as_dict(said.get("usage_metadata")).get("input_token_details"))
    apart = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
    counts = [count_of(details, name) for name in ("cache_creation", *apart)]
    if all(count is None for count in counts):
        return None
    return counts[0] or sum(count or 0 for count in counts[1:])


def tool_input(value: Any) -> Any:
    """A tool's arguments; the wrapping of LlamaIndex and smolagents is taken off."""
    parsed = as_structure(value)
    if not isinstance(parsed, dict) or "kwargs" not in parsed:
        return parsed
    if not set(parsed) <= {"args", "kwargs", "sanitize_inputs_outputs"}:
        return parsed
    named = as_dict(parsed["kwargs"])
    return {"args": parsed["args"], **named} if parsed.get("args") else named


def tool_output(value: Any) -> ToolOutput:
    """A tool's result; the wrapping of LangChain and LlamaIndex is taken off."""
    parsed = as_structure(value)
    if isinstance(parsed, dict):
        message = parsed.get("data")
        if parsed.get("type") == "tool" and isinstance(message, dict):
            failed = message.get("status") == "error"
            call_id = text_of(message, "tool_call_id")
            return ToolOutput(result_of(message.get("content")), call_id, failed)
        if "raw_output" in parsed and "is_error" in parsed:
            return ToolOutput(parsed["raw_output"], None, bool(parsed["is_error"]))
    return ToolOutput(result_of(parsed))
