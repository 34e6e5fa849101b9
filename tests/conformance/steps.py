"""The spans of replays, over real OTLP bytes, as the collector's native dialect reads them."""

from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from tellwhy_collector.decode import decode
from tellwhy_collector.dialects import normalise

SAME = (
    "operation provider request_model response_model response_id request_id error_type "
    "input_tokens output_tokens cache_read_tokens cache_write_tokens reasoning_tokens cost_usd"
).split()
"""Facts that a step has under the same name."""


def problems(expected: dict[str, Any], spans: list[Any]) -> list[str]:
    """What the steps of *spans* say otherwise than was recorded."""
    if not spans:
        return []
    body = encode_spans(spans).SerializeToString()
    records = decode(body, signal="traces", encoding="protobuf").records
    return [each for record in records for each in _differences(expected, normalise(record))]


def _differences(expected: dict[str, Any], step: Any) -> list[str]:
    wanted = {name: expected[name] for name in SAME if name in expected}
    found = {name: getattr(step, name) for name in wanted}
    wanted |= {"kind": "model_call", "dialect": "native"}
    found |= {"kind": step.kind, "dialect": step.dialect}
    wanted["status"] = "error" if "error_message" in expected else "ok"
    found["status"] = step.status
    if expected.get("finish"):
        wanted["finish_reason"], found["finish_reason"] = expected["finish"][0], step.finish_reason
    if "tools" in expected:
        wanted["tools"] = expected["tools"]
        found["tools"] = [name for tool in step.tools_offered or [] for name in _names(tool)]
    if "calls" in expected:
        wanted["chosen"] = sorted(
            [call[0] or None, *call[1:]] for call in expected["calls"] if len(call) == 3
        )
        ids = {call[0] or None for call in wanted["chosen"]}
        found["chosen"] = sorted(
            [each.get("tool_call_id"), each["name"], each.get("arguments")]
            for each in step.chosen or []
            if "name" in each and each.get("tool_call_id") in ids
        )
    return [
        f"{name}: recorded {value!r}, step has {found[name]!r}"
        for name, value in wanted.items()
        if found[name] != value
    ]


def _names(tool: dict[str, Any]) -> list[str]:
    if tool.get("type") == "namespace":
        return [inner["name"] for inner in tool["tools"]]
    for key in ("name", "server_label", "mcp_server_name", "type"):
        if tool.get(key):
            return [tool[key]]
    return []
