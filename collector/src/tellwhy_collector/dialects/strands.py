"""Strands Agents: the conventions with content in span events and Bedrock's blocks.

``gen_ai.system`` and ``gen_ai.provider.name`` name Strands itself and not who serves the model.
The agent's usage is the sum of its calls.

Source: strands-agents 1.62.0, scope ``strands.telemetry.tracer``, captured with and without
``OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental``.
"""

from typing import Any

from tellwhy_collector.dialects.envelope import MILLISECOND_NS
from tellwhy_collector.dialects.messages import messages_of, split_system
from tellwhy_collector.dialects.otel_genai import read_span
from tellwhy_collector.dialects.reading import (
    as_json,
    as_list,
    as_structure,
    nanoseconds,
    text_of,
)
from tellwhy_collector.dialects.untyped_blocks import content_result
from tellwhy_collector.records import Record, Span, Step, replace

NAME = "strands"
SCOPES = ("strands.", "strands-agents")
ITSELF = "strands-agents"


def recognises(record: Record) -> bool:
    """Spans of its scope, or with the id of a cycle of its loop."""
    if not isinstance(record, Span):
        return False
    return (record.scope_name or "").startswith(
        SCOPES
    ) or "event_loop.cycle_id" in record.attributes


def read(record: Record) -> Step | None:
    """The step by the conventions, completed from the events."""
    if not isinstance(record, Span):
        return None
    step = read_span(record, NAME)
    step = replace(step, provider=None if step.provider == ITSELF else step.provider)
    if step.kind == "tool_call":
        return _tool(step, record)
    cycle = text_of(record.attributes, "event_loop.cycle_id")
    if step.kind == "agent":
        names = as_list(record.attributes.get("gen_ai.agent.tools")) or ()
        return replace(
            step,
            input=split_system(step.input, None)[0],
            tools_offered=step.tools_offered or [{"name": str(name)} for name in names] or None,
        )
    if step.kind != "model_call":
        return replace(step, turn_id=step.turn_id or cycle)
    # In milliseconds here; the conventions say seconds.
    first = nanoseconds(
        record.attributes.get("gen_ai.server.time_to_first_token"), unit_ns=MILLISECOND_NS
    )
    return replace(step, time_to_first_chunk_ns=first)


def _tool(step: Step, span: Span) -> Step:
    arguments, result = step.tool_arguments, as_json(step.tool_result)
    for event in span.events:
        attributes = event.get("attributes")
        if not isinstance(attributes, dict):
            continue
        if event.get("name") == "gen_ai.tool.message" and arguments is None:
            arguments = as_structure(attributes.get("content"))
        if event.get("name") == "gen_ai.choice" and result is None:
            result = as_json(attributes.get("message"))
        if result is None:
            result = _response_in(attributes)
    return replace(step, tool_arguments=arguments, tool_result=content_result(result))


def _response_in(attributes: dict[str, Any]) -> Any:
    """The result in an event of the newer form; a failed call has it there alone."""
    for message in messages_of(attributes.get("gen_ai.output.messages")) or ():
        for part in message["parts"]:
            if part.get("type") == "tool_call_response":
                return part.get("response")
    return None
