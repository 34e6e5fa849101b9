"""Temporal: workflows, activities and signals, told by name and id alone.

A workflow is the agent that its activities work for. An activity is any code that it runs, so it
is a tool call only where its id is one that a model gave; the calls inside it are told by others.
Arguments, results and numbers of attempts are not recorded: each attempt is a span of its own.

Source: temporalio 1.35, ``temporalio.contrib.opentelemetry``: TracingInterceptor (spans of no
length inside workflows) and OpenTelemetryPlugin, captured.
"""

import re
from typing import Any

from tellwhy_collector.dialects.envelope import step_of_span
from tellwhy_collector.dialects.reading import text_of
from tellwhy_collector.records import Kind, Record, Span, Step

NAME = "temporal"
SCOPE = "temporalio.contrib.opentelemetry"
WORKFLOW = "temporalWorkflowID"
ACTIVITY = "temporalActivityID"

CALL_ID = re.compile(r"(toolu|tooluse|call|fc|chatcmpl-tool|functions)[_.-]\S+")
"""How ids begin that models give to tool calls; ids that Temporal gives are numbers."""

APPROVAL = re.compile(r"approv|reject|deny|denied|confirm|consent|human", re.IGNORECASE)
"""Signals and updates by whose name somebody answers a question."""

ANSWERS = ("HandleSignal", "HandleUpdate")
OF_WORKFLOWS = ("StartWorkflow", "RunWorkflow", "CompleteWorkflow", "StartChildWorkflow")


def recognises(record: Record) -> bool:
    """Spans of its scope, or with the id of a workflow or an activity."""
    if not isinstance(record, Span):
        return False
    return (
        (record.scope_name or "").startswith(SCOPE)
        or WORKFLOW in record.attributes
        or ACTIVITY in record.attributes
    )


def read(record: Record) -> Step | None:
    """The step by the first word of the span's name: ``RunActivity:call_llm``."""
    if not isinstance(record, Span):
        return None
    event, _, name = record.name.partition(":")
    attributes = record.attributes
    kind: Kind = "other"
    fields: dict[str, Any] = {
        "operation": event,
        "conversation_id": text_of(attributes, WORKFLOW),
        "turn_id": text_of(attributes, "temporalRunID"),
    }
    if event in OF_WORKFLOWS:
        kind = "agent" if event == "RunWorkflow" else "other"
        fields["agent_name"] = name or None
    elif event == "RunActivity":
        call_id = text_of(attributes, ACTIVITY)
        if call_id and CALL_ID.fullmatch(call_id):
            kind = "tool_call"
            fields["tool_call_id"] = call_id
    elif event in ANSWERS and APPROVAL.search(name):
        # What was answered stands in the arguments, and these are not recorded.
        kind = "human"
        fields["approver_kind"] = "unknown"
    return step_of_span(record, NAME, kind, **fields)
