"""Hand-offs of the OpenAI Agents SDK; all its other spans are read in their instrumentor's words.

The SDK has no OpenTelemetry of its own. OpenInference tells a hand-off as a tool named
``handoff to AGENT``, OpenLLMetry as a kind of its own, and the GenAI instrumentation not at all. The
model's choice says ``handoff`` already, so this is the same fact once more and no tool call.

Source: openai-agents 0.24 under openinference-instrumentation-openai-agents 2.6.0 and
opentelemetry-instrumentation-openai-agents 0.62.4, captured.
"""

from tellwhy_collector.dialects.envelope import step_of_span
from tellwhy_collector.dialects.reading import text_of
from tellwhy_collector.records import Record, Span, Step

NAME = "openai_agents"
SCOPES = (
    "openinference.instrumentation.openai_agents",
    "opentelemetry.instrumentation.openai_agents",
)
PREFIX = "handoff to "
MISSING = "unknown"
"""What OpenLLMetry writes when it does not know who takes over."""


def recognises(record: Record) -> bool:
    """Spans of the SDK's instrumentors that tell of a hand-off."""
    if not isinstance(record, Span) or record.scope_name not in SCOPES:
        return False
    if record.attributes.get("traceloop.span.kind") == "handoff":
        return True
    return (
        record.attributes.get("openinference.span.kind") == "TOOL"
        and record.name.startswith(PREFIX)
        and "tool.name" not in record.attributes
    )


def read(record: Record) -> Step | None:
    """Who handed over to whom."""
    if not isinstance(record, Span):
        return None
    attributes = record.attributes
    giver = text_of(attributes, "gen_ai.handoff.from_agent", "input.value")
    taker = text_of(attributes, "gen_ai.handoff.to_agent", "output.value")
    return step_of_span(
        record,
        NAME,
        "other",
        operation="handoff",
        agent_name=giver,
        input=giver,
        output=None if taker == MISSING else taker,
    )
