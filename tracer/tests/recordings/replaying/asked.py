"""What a recorded request asks, read here and simply: nothing of the tracer is used."""

import json
from typing import Any
from urllib.parse import unquote, urlsplit

from replaying.calls import INVOKE, format_of
from replaying.cassettes import Exchange

Facts = dict[str, Any]

PROVIDERS = {
    "api.anthropic.com": "anthropic",
    "api.openai.com": "openai",
    "traceloop-stg.openai.azure.com": "azure.ai.openai",
    "api.groq.com": "groq",
    "api.deepseek.com": "deepseek",
    "api.mistral.ai": "mistral_ai",
    "bedrock-runtime.us-east-1.amazonaws.com": "aws.bedrock",
    "bedrock-mantle.us-east-1.api.aws": "aws.bedrock",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "openrouter.ai": "openrouter",
}
"""Host -> ``gen_ai.provider.name``."""

REPRESENTED = {"model", "messages", "system", "tools", "functions", "tool_choice", "stream"}
REPRESENTED |= {"input", "instructions", "prompt", "previous_response_id"}
"""Fields that have an attribute of their own in one of the formats."""


def facts(exchange: Exchange) -> Facts:
    """Facts of the request, by name."""
    spoken, body = format_of(exchange), exchange.asked
    host = urlsplit(exchange.url).hostname or ""
    found: Facts = {
        "operation": {"embeddings": "embeddings", "completions": "text_completion"}.get(
            spoken or "", "chat"
        ),
        "provider": PROVIDERS[host],
        "server": host,
        "request_model": body.get("model"),
        "parameters": {k: v for k, v in body.items() if k not in REPRESENTED},
    }
    if spoken == "bedrock":
        matched = INVOKE.search(exchange.path)
        found["request_model"] = unquote(matched[1]) if matched else None
    tools = body.get("tools") or body.get("functions") or []
    found["tools"] = [name for tool in tools for name in _tool_names(tool)]
    if spoken == "embeddings":
        given = body["input"]
        texts = given if isinstance(given, list) else [given]
        found["asked_text"] = "".join(each for each in texts if isinstance(each, str))
        found["tools"] = None
    elif spoken == "completions":
        found |= {"asked_text": str(body["prompt"]), "roles": ["user"], "tools": None}
    elif spoken in {"messages", "bedrock"}:
        found |= _messages(body)
    elif spoken == "chat":
        found |= _chat(body)
    else:
        found |= _responses(body)
    return {name: value for name, value in found.items() if value is not None}


def _tool_names(tool: dict[str, Any]) -> list[str]:
    if tool.get("type") == "namespace":
        return [inner["name"] for inner in tool["tools"]]
    for inner in (tool.get("function"), tool.get("custom"), tool):
        if isinstance(inner, dict) and inner.get("name"):
            return [inner["name"]]
    named = tool.get("server_label") or tool.get("mcp_server_name") or tool["type"]
    return [named]


def _texts(content: Any) -> str:
    """All that a message says, tool results included, thinking and calls left out."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list):
        return "".join(_texts(part) for part in content)
    if content.get("type") == "tool_result":
        return _texts(content.get("content"))
    source = content.get("source")
    if isinstance(source, dict) and source.get("type") == "text":
        return str(source["data"])
    known = {"text", "input_text", "output_text"}
    return str(content["text"]) if content.get("type", "text") in known else ""


def _messages(body: dict[str, Any]) -> Facts:
    blocks = [
        block
        for message in body["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
    ]
    return {
        "roles": [message["role"] for message in body["messages"]],
        "asked_text": "".join(_texts(message["content"]) for message in body["messages"]),
        "system": _texts(body.get("system")) or None,
        "asked_calls": [b["id"] for b in blocks if b["type"] == "tool_use"],
        "asked_results": [b["tool_use_id"] for b in blocks if b["type"] == "tool_result"],
        "failed_results": [b["tool_use_id"] for b in blocks if b.get("is_error")],
        "asked_thoughts": [b["thinking"] for b in blocks if b["type"] == "thinking"],
    }


def _chat(body: dict[str, Any]) -> Facts:
    messages = body["messages"]
    roles = [message["role"] for message in messages]
    return {
        "roles": ["tool" if role == "function" else role for role in roles],
        "asked_text": "".join(_texts(message.get("content")) for message in messages),
        "asked_calls": [c["id"] for m in messages for c in m.get("tool_calls") or []],
        "asked_results": [m["tool_call_id"] for m in messages if m["role"] == "tool"],
    }


def _responses(body: dict[str, Any]) -> Facts:
    given = body.get("input") or []
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    said = []
    for item in items:
        said.append(_texts(item.get("content")) if item.get("type") != "reasoning" else "")
        if item.get("type", "").endswith("call_output"):
            output = item["output"]
            said.append(_texts(output) if isinstance(output, str | list) else json.dumps(output))
    return {
        "asked_text": "".join(said),
        "system": body.get("instructions") or None,
        "asked_calls": [i["call_id"] for i in items if i.get("type") == "function_call"],
        "asked_results": [
            # Without an id: what the provider searched itself.
            i["call_id"]
            for i in items
            if i.get("type", "").endswith("_output") and i.get("call_id")
        ],
    }
