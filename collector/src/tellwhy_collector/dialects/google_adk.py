"""Google's Agent Development Kit: the conventions, and until 2.x its own JSON beside them.

A model call is told twice in the older form, by ``call_llm`` with the content and by
``generate_content`` inside it. Gemini stops with ``stop`` also when it calls a tool, so without
content nobody knows from the call alone what was chosen.

Source: google-adk 2.13.0, scope ``gcp.vertex.agent``, captured in both forms
(``ADK_TELEMETRY_SCHEMA_VERSION_OPT_IN=1`` and 2); ``agent_run`` as in google-adk 1.0.
"""

from typing import Any

from tellwhy_collector.dialects.choices import choice_fields, forced_of
from tellwhy_collector.dialects.messages import instructions_of, messages_of, tools_of
from tellwhy_collector.dialects.otel_genai import read_span
from tellwhy_collector.dialects.reading import as_dict, as_json, count_of, text_of
from tellwhy_collector.records import Kind, Record, Span, Step, replace

NAME = "google_adk"
SCOPE = "gcp.vertex.agent"
PREFIX = f"{SCOPE}."

KINDS: dict[str, Kind] = {"call_llm": "model_call", "agent_run": "agent"}
"""Kind by the first word of the span's name, where no operation is stated."""

MERGED = "(merged tools)"
"""One more span that repeats the results of tools that ran side by side."""
UNKNOWN = "<not specified>"
NOT_PARAMETERS = ("tools", "system_instruction", "labels", "http_options", "tool_config")


def recognises(record: Record) -> bool:
    """Spans of its scope, or with an attribute of its own."""
    if not isinstance(record, Span):
        return False
    return record.scope_name == SCOPE or any(name.startswith(PREFIX) for name in record.attributes)


def read(record: Record) -> Step | None:
    """The step by the conventions, completed from the kit's own attributes."""
    if not isinstance(record, Span):
        return None
    own = {
        name.removeprefix(PREFIX): value
        for name, value in record.attributes.items()
        if name.startswith(PREFIX)
    }
    step = read_span(_with_operation(record), NAME)
    fields: dict[str, Any] = {
        "conversation_id": step.conversation_id or text_of(own, "session_id"),
        "turn_id": text_of(own, "invocation_id"),
        "operation": text_of(record.attributes, "gen_ai.operation.name") or record.name,
    }
    if step.tool_name == MERGED:
        step = replace(step, kind="other", tool_name=None, tool_call_id=None)
    elif step.kind == "tool_call":
        step = replace(step, tool_call_id=_stated(step.tool_call_id))
        fields |= _tool(step, own)
    elif step.kind == "model_call":
        step = replace(step, provider=None if step.provider == SCOPE else step.provider)
        fields |= _model(step, own)
        if fields.get("output_messages") is None and step.output_messages is None:
            step = replace(step, chosen=None)
    elif step.kind == "agent" and step.agent_name is None:
        fields["agent_name"] = record.name.partition("[")[2].rstrip("]") or None
    return replace(step, **{name: value for name, value in fields.items() if value is not None})


def _with_operation(span: Span) -> Span:
    """*span* with the operation that the older form tells by the span's name alone."""
    if "gen_ai.operation.name" in span.attributes:
        return span
    words = {"model_call": "generate_content", "agent": "invoke_agent"}
    kind = KINDS.get(span.name.partition(" ")[0])
    operation = words[kind] if kind else "none"
    return replace(span, attributes={**span.attributes, "gen_ai.operation.name": operation})


def _stated(value: Any) -> Any:
    return None if value == UNKNOWN else value


def _tool(step: Step, own: dict[str, Any]) -> dict[str, Any]:
    arguments = as_json(own.get("tool_call_args"))
    result = as_json(own.get("tool_response")) or step.tool_result
    if isinstance(result, dict) and list(result) == ["result"]:
        result = _stated(result["result"])
    said = text_of(result, "error") if isinstance(result, dict) else None
    return {
        "tool_arguments": arguments if isinstance(arguments, dict) else None,
        "tool_result": result or None,
        "error_message": said if step.status == "error" else None,
    }


def _model(step: Step, own: dict[str, Any]) -> dict[str, Any]:
    """What request and answer say that the conventions' attributes leave out."""
    request, answer = as_dict(own.get("llm_request")), as_dict(own.get("llm_response"))
    if not request and not answer:
        return {}
    config = as_dict(request.get("config"))
    output = messages_of(answer.get("content"), role="assistant")
    finish = step.finish_reason or (text_of(answer, "finish_reason") or "").lower() or None
    choice = as_dict(as_dict(config.get("tool_config")).get("function_calling_config"))
    failed = text_of(answer, "error_code")
    return {
        "request_model": step.request_model or text_of(request, "model"),
        "response_model": step.response_model or text_of(answer, "model_version"),
        "finish_reason": finish,
        "system_instructions": instructions_of(config.get("system_instruction")),
        "input_messages": messages_of(request.get("contents")),
        "output_messages": output,
        "tools_offered": tools_of(config.get("tools")),
        "tool_choice": choice or None,
        "forced": forced_of(choice) if choice else None,
        "request_parameters": {k: v for k, v in config.items() if k not in NOT_PARAMETERS} or None,
        "status": "error" if failed else None,
        "error_type": failed,
        "error_message": text_of(answer, "error_message"),
        **_usage(step, as_dict(answer.get("usage_metadata"))),
        **(choice_fields(output, finish) if output else {}),
    }


def _usage(step: Step, usage: dict[str, Any]) -> dict[str, int | None]:
    """Counts of the answer, where the span has none; thoughts are counted apart there."""
    if step.input_tokens is not None or step.output_tokens is not None:
        return {}
    answered = count_of(usage, "candidates_token_count")
    thought = count_of(usage, "thoughts_token_count")
    return {
        "input_tokens": count_of(usage, "prompt_token_count"),
        "output_tokens": None if answered is None else answered + (thought or 0),
        "cache_read_tokens": count_of(usage, "cached_content_token_count"),
        "reasoning_tokens": thought,
    }
