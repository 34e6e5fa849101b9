"""Blocks that name their kind by a key instead of a ``type``, as Gemini and Bedrock write them.

Source: Gemini API ``Part`` (in JSON and as google-genai dumps it); Bedrock Converse
``ContentBlock``; blocks as Strands 1.62, ADK 2.13 and Gemini CLI 0.61 send them.
"""

from typing import Any


def typed(block: dict[str, Any]) -> dict[str, Any]:
    """*block* as a GenAI part if it is of a kind known here, else as it came."""
    if "type" in block:
        return block
    for names, part_of in _KINDS:
        if inner := _inside(block, names):
            return part_of(inner)
    if block.get("thought") is True:
        signature = block.get("thoughtSignature") or block.get("thought_signature")
        return _reasoning({"text": block.get("text"), "signature": signature})
    return block


def content_result(value: Any) -> Any:
    """What a list of content blocks says: their text, or the one JSON value in it."""
    if not isinstance(value, list) or not value or not all(isinstance(b, dict) for b in value):
        return value
    if all(isinstance(block.get("text"), str) for block in value):
        return "\n".join(block["text"] for block in value)
    if len(value) == 1 and list(value[0]) == ["json"]:
        return value[0]["json"]
    return value


def _inside(block: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any] | None:
    for name in names:
        if isinstance(block.get(name), dict):
            found: dict[str, Any] = block[name]
            return found
    return None


def _call(call: dict[str, Any]) -> dict[str, Any]:
    told = {"id": call.get("id") or call.get("toolUseId"), "name": call.get("name")}
    return {"type": "tool_call", **told, "arguments": call.get("args", call.get("input"))}


def _result(answer: dict[str, Any]) -> dict[str, Any]:
    part = {
        "type": "tool_call_response",
        "id": answer.get("id") or answer.get("toolUseId"),
        "response": answer.get("response", content_result(answer.get("content"))),
    }
    return part | ({"is_error": True} if answer.get("status") == "error" else {})


def _reasoning(thinking: dict[str, Any]) -> dict[str, Any]:
    inner = thinking.get("reasoningText")
    inner = inner if isinstance(inner, dict) else thinking
    part = {"type": "reasoning", "content": inner.get("text") or ""}
    return part | ({"signature": inner["signature"]} if inner.get("signature") else {})


def _blob(data: dict[str, Any]) -> dict[str, Any]:
    mime = data.get("mimeType") or data.get("mime_type")
    modality = str(mime).partition("/")[0]
    return {"type": "blob", "mime_type": mime, "modality": modality, "content": data.get("data")}


_KINDS = (
    (("functionCall", "function_call", "toolUse"), _call),
    (("functionResponse", "function_response", "toolResult"), _result),
    (("reasoningContent", "reasoning_content"), _reasoning),
    (("inlineData", "inline_data"), _blob),
)
