"""Logfire: model calls with raw requests and answers, functions with arguments and ``return``.

A call that streams leaves two records: a span that ends when the stream opens, and a log record
with the answer when the stream ends; the record is the call. A ``pending_span`` tells of a span at
its start, under an id of its own and with the span itself as parent.

Source: logfire 5.2.0 and 3.16.0, captured.
"""

from typing import Any

from tellwhy_collector.dialects.choices import choice_fields, forced_of
from tellwhy_collector.dialects.envelope import SECOND_NS, step_of_span
from tellwhy_collector.dialects.messages import (
    instructions_of,
    messages_of,
    split_system,
    tools_of,
)
from tellwhy_collector.dialects.otel_genai import model_fields, read_span
from tellwhy_collector.dialects.reading import (
    as_dict,
    as_json,
    as_list,
    as_structure,
    first_of,
    nanoseconds,
    text_of,
)
from tellwhy_collector.dialects.wire_usage import usage_of
from tellwhy_collector.records import Record, Span, Step, replace

NAME = "logfire"
SPAN_TYPE = "logfire.span_type"
_PAYLOAD = ("messages", "input", "instructions", "system", "tools", "tool_choice", "model")
"""What a request holds beside its parameters."""


def recognises(record: Record) -> bool:
    """Spans that Logfire itself made; those of others under its roof keep their dialect."""
    if not isinstance(record, Span):
        return False
    return SPAN_TYPE in record.attributes or "logfire.msg_template" in record.attributes


def read(record: Record) -> Step | None:
    """A model call, a function with its arguments, or what the conventions say."""
    if not isinstance(record, Span):
        return None
    is_log = record.attributes.get(SPAN_TYPE) == "log"
    if record.attributes.get(SPAN_TYPE) == "pending_span":
        record = replace(record, end_ns=None)
    step = read_span(record, NAME)
    if step.kind == "model_call" or "request_data" in record.attributes:
        step = _model(record, is_log=is_log)
    elif step.kind == "other":
        step = replace(step, **_called(record.attributes))
    return replace(step, name=text_of(record.attributes, "logfire.msg") or step.name)


def _model(span: Span, *, is_log: bool) -> Step:
    attributes = span.attributes
    request = as_dict(attributes.get("request_data"))
    response = as_dict(attributes.get("response_data"))
    fields = model_fields(attributes)
    _, _, client = (span.scope_name or "").partition(".")
    finish = fields["finish_reason"] or text_of(response, "finish_reason")
    output = fields["output_messages"] or _answer(response)
    usage = _usage(attributes, response)
    choice = as_structure(first_of(request, "tool_choice"))
    known: dict[str, Any] = {
        "operation": text_of(attributes, "gen_ai.operation.name"),
        "provider": client,
        "request_model": text_of(request, "model"),
        **_asked(request),
        "output_messages": output,
        "tools_offered": tools_of(request.get("tools")),
        "tool_choice": choice,
        "forced": forced_of(choice),
        "request_parameters": {k: v for k, v in request.items() if k not in _PAYLOAD},
        **choice_fields(output, finish),
    }
    fields |= {name: value for name, value in known.items() if not fields.get(name) and value}
    fields |= {name: count for name, count in usage.items() if fields.get(name) is None}
    if is_log:
        return _of_stream(span, fields)
    if _only_opens(span, fields, request):
        return step_of_span(span, NAME, "other", operation=fields.get("operation"))
    return step_of_span(span, NAME, "model_call", **fields)


def _only_opens(span: Span, fields: dict[str, Any], request: dict[str, Any]) -> bool:
    """Whether the span is the opening of a stream: it ended well and knows no answer.

    Old versions say that a stream was asked for; the new ones leave that out.
    """
    if span.end_ns is None or span.status_code == 2:
        return False
    streams = request.get("stream") is True or "gen_ai.input.messages" in span.attributes
    answer = ("output_messages", "response_id", "input_tokens", "output_tokens")
    return streams and all(fields[name] is None for name in answer)


def _of_stream(span: Span, fields: dict[str, Any]) -> Step:
    """The call whose stream has ended; its time is that of the stream."""
    took = nanoseconds(span.attributes.get("duration"), unit_ns=SECOND_NS) or 0
    return step_of_span(
        replace(span, start_ns=max(0, span.start_ns - took)), NAME, "model_call", **fields
    )


def _asked(request: dict[str, Any]) -> dict[str, Any]:
    instructions = instructions_of(first_of(request, "system", "instructions"))
    messages = messages_of(first_of(request, "messages", "input"))
    messages, instructions = split_system(messages, instructions)
    return {"input_messages": messages, "system_instructions": instructions}


def _answer(response: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The message of an answer, or the text that was put together from a stream."""
    message = response.get("message")
    if not isinstance(message, dict):
        return messages_of(text_of(response, "combined_chunk_content"), role="assistant")
    calls = [_unwrapped(call) for call in as_list(message.get("tool_calls")) or ()]
    return messages_of([{"role": "assistant", **message, "tool_calls": calls}])


def _unwrapped(call: Any) -> Any:
    """A tool call of Anthropic, whose arguments stand one level too deep and without an id."""
    function = as_dict(call.get("function")) if isinstance(call, dict) else {}
    arguments = as_json(function.get("arguments"))
    if "id" in as_dict(call) or not isinstance(arguments, dict) or set(arguments) != {"input"}:
        return call
    return {"function": {**function, "arguments": arguments["input"]}}


def _usage(attributes: dict[str, Any], response: dict[str, Any]) -> dict[str, int | None]:
    """Counts out of the provider's own usage; Anthropic's ``input_tokens`` leave out the cache."""
    raw = as_dict(first_of(attributes, "gen_ai.usage.raw")) or as_dict(response.get("usage"))
    return usage_of(raw)


def _called(attributes: dict[str, Any]) -> dict[str, Any]:
    """Arguments and return value of a function, or the values of a message.

    The JSON schema that Logfire sends along names the attributes that the user gave.
    """
    schema = as_dict(as_dict(attributes.get("logfire.json_schema")).get("properties"))
    given = {
        name: as_json(attributes[name]) if schema[name] else attributes[name]
        for name in schema
        if name in attributes and name != "return" and not name.startswith("gen_ai.")
    }
    return {"input": given or None, "output": as_structure(attributes.get("return"))}
