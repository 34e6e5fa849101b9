"""What OpenAI's chat completions and responses have in common: parameters, tools, parts, tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tellwhy._clients.messages import (
    Part,
    Problem,
    Question,
    blob_part,
    link_part,
    text_part,
    without_bytes,
)
from tellwhy._clients.openai_thoughts import thinking_part

SAMPLING = {
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "max_output_tokens": "gen_ai.request.max_tokens",
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "seed": "gen_ai.request.seed",
    "reasoning_effort": "gen_ai.request.reasoning.level",
    "dimensions": "gen_ai.embeddings.dimension.count",
}

CHOICES = {"auto": "free", "required": "any_tool", "any": "any_tool", "none": "no_tool"}
"""``tool_choice`` as a word -> how much choice the model had."""


def sampling(body: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a request, by their standard names."""
    found = {name: body[key] for key, name in SAMPLING.items() if body.get(key) is not None}
    found["gen_ai.request.stream"] = bool(body.get("stream"))
    return found


def set_tools(asked: Question, body: dict[str, Any]) -> None:
    """Put the offered tools and the freedom to choose among them into *asked*."""
    tools = body.get("tools") or [
        {"type": "function", "function": function} for function in body.get("functions") or []
    ]
    if tools:
        asked.tools = [_tool(tool) for tool in tools]
        asked.offered = [name for tool in asked.tools for name in _names(tool)]
    asked.tool_choice = body.get("tool_choice")
    asked.forced = forced(asked.tool_choice)


def forced(choice: Any) -> str:
    """How much choice ``tool_choice`` leaves; a choice among some tools counts as its mode."""
    if isinstance(choice, dict):
        if choice.get("type") == "allowed_tools":
            mode = choice.get("mode") or (choice.get("allowed_tools") or {}).get("mode")
            return CHOICES.get(mode or "auto", "free")
        return "one_tool"
    return CHOICES.get(choice or "auto", "free")


def problem(error: Any) -> Problem | None:
    """The error of a body or an event, if it holds one."""
    if not error:
        return None
    if not isinstance(error, dict):
        return Problem("error", str(error))
    kind = error.get("code") or error.get("type") or "error"
    return Problem(str(kind), str(error.get("message") or error))


def content_part(part: Any) -> Part:
    """One piece of a message's content, of chat completions or of responses."""
    if not isinstance(part, dict):
        return text_part(str(part))
    known = _SHAPES.get(str(part.get("type")))
    return known(part) if known is not None else {"type": "unknown", **without_bytes(part)}


def _image(part: dict[str, Any]) -> Part:
    image = part.get("image_url")
    address = image.get("url") if isinstance(image, dict) else image
    if address:
        return link_part(address, "image")
    return {"type": "file", "modality": "image", "file_id": part.get("file_id")}


def _audio(part: dict[str, Any]) -> Part:
    audio = part.get("input_audio") or {}
    return blob_part(audio.get("data") or "", f"audio/{audio.get('format', 'wav')}", "audio")


def _file(part: dict[str, Any]) -> Part:
    file = part.get("file") or part
    named = {"filename": file["filename"]} if file.get("filename") else {}
    if file.get("file_id"):
        return {"type": "file", "modality": "document", "file_id": file["file_id"], **named}
    data = file.get("file_data") or file.get("file_url") or ""
    if data.startswith(("http:", "https:", "data:")):
        return {**link_part(data, "document"), **named}
    return {**blob_part(data, None, "document"), **named}


def _text(part: dict[str, Any]) -> Part:
    shaped = text_part(part.get("text") or "")
    return {**shaped, "annotations": part["annotations"]} if part.get("annotations") else shaped


_SHAPES: dict[str, Callable[[dict[str, Any]], Part]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "refusal": lambda part: {"type": "refusal", "content": part.get("refusal")},
    "thinking": thinking_part,
    "image_url": _image,
    "input_image": _image,
    "input_audio": _audio,
    "file": _file,
    "input_file": _file,
}
"""Type of a content part -> its part here."""


def tool_answer(content: Any) -> Any:
    """A tool's answer: its text where it is nothing but texts, else its parts."""
    if not isinstance(content, list):
        return "" if content is None else content
    parts = [content_part(part) for part in content]
    if all(part["type"] == "text" for part in parts):
        return "".join(part["content"] for part in parts)
    return parts


def _tool(tool: dict[str, Any]) -> Part:
    """Functions of both APIs in the conventions' shape; other tools as they were sent."""
    function = tool.get("function") if isinstance(tool.get("function"), dict) else tool
    # Mistral takes functions without a type, and its own SDK sends them so.
    kind = tool.get("type", "function" if function is not tool else None)
    if kind != "function" or not isinstance(function, dict):
        inner = tool.get("custom")
        return {"type": "custom", **inner} if isinstance(inner, dict) else tool
    return {
        "type": "function",
        **{k: v for k, v in function.items() if k != "type" and v is not None},
    }


def _names(tool: Part) -> list[str]:
    if tool.get("type") == "namespace":
        return [str(inner.get("name")) for inner in tool.get("tools") or []]
    return [str(tool.get("name") or tool.get("server_label") or tool.get("type"))]


def token_counts(usage: dict[str, Any], read: str, written: str) -> dict[str, Any]:
    """Tokens under their standard names; here the wire's input already includes cached ones.

    Args:
        usage: the ``usage`` of a body.
        read: its name for input tokens; details stand under the same name and ``_details``.
        written: its name for output tokens.
    """
    if usage.get(read) is None:
        return {}
    inputs = usage.get(f"{read}_details") or {}
    outputs = usage.get(f"{written}_details") or {}
    found = {
        "gen_ai.usage.input_tokens": usage[read],
        "gen_ai.usage.output_tokens": usage.get(written) or 0,
        "gen_ai.usage.cache_read.input_tokens": inputs.get("cached_tokens"),
        "gen_ai.usage.cache_write.input_tokens": inputs.get("cache_write_tokens"),
        "gen_ai.usage.reasoning.output_tokens": outputs.get("reasoning_tokens"),
        "gen_ai.usage.cost": _cost(usage.get("cost")),
    }
    return {name: value for name, value in found.items() if value is not None}


def _cost(stated: Any) -> float | None:
    """US dollars that the server itself says it charges: OpenRouter a number, Perplexity a sum."""
    if isinstance(stated, dict):
        stated = stated.get("total_cost")
    is_number = isinstance(stated, int | float) and not isinstance(stated, bool)
    return float(stated) if is_number else None
