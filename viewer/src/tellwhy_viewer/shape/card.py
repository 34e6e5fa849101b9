"""One decision told in its five parts: saw, could, chose, stated, happened.

Recorded facts, the model's own words and tested causes stand in different keys and are never mixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tellwhy_viewer.shape.context import news
from tellwhy_viewer.shape.sources import origins, sources
from tellwhy_viewer.shape.tested import causes_shown
from tellwhy_viewer.shape.text import clipped, one_line, parsed
from tellwhy_viewer.shape.timeline import title

Row = dict[str, Any]

VALUE_CLIP = 1_500
"""Most characters of one argument's value on the card."""


def decision_card(
    row: Row,
    *,
    before: Row | None,
    approval: Row | None,
    evidence: Sequence[Row] = (),
    tests: Sequence[Row] = (),
) -> dict[str, Any]:
    """Give the card of one decision.

    Args:
        row: The decision with the columns of the model call that made it and of its outcome.
        before: The same agent's model call before it, when there is one.
        approval: The approval of that step, when somebody was asked.
        evidence: Where its values stood before.
        tests: What was compared in its newest test; one row without a label when nothing was.
    """
    found = sources(evidence, row)
    return {
        "id": row["decision_id"],
        "title": title(row),
        "made_by": row["made_by"],
        "action": row["action"],
        "chosen": row["chosen"],
        "saw": _saw(row, before),
        "could": _could(row),
        "chose": _chose(row),
        "said": _said(row),
        "answer_recorded": row.get("output_messages") is not None,
        "happened": _happened(row),
        "approval": _approval(row, approval),
        "model": _model(row),
        "tested": causes_shown(tests),
        "origins": origins(found),
        "sources": found,
        "at": {"trace": row["trace_id"], "span": row["span_id"]},
    }


def _saw(row: Row, before: Row | None) -> Row:
    told = news(row.get("input_messages"), before)
    system = row.get("system_instructions")
    return {**told, "system": system is not None, "input_tokens": row["input_tokens"]}


def _could(row: Row) -> Row:
    names = parsed(row["offered"]) or []
    described = {
        tool.get("name"): tool.get("description")
        for tool in parsed(row.get("tools_offered")) or []
        if isinstance(tool, dict)
    }
    tools = [
        {
            "name": str(name),
            "description": one_line(described.get(name) or "", 400),
            "chosen": name == row["chosen"],
        }
        for name in names
    ]
    listed = row["chosen"] is None or any(tool["chosen"] for tool in tools)
    return {
        "recorded": row["offered"] is not None,
        "tools": tools,
        "forced": row["forced"],
        "chosen_listed": listed,
        "choice": one_line(parsed(row.get("tool_choice")), 120) if row.get("tool_choice") else None,
    }


def _chose(row: Row) -> Row:
    value = parsed(row["arguments"])
    named = isinstance(value, dict)
    return {
        "action": row["action"],
        "name": row["chosen"],
        "tool_call_id": row["tool_call_id"],
        "arguments": [_argument(name, inner) for name, inner in value.items()] if named else None,
        "raw": clipped(value) if not named and value is not None else None,
        "answer": clipped(row["answer_text"]),
        "choice": [row["choice_index"] + 1, row["choice_count"]],
        "finish_reason": row["finish_reason"],
    }


def _argument(name: str, value: Any) -> Row:
    kind = "text" if isinstance(value, str) else "value"
    shown = clipped(value, VALUE_CLIP) or {"text": "null", "chars": 4, "clipped": False}
    return {"name": name, "kind": kind, **shown}


def _said(row: Row) -> Row | None:
    """The model's own words (or the code's). A statement about the choice, not its cause."""
    if not row["stated_reason"]:
        return None
    return {"source": row["stated_reason_source"], **(clipped(row["stated_reason"]) or {})}


def _happened(row: Row) -> Row:
    duration = row["outcome_duration_ns"]
    led_to = row["outcome_span_id"]
    return {
        "outcome": row["outcome"],
        "result": clipped(parsed(row["outcome_result"])),
        "error": clipped(row["outcome_error"]),
        "error_type": row["outcome_error_type"],
        "took_ms": duration / 1e6 if duration is not None else None,
        "inferred": bool(row["outcome_inferred"]),
        "attempts": row["outcome_attempts"],
        "effect": row["tool_effect"],
        "service": row["outcome_service_name"],
        "step": {"trace": row["trace_id"], "span": led_to} if led_to else None,
    }


def _approval(row: Row, step: Row | None) -> Row | None:
    if row["approval_decision"] is None and step is None:
        return None
    waited = row["approval_wait_ns"]
    told: Row = {
        "decision": row["approval_decision"],
        "approver": row["approver"],
        "kind": row["approver_kind"],
        "waited_ms": waited / 1e6 if waited is not None else None,
        "shown": None,
        "note": None,
        "step": None,
    }
    if step is not None:
        told["shown"] = clipped(parsed(step["input"]))
        told["note"] = clipped(step["stated_reason"] or parsed(step["output"]), 1_000)
        told["step"] = {"trace": step["trace_id"], "span": step["span_id"]}
    return told


def _model(row: Row) -> Row:
    first = row.get("time_to_first_chunk_ns")
    took = row["duration_ns"]
    return {
        "name": row.get("response_model") or row["model"],
        "provider": row.get("provider"),
        "input_tokens": row["input_tokens"],
        "output_tokens": row["output_tokens"],
        "cache_read_tokens": row.get("cache_read_tokens"),
        "reasoning_tokens": row.get("reasoning_tokens"),
        "cost_usd": row["cost_usd"],
        "cost_source": row.get("cost_source"),
        "took_ms": took / 1e6 if took is not None else None,
        "first_chunk_ms": first / 1e6 if first is not None else None,
        "attempts": row.get("model_attempts"),
        "request_id": row.get("request_id"),
        "status": row.get("step_status"),
        "error": clipped(row.get("step_error_message")),
        "parameters": one_line(parsed(row.get("request_parameters")), 400)
        if row.get("request_parameters")
        else None,
    }
