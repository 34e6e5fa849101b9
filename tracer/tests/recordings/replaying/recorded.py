"""What one of our spans says, under the same names as `asked` and `answered`."""

import json
from typing import Any

Facts = dict[str, Any]

PLAIN = {
    "operation": "gen_ai.operation.name",
    "provider": "gen_ai.provider.name",
    "server": "server.address",
    "request_model": "gen_ai.request.model",
    "response_model": "gen_ai.response.model",
    "response_id": "gen_ai.response.id",
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cache_read_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_tokens": "gen_ai.usage.cache_write.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
    "cost_usd": "gen_ai.usage.cost",
    "error_type": "error.type",
    "status_code": "http.response.status_code",
    "request_id": "tellwhy.provider.request_id",
}
"""Fact -> attribute."""


def facts(span: Any) -> Facts:
    """Facts of one model-call span."""
    attributes = span.attributes
    found: Facts = {name: attributes.get(key) for name, key in PLAIN.items()}
    said = _read(attributes, "gen_ai.output.messages", [])
    parts = [part for message in said for part in message["parts"]]
    found["finish"] = list(attributes.get("gen_ai.response.finish_reasons") or ()) or None
    found["error_message"] = span.status.description
    found["text"] = [_said(message["parts"]) for message in said]
    found["refusal"] = [part["content"] for part in parts if part["type"] == "refusal"]
    thoughts = [part for part in parts if part["type"] == "reasoning" and "redacted" not in part]
    found["reasoning"] = [part["content"] for part in thoughts]
    found["thought"] = "".join(found["reasoning"])
    found["signatures"] = [part["signature"] for part in thoughts if "signature" in part]
    found["encrypted"] = [part.get("encrypted_bytes", 0) for part in thoughts]
    found["redacted"] = sum("redacted" in part for part in parts)
    found["calls"] = [
        [part["id"], part["name"], part["arguments"]]
        for part in (said[0]["parts"] if said else [])
        if part["type"] == "tool_call"
    ]
    found["server_calls"] = [
        [part["id"], part["name"], part["server_tool_call"]["arguments"]]
        for part in parts
        if part["type"] == "server_tool_call"
    ]
    found["server_results"] = [
        part["id"] for part in parts if part["type"] == "server_tool_call_response"
    ]
    found["compaction"] = [part["content"] for part in parts if part["type"] == "compaction"]
    found["decision"] = _read(attributes, "tellwhy.decision.chosen", [])
    return found | _asked(attributes)


def _asked(attributes: Any) -> Facts:
    messages = _read(attributes, "gen_ai.input.messages", [])
    parts = [part for message in messages for part in message["parts"]]
    results = [part for part in parts if part["type"] == "tool_call_response"]
    system = _read(attributes, "gen_ai.system_instructions", None)
    return {
        "roles": [message["role"] for message in messages],
        "asked_text": _said(parts),
        "system": _said(system) if system is not None else None,
        "asked_calls": [part["id"] for part in parts if part["type"] == "tool_call"],
        "asked_results": [part["id"] for part in results],
        "failed_results": [part["id"] for part in results if part.get("is_error")],
        "asked_thoughts": [
            part["content"]
            for part in parts
            if part["type"] == "reasoning" and "redacted" not in part
        ],
        "tools": _read(attributes, "tellwhy.decision.offered", None),
        "parameters": _read(attributes, "tellwhy.request.parameters", {}),
    }


def _read(attributes: Any, name: str, default: Any) -> Any:
    return json.loads(attributes[name]) if name in attributes else default


def _said(parts: Any) -> str:
    found = []
    for part in parts:
        if part["type"] == "text":
            found.append(part["content"])
        elif part["type"] == "tool_call_response":
            response = part["response"]
            if isinstance(response, list):
                found.append(_said(response))
            else:
                found.append(response if isinstance(response, str) else json.dumps(response))
    return "".join(found)
