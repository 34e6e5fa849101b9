"""The tracing that is built into the anthropic SDK: GenAI names plus ``anthropic.*``.

Source: anthropic 2.12, scope ``com.anthropic.sdk.python``; spans ``anthropic.<method>``,
``anthropic.messages.tool_runner``, ``anthropic.{custom_,mcp_,}tool_use NAME``.
"""

from tellwhy_collector.dialects.choices import choice_fields
from tellwhy_collector.dialects.messages import result_of
from tellwhy_collector.dialects.otel_genai import read_span
from tellwhy_collector.dialects.reading import text_of
from tellwhy_collector.records import Record, Span, Step, replace

NAME = "anthropic_sdk"
SCOPES = ("com.anthropic.sdk.", "com.anthropic.claude-platform")


def recognises(record: Record) -> bool:
    """Spans of the SDK's own scope in any language, and of the platform's telemetry."""
    return isinstance(record, Span) and (record.scope_name or "").startswith(SCOPES)


def read(record: Record) -> Step | None:
    """The step by the conventions, with the provider's ids and the stop reason."""
    if not isinstance(record, Span):
        return None
    step = read_span(record, NAME)
    attributes = record.attributes
    if step.kind == "tool_call":
        result = result_of(attributes.get("anthropic.tool_result.content"))
        message = str(result) if step.status == "error" and result else step.error_message
        return replace(step, tool_result=step.tool_result or result, error_message=message)
    if step.kind != "model_call":
        return step
    finish = step.finish_reason or text_of(attributes, "anthropic.message.stop_reason")
    step = replace(
        step,
        request_id=text_of(attributes, "anthropic.request.id"),
        finish_reason=finish,
        attempts=step.attempts or (1 if step.status == "ok" else None),
    )
    if step.status == "error":
        return step
    return replace(step, **choice_fields(step.output_messages, finish))
