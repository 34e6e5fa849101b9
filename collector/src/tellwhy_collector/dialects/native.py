"""Our own tracer: GenAI names where they exist, ``tellwhy.*`` where not. Nothing is guessed."""

from typing import Any, get_args

from tellwhy_collector.dialects.choices import forced_of
from tellwhy_collector.dialects.envelope import attempts_of
from tellwhy_collector.dialects.otel_genai import kind_of, read_span, reported_cost, usage_of
from tellwhy_collector.dialects.reading import (
    as_bool,
    as_count,
    as_dict,
    as_json,
    as_list,
    as_structure,
    text_of,
)
from tellwhy_collector.records import Forced, Kind, Record, Span, Step, replace

NAME = "native"
SCOPE = "tellwhy"
KINDS, FORCED = get_args(Kind), get_args(Forced)
DECISIONS = ("approved", "denied", "asked")
APPROVER_KINDS = ("person", "rule", "unknown")
DENIED = "tellwhy.Denied"
"""What a tool raises that nobody let run."""


def recognises(record: Record) -> bool:
    """Spans of the scope ``tellwhy``, and any other that carries our kind."""
    if not isinstance(record, Span):
        return False
    return record.scope_name == SCOPE or "tellwhy.step.kind" in record.attributes


def read(record: Record) -> Step | None:
    """The step as the tracer named it."""
    if not isinstance(record, Span):
        return None
    attributes = record.attributes
    stated = attributes.get("tellwhy.step.kind")
    kind: Kind = stated if stated in KINDS and stated else kind_of(record)
    step = read_span(record, NAME)
    if kind == "tool_call" and step.approval_decision == "asked":
        kind = "human"  # a framework that pauses let its exception pass through our tool
    known: dict[str, Any] = {
        "kind": kind,
        "run_id": text_of(attributes, "tellwhy.run.id"),
        "turn_id": text_of(attributes, "tellwhy.turn.id"),
        "inferred": as_bool(attributes.get("tellwhy.inferred")),
        "tool_effect": text_of(attributes, "tellwhy.tool.effect"),
        "status": "pending" if as_bool(attributes.get("tellwhy.pending")) else None,
        "input": as_structure(attributes.get("tellwhy.input")),
        "output": as_structure(attributes.get("tellwhy.output")),
    }
    if kind == "model_call":
        known |= _model(record, step)
    elif kind == "human":
        known |= _approval(attributes)
    elif kind == "tool_call":
        known |= _gated(attributes, step)
    elif text_of(attributes, "tellwhy.decision.made_by") == "code":
        known |= _code_decision(attributes)
    if "tellwhy.session.turns" in attributes:
        known |= usage_of(attributes) | reported_cost(attributes.get("tellwhy.session.cost_usd"))
    return replace(step, **{name: value for name, value in known.items() if value is not None})


def _model(span: Span, step: Step) -> dict[str, Any]:
    """What only our hook sees, and the decision as the tracer read it off the wire."""
    attributes = span.attributes
    choice = as_structure(attributes.get("tellwhy.request.tool_choice"))
    forced = attributes.get("tellwhy.decision.forced")
    fields: dict[str, Any] = {
        # As stated: Gemini behind OpenRouter reads what it has just written to its cache, so that
        # the parts may be more than the whole.
        "input_tokens": as_count(attributes.get("gen_ai.usage.input_tokens")),
        "request_id": text_of(attributes, "tellwhy.provider.request_id"),
        "attempts": as_count(attributes.get("tellwhy.attempts")) or attempts_of(span),
        "request_parameters": as_dict(attributes.get("tellwhy.request.parameters")) or None,
        "tool_choice": choice,
        "forced": forced if forced in FORCED else forced_of(choice),
        "chosen": _with_arguments(as_list(attributes.get("tellwhy.decision.chosen")), step.chosen),
    }
    if step.tools_offered is None and (
        names := as_list(attributes.get("tellwhy.decision.offered"))
    ):
        fields["tools_offered"] = [{"name": name} for name in names if isinstance(name, str)]
    return fields


def _with_arguments(stated: list[Any] | None, read: Any) -> list[Any] | None:
    """The tracer's actions; arguments and texts come from the output messages.

    Without content the messages are not there, and the actions stand alone.
    """
    if stated is None or not all(isinstance(action, dict) for action in stated):
        return None
    known = {action.get("tool_call_id"): action for action in read or ()}
    # Some servers give calls no id: then the place says which is which.
    in_order = read if read and len(read) == len(stated) else [known.get(None, {})] * len(stated)
    return [
        (known.get(action["tool_call_id"], {}) if "tool_call_id" in action else there) | action
        for action, there in zip(stated, in_order, strict=True)
    ] or None


def _gated(attributes: dict[str, Any], step: Step) -> dict[str, Any]:
    """What a tool that is in need of an approval says of it."""
    return {
        "unapproved": as_bool(attributes.get("tellwhy.tool.unapproved")),
        "arguments_sha256": text_of(attributes, "tellwhy.tool.arguments_sha256"),
        "error_type": "denied" if step.error_type == DENIED else None,
    }


def _approval(attributes: dict[str, Any]) -> dict[str, Any]:
    decision = text_of(attributes, "tellwhy.approval.decision")
    kind = text_of(attributes, "tellwhy.approval.approver_kind")
    shown = as_structure(attributes.get("tellwhy.approval.shown"))
    shown_sha256 = text_of(attributes, "tellwhy.approval.shown_sha256")
    arguments_sha256 = text_of(attributes, "tellwhy.approval.arguments_sha256")
    same = arguments_sha256 is not None and arguments_sha256 == shown_sha256
    arguments = as_structure(attributes.get("tellwhy.approval.arguments"))
    return {
        "approval_decision": decision if decision in DECISIONS else None,
        "approver": text_of(attributes, "tellwhy.approval.approver"),
        "approver_kind": kind if kind in APPROVER_KINDS else "unknown",
        "tool_call_id": text_of(attributes, "tellwhy.approval.tool_call_id"),
        "tool_name": text_of(attributes, "tellwhy.approval.tool_name"),
        "tool_arguments": shown if arguments is None and same else arguments,
        "shown_sha256": shown_sha256,
        "arguments_sha256": arguments_sha256,
        "input": shown,
        "output": text_of(attributes, "tellwhy.approval.note"),
    }


def _code_decision(attributes: dict[str, Any]) -> dict[str, Any]:
    """A choice that plain code made with ``tellwhy.decide``."""
    offered = as_list(attributes.get("tellwhy.decision.offered"))
    why = text_of(attributes, "tellwhy.decision.why")
    chosen = as_json(attributes.get("tellwhy.decision.chosen"))
    name = chosen if isinstance(chosen, str) else text_of(attributes, "tellwhy.decision.chosen")
    return {
        "operation": "decide",
        "name": text_of(attributes, "tellwhy.decision.name"),
        "tools_offered": [{"name": str(option)} for option in offered] if offered else None,
        "chosen": [{"action": "route", "name": name}] if name else None,
        "stated_reason": why,
        "stated_reason_source": "code" if why else None,
    }
