"""What a recorded response says, read here and simply: nothing of the tracer is used."""

import base64
import gzip
import json
import re
from typing import Any

from replaying.calls import format_of
from replaying.cassettes import Exchange

Facts = dict[str, Any]


def facts(exchange: Exchange) -> Facts:
    """Facts of the answer, by name; a fact that the answer does not give is absent."""
    spoken = format_of(exchange)
    raw = gzip.decompress(exchange.body) if exchange.packing else exchange.body
    if exchange.status >= 400:
        return _error(json.loads(raw))
    if spoken == "embeddings":
        body = json.loads(raw)
        return _known(
            response_model=body.get("model"),
            input_tokens=(body.get("usage") or {}).get("prompt_tokens"),
        )
    built, read = {
        "messages": (_built_message, _message),
        "bedrock": (_built_message, _message),
        "chat": (_built_completion, _completion),
        "completions": (_built_completion, _completion),
        "responses": (_built_response, _response),
    }[spoken or ""]
    if not exchange.is_stream:
        return read(json.loads(raw))
    return read(built(aws_events(raw) if exchange.is_framed else events(raw)))


def events(raw: bytes) -> list[dict[str, Any]]:
    """The JSON events of a whole stream."""
    text = raw.decode().replace("\r\n", "\n")
    data = [
        "\n".join(re.findall(r"^data: ?(.*)$", block, re.MULTILINE)) for block in text.split("\n\n")
    ]
    return [json.loads(each) for each in data if each and not each.startswith("[DONE]")]


def _known(**found: Any) -> Facts:
    return {name: value for name, value in found.items() if value is not None}


def _error(body: Any) -> Facts:
    error = body.get("error", body)
    kind = error.get("code") or error.get("type")
    return _known(error_type=None if kind is None else str(kind), error_message=error["message"])


def _built_message(stream: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    typed: dict[int, str] = {}
    for event in stream:
        kind = event["type"]
        if kind == "message_start":
            message = event["message"]
        elif kind == "content_block_start":
            blocks[event["index"]] = event["content_block"]
        elif kind == "content_block_delta":
            block, delta = blocks[event["index"]], event["delta"]
            for key in ("text", "thinking", "signature"):
                if key in delta:
                    block[key] = block.get(key, "") + delta[key]
            typed[event["index"]] = typed.get(event["index"], "") + delta.get("partial_json", "")
            if "content" in delta:  # compaction
                block["content"] = (block.get("content") or "") + (delta["content"] or "")
        elif kind == "message_delta":
            message |= {key: value for key, value in event["delta"].items() if value is not None}
            used = {key: value for key, value in event["usage"].items() if value is not None}
            message["usage"] = message["usage"] | used
    for at, text in typed.items():
        if text:
            blocks[at]["input"] = json.loads(text)
    return {**message, "content": list(blocks.values())}


def _message(body: dict[str, Any]) -> Facts:
    content, usage = body["content"], body["usage"]
    by = {kind: [b for b in content if b["type"] == kind] for kind in {b["type"] for b in content}}
    read, written = (
        usage.get("cache_read_input_tokens") or 0,
        usage.get("cache_creation_input_tokens") or 0,
    )
    return _known(
        response_id=body["id"],
        response_model=body["model"],
        finish=[body["stop_reason"]],
        text=["".join(block["text"] for block in by.get("text", []))],
        reasoning=[block["thinking"] for block in by.get("thinking", [])],
        signatures=[block["signature"] for block in by.get("thinking", [])],
        redacted=len(by.get("redacted_thinking", [])),
        calls=[[b["id"], b["name"], b["input"]] for b in by.get("tool_use", [])],
        server_calls=[
            [b["id"], b["name"], b["input"]]
            for b in content
            if b["type"] in {"server_tool_use", "mcp_tool_use"}
        ],
        server_results=[b["tool_use_id"] for b in content if b["type"].endswith("_tool_result")],
        compaction=[b["content"] for b in by.get("compaction", [])],
        input_tokens=usage["input_tokens"] + read + written,
        output_tokens=usage["output_tokens"],
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=(usage.get("output_tokens_details") or {}).get("thinking_tokens"),
    )


def _built_completion(stream: list[dict[str, Any]]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for event in stream:
        body |= {key: event[key] for key in ("id", "model", "usage", "error") if event.get(key)}
        # Groq puts the usage of a stream into a field of its own.
        if used := (event.get("x_groq") or {}).get("usage"):
            body["usage"] = used
        for piece in event.get("choices") or []:
            choice = choices.setdefault(piece["index"], {"message": {"tool_calls": []}, "text": ""})
            choice["finish_reason"] = piece.get("finish_reason") or choice.get("finish_reason")
            choice["text"] += piece.get("text") or ""
            _add_delta(choice["message"], piece.get("delta") or {})
    return {**body, "choices": [choices[at] for at in sorted(choices)]}


def _add_delta(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for key in ("content", "refusal", "reasoning", "reasoning_content"):
        value = delta.get(key)
        if isinstance(value, list):  # Mistral's parts
            value = "".join(part.get("text", "") for part in value)
            message["thinking"] = message.get("thinking", "") + "".join(
                inner["text"] for part in delta[key] for inner in part.get("thinking", [])
            )
        if value:
            message[key] = message.get(key, "") + value
    message.setdefault("reasoning_details", []).extend(delta.get("reasoning_details") or [])
    for piece in delta.get("tool_calls") or []:
        calls = message["tool_calls"]
        # A server that leaves the index out sends whole calls.
        at = piece["index"] if piece.get("index") is not None else len(calls)
        while len(calls) <= at:
            calls.append({"id": None, "function": {"name": "", "arguments": ""}})
        calls[at]["id"] = calls[at]["id"] or piece.get("id")
        for key in ("name", "arguments"):
            calls[at]["function"][key] += (piece.get("function") or {}).get(key) or ""


def _completion(body: dict[str, Any]) -> Facts:
    messages = [each.get("message") or {"content": each["text"]} for each in body["choices"]]
    for choice, message in zip(body["choices"], messages, strict=True):
        message.setdefault("content", choice.get("text"))
    usage = body.get("usage") or (body.get("x_groq") or {}).get("usage") or {}
    inputs = usage.get("prompt_tokens_details") or {}
    outputs = usage.get("completion_tokens_details") or {}
    first = messages[0] if messages else {}
    calls = [[each.get("id"), *_named(each)] for each in first.get("tool_calls") or []]
    if old := first.get("function_call"):
        calls.append([None, old["name"], json.loads(old["arguments"])])
    reasons = [c["finish_reason"] for c in body["choices"] if c.get("finish_reason")]
    return _known(
        response_id=body.get("id"),
        response_model=body.get("model"),
        finish=reasons or None,
        text=[_content(message) for message in messages],
        refusal=[message["refusal"] for message in messages if message.get("refusal")],
        thought="".join(_thinking(message) for message in messages),
        encrypted=[hidden] if (hidden := _hidden(messages)) else None,
        signatures=[
            detail["signature"]
            for message in messages
            for detail in message.get("reasoning_details") or []
            if detail.get("signature")
        ],
        calls=calls,
        input_tokens=usage.get("prompt_tokens"),
        output_tokens=usage.get("completion_tokens"),
        cache_read_tokens=inputs.get("cached_tokens"),
        cache_write_tokens=inputs.get("cache_write_tokens"),
        reasoning_tokens=outputs.get("reasoning_tokens"),
        cost_usd=usage.get("cost"),
        error_message=(body.get("error") or {}).get("message"),
    )


def _named(call: dict[str, Any]) -> list[Any]:
    if "custom" in call:
        return [call["custom"]["name"], call["custom"]["input"]]
    given = call["function"].get("arguments")  # absent: OpenRouter, for a tool without parameters
    return [call["function"]["name"], None if given is None else _parsed(given)]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text


def _content(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return str(content)


def _thinking(message: dict[str, Any]) -> str:
    content = message.get("content")
    inner = content if isinstance(content, list) else []
    said = "".join(
        each["text"]
        for part in inner
        if part.get("type") == "thinking"
        for each in part["thinking"]
    )
    found = message.get("reasoning_content") or message.get("reasoning") or said
    return found or message.get("thinking") or ""


def _hidden(messages: list[dict[str, Any]]) -> int:
    details = [each for message in messages for each in message.get("reasoning_details") or []]
    return sum(len(each.get("data") or "") for each in details)


def _built_response(stream: list[dict[str, Any]]) -> dict[str, Any]:
    last = [event["response"] for event in stream if "response" in event][-1]
    items = [each["item"] for each in stream if each["type"] == "response.output_item.done"]
    return {**last, "output": last.get("output") or items}


def _response(body: dict[str, Any]) -> Facts:
    output, usage = body.get("output") or [], body.get("usage") or {}
    content = [part for item in output for part in item.get("content") or []]
    thoughts = [item for item in output if item["type"] == "reasoning"]
    status = body["status"] if body["status"] not in {"queued", "in_progress"} else None
    reason = (body.get("incomplete_details") or {}).get("reason") or status
    says = "".join(part["text"] for part in content if part["type"] == "output_text")
    error = body.get("error")
    return _known(
        response_id=body["id"],
        response_model=body["model"],
        finish=[reason] if reason else None,
        text=[says] if output else [],
        refusal=[part["refusal"] for part in content if part["type"] == "refusal"],
        reasoning=[
            "\n".join(part["text"] for part in [*item["summary"], *(item.get("content") or [])])
            for item in thoughts
        ],
        encrypted=[len(item.get("encrypted_content") or "") for item in thoughts],
        calls=[call for item in output if (call := _client_call(item))],
        server_calls=[call for item in output if (call := _server_call(item))],
        input_tokens=usage.get("input_tokens"),
        output_tokens=usage.get("output_tokens"),
        cache_read_tokens=(usage.get("input_tokens_details") or {}).get("cached_tokens"),
        cache_write_tokens=(usage.get("input_tokens_details") or {}).get("cache_write_tokens"),
        reasoning_tokens=(usage.get("output_tokens_details") or {}).get("reasoning_tokens"),
        error_message=error["message"] if error else None,
    )


def _client_call(item: dict[str, Any]) -> list[Any] | None:
    kind = item["type"]
    if kind == "function_call":
        return [item["call_id"], item["name"], _parsed(item["arguments"])]
    if kind == "custom_tool_call":
        return [item["call_id"], item["name"], item["input"]]
    if kind in {"computer_call", "local_shell_call", "shell_call", "apply_patch_call"}:
        return [item["call_id"], kind.removesuffix("_call")]
    return None


def _server_call(item: dict[str, Any]) -> list[Any] | None:
    kind = item["type"]
    if kind in {"mcp_call", "mcp_approval_request"}:
        return [item["id"], item["name"], _parsed(item["arguments"])]
    hosted = ("web_search", "file_search", "code_interpreter", "image_generation", "tool_search")
    name = kind.removesuffix("_call")
    return [item["id"], name] if name in hosted and kind.endswith("_call") else None


def aws_events(raw: bytes) -> list[dict[str, Any]]:
    """The events of a Bedrock stream: JSON frames whose ``bytes`` hold the event in base64."""
    found = re.findall(rb'"bytes":"([A-Za-z0-9+/=]+)"', raw)
    return [json.loads(base64.b64decode(each)) for each in found]
