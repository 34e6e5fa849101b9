"""Rules about what was allowed, and by whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from tellwhy_collector.reconstruct.case import Finding
from tellwhy_collector.reconstruct.findings.facts import (
    Facts,
    at_decision,
    at_step,
    at_tool,
    canonical,
    outcome,
    shown,
)
from tellwhy_collector.reconstruct.findings.rule import Rule
from tellwhy_collector.reconstruct.findings.script import Script
from tellwhy_collector.reconstruct.findings.tools import calls
from tellwhy_collector.reconstruct.rows import JsonText

HASTY_NS = 2 * 10**9
"""Nobody reads a payload in less than two seconds."""

EFFECTS = ("write", "irreversible")


def _outside_grant(facts: Facts) -> Iterator[Finding]:
    for decision in calls(facts):
        if decision.outcome == "denied" and decision.approver_kind == "rule":
            by = decision.approver or "a rule"
            yield at_decision(
                decision,
                f"{decision.chosen} with {shown(decision.arguments)} was denied by {by}.",
            )
        elif decision.forced == "no_tool":
            yield at_decision(
                decision, f"{decision.chosen} was called although the request allowed no tool."
            )
    for decision in facts.decisions:
        if decision.action == "answer" and decision.forced in ("any_tool", "one_tool"):
            yield at_decision(
                decision,
                f"The model answered although the request demanded {_DEMANDS[decision.forced]}.",
            )


_DEMANDS = {"any_tool": "a tool", "one_tool": "one tool by name"}


def _unapproved_effect(facts: Facts) -> Iterator[Finding]:
    asked = {(d.agent_name, d.chosen) for d in facts.decisions if d.chosen and d.approval_decision}
    gated = {
        step.parent_span_id for step in facts.steps if step.kind == "human" and step.parent_span_id
    }
    for tool in facts.tools:
        effect = tool.step.tool_effect
        if effect not in EFFECTS or not tool.worked or tool.step.span_id in gated:
            continue
        if tool.decision is None or tool.decision.approval_decision is not None:
            continue
        if (tool.agent, tool.name) not in asked:
            continue
        message = (
            f"{tool.name} ({effect}) ran with {shown(tool.arguments)} without an approval; "
            "elsewhere in this run somebody was asked before it."
        )
        yield at_tool(tool, message)


def _approval_changed(facts: Facts) -> Iterator[Finding]:
    for tool in facts.tools:
        decision = tool.decision
        if decision is None or decision.approval_decision != "approved" or tool.denied:
            continue
        gate = facts.by_id.get(decision.approval_span_id or "")
        if gate is None or tool.step.tool_arguments is None:
            continue
        saw = _payload(gate.tool_arguments if gate.tool_arguments is not None else gate.input)
        if not isinstance(saw, dict) or not isinstance(tool.step.tool_arguments, dict):
            continue
        ran = tool.step.tool_arguments
        if saw.keys() != ran.keys() or canonical(saw) == canonical(ran):
            continue
        changed = [name for name in ran if canonical(saw[name]) != canonical(ran[name])]
        told = "; ".join(f"{n}: {shown(saw[n], 60)} → {shown(ran[n], 60)}" for n in changed[:3])
        also = [{"span_id": gate.span_id, "column": "input"}, outcome(tool)]
        message = f"{tool.name} ran with other arguments than were approved ({told})."
        yield at_decision(decision, message, also)


def _payload(value: Any) -> Any:
    return orjson.loads(str(value)) if isinstance(value, JsonText) else value


def _rubber_stamp(facts: Facts) -> Iterator[Finding]:
    for decision in facts.decisions:
        wait_ns = decision.approval_wait_ns
        if decision.approval_decision != "approved" or decision.approver_kind != "person":
            continue
        if wait_ns is None or not 0 <= wait_ns < HASTY_NS:
            continue
        by = decision.approver or "somebody"
        also = [{"span_id": decision.approval_span_id}] if decision.approval_span_id else []
        yield at_decision(
            decision,
            f"{by} allowed {decision.chosen} with {shown(decision.arguments)} after "
            f"{_told(wait_ns)}.",
            also,
        )


def _told(duration_ns: int) -> str:
    ms = duration_ns / 10**6
    return f"{ms / 1000:.1f} s" if ms >= 100 else f"{ms:.0f} ms"


def _guardrail_tripped(facts: Facts) -> Iterator[Finding]:
    went_on_ns = max(
        (
            s.start_ns
            for s in facts.steps
            if s.kind in ("model_call", "tool_call") and s.status == "ok"
        ),
        default=0,
    )
    for step in facts.steps:
        if step.kind != "guardrail" or step.error_type != "denied":
            continue
        name = step.name.removeprefix("guardrail ")
        whose = f" of {step.agent_name}" if step.agent_name else ""
        then = "went on" if went_on_ns > (step.end_ns or step.start_ns) else "did nothing after it"
        yield at_step(step, f"The guardrail {name}{whose} tripped; the run {then}.", "output")


RULES = (
    Rule(
        "outside_grant",
        "medium",
        "The model tried what a rule denied, called a tool where none was allowed, or answered "
        "where a tool was demanded.",
        "What a person denied is that person's choice and no finding.",
        _outside_grant,
        Script("run_shell")
        .user("Tidy up.")
        .chose(("run_shell", {"command": "rm -r /"}))
        .denied("no_deletes"),
    ),
    Rule(
        "unapproved_effect",
        "high",
        "A tool that writes ran without an approval, although the same agent has it approved "
        "elsewhere in the run.",
        "Needs the effect of the tool (tellwhy.tool(effect=...)). An agent that never asks "
        "anybody has no gate that could have been passed by.",
        _unapproved_effect,
        Script("pay")
        .user("Pay both bills.")
        .chose(("pay", {"bill": 1}))
        .approved("kim")
        .ran("paid", tool_effect="irreversible")
        .chose(("pay", {"bill": 2}))
        .ran("paid", tool_effect="irreversible")
        .answered("Both are paid."),
    ),
    Rule(
        "approval_changed",
        "high",
        "A tool ran with other values than the approver was shown.",
        "Needs both payloads with the same names. An approver who mends a value before allowing "
        "it looks the same.",
        _approval_changed,
        Script("pay")
        .user("Pay the bill.")
        .chose(("pay", {"amount": 42}))
        .approved("kim", shown={"amount": 42})
        .ran("paid 4200", tool_arguments={"amount": 4200})
        .answered("Paid."),
    ),
    Rule(
        "rubber_stamp",
        "medium",
        "A person allowed something in less than two seconds after being asked.",
        "Does not know what the person knew before. Approvals of which only a log tells have no "
        "duration.",
        _rubber_stamp,
        Script("pay")
        .user("Pay the bill.")
        .chose(("pay", {"amount": 42}))
        .approved("kim", wait_s=0.6)
        .ran("paid")
        .answered("Paid."),
    ),
    Rule(
        "guardrail_tripped",
        "medium",
        "A guardrail stood in the way of what came in or of what was to go out.",
        "Sees guardrails whose framework tells of them (OpenAI Agents SDK, CrewAI); a check in plain "
        "code is none. Says nothing about whether it tripped with good reason.",
        _guardrail_tripped,
        Script()
        .user("Pay for the coat.")
        .answered("The card number is 0000.")
        .step(
            "guardrail",
            "guardrail no_card_numbers",
            "  guardrail no_card_numbers trips",
            status="error",
            error_type="denied",
            error_message="no_card_numbers tripped",
        ),
    ),
)
