"""GitHub Copilot, in the terminal and in VS Code: the conventions with additions of their own.

``github.copilot.cost`` counts premium requests and is no money. The log events of VS Code repeat
its spans and are no steps.

Source: GitHub Copilot CLI 1.0.102, scope ``github.copilot``, captured; for VS Code
microsoft/vscode-copilot-chat, src/platform/otel/common, 2026.
"""

from typing import Any

from tellwhy_collector.dialects.choices import choice_fields
from tellwhy_collector.dialects.envelope import MILLISECOND_NS
from tellwhy_collector.dialects.event_messages import DETAILS
from tellwhy_collector.dialects.otel_genai import event_of, read_span
from tellwhy_collector.dialects.reading import as_structure, nanoseconds, text_of
from tellwhy_collector.records import LogRecord, Record, Span, Step, replace

NAME = "copilot"
SCOPE = "github.copilot"
PREFIXES = ("copilot_chat.", "github.copilot.")
SERVICES = ("copilot-chat", "github-copilot")
AGENT = "copilot"
"""Name of the agent of the terminal, which gives none."""
DENIED = "denied"


def recognises(record: Record) -> bool:
    """Spans and events of the two, the details events of the conventions among these."""
    if isinstance(record, LogRecord):
        event = event_of(record) or ""
        if event == DETAILS:
            return text_of(record.resource, "service.name") in SERVICES
        return event.startswith(PREFIXES)
    if record.scope_name == SCOPE:
        return True
    return any(name.startswith(PREFIXES) for name in record.attributes)


def read(record: Record) -> Step | None:
    """The step by the conventions; an event is none."""
    if not isinstance(record, Span):
        return None
    attributes = record.attributes
    step = read_span(record, NAME)
    fields: dict[str, Any] = {
        "conversation_id": step.conversation_id
        or text_of(attributes, "copilot_chat.chat_session_id", "copilot_chat.session_id"),
        "turn_id": text_of(attributes, "copilot_chat.turn.index", "github.copilot.turn_id"),
    }
    if step.kind == "agent":
        fields["agent_name"] = step.agent_name or AGENT
        fields["agent_version"] = step.agent_version or record.scope_version
        asked = text_of(attributes, "copilot_chat.user_request")
        fields["input"] = asked or step.input
    elif step.kind == "model_call":
        fields["request_id"] = text_of(attributes, "copilot_chat.server_request_id")
        fields["time_to_first_chunk_ns"] = step.time_to_first_chunk_ns or nanoseconds(
            attributes.get("copilot_chat.time_to_first_token"), unit_ns=MILLISECOND_NS
        )
        fields |= _reasoned(step, attributes)
    elif step.kind == "tool_call" and step.error_type == DENIED:
        by_rule = "rule" in (step.error_message or "").lower()
        fields |= {
            "approval_decision": "denied",
            "approver_kind": "rule" if by_rule else "unknown",
        }
    return replace(step, **{name: value for name, value in fields.items() if value is not None})


def _reasoned(step: Step, attributes: dict[str, Any]) -> dict[str, Any]:
    """Output with the reasoning that VS Code puts beside it, and what follows from that."""
    content = as_structure(attributes.get("copilot_chat.reasoning_content"))
    if not content or not step.output_messages:
        return {}
    text = "\n".join(map(str, content)) if isinstance(content, list) else str(content)
    first, *rest = step.output_messages
    part = {"type": "reasoning", "content": text}
    output = [{**first, "parts": [part, *first["parts"]]}, *rest]
    return {"output_messages": output, **choice_fields(output, step.finish_reason)}
