"""Rules about ends that nobody wanted: cut off, too long, out of budget, dead."""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson

from tellwhy_collector.reconstruct.case import Finding
from tellwhy_collector.reconstruct.findings.facts import Facts, at_step, shown
from tellwhy_collector.reconstruct.findings.rule import Rule
from tellwhy_collector.reconstruct.findings.script import Script
from tellwhy_collector.records import Step

CUT = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})
"""Finish reasons of an answer that was cut off."""

PROBE = 16
"""Output tokens up to which a cut is what was asked for: probes whether a model answers."""

_CONTEXT = re.compile(
    r"context[ _]length|context[ _]window|maximum context|prompt is too long|input is too long"
    r"|too many (?:input )?tokens|exceeds? the (?:maximum|available) (?:number of )?(?:input )?"
    r"(?:tokens|context)|input token count .{0,40}exceeds",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"max(?:imum)?[ _-]?(?:number of )?(?:turns?|steps?|iterations?|rounds?)\b.{0,40}"
    r"(?:reached|exceeded|hit)|(?:reached|exceeded|hit)\b.{0,40}\bmax(?:imum)?[ _-]?"
    r"(?:number of )?(?:turns?|steps?|iterations?|rounds?)\b|recursion limit of|"
    r"(?:MaxTurns|UsageLimit|Budget|MaxIterations|MaxSteps)\w*(?:Exceeded|Error)|"
    r"GraphRecursionError|AgentMaxStepsError|budget.{0,20}exceeded|exceeded.{0,20}budget",
    re.IGNORECASE,
)
_TIME = re.compile(r"time[ds]? ?out|TimeoutError|deadline ?exceeded", re.IGNORECASE)


def _truncated_output(facts: Facts) -> Iterator[Finding]:
    for step in facts.steps:
        if step.kind != "model_call":
            continue
        cut = any(action.get("action") == "truncated" for action in step.chosen or ())
        if not cut and (step.finish_reason or "").lower() not in CUT:
            continue
        most = _asked_tokens(step)
        if most is not None and most <= PROBE:
            continue
        tokens = f" after {step.output_tokens:,} tokens" if step.output_tokens else ""
        limit = f"; the request allowed {most:,}" if most else ""
        message = f"The model was cut off{tokens} ({step.finish_reason or 'truncated'}){limit}."
        yield at_step(step, message, "output_messages")


def _asked_tokens(step: Step) -> int | None:
    parameters = step.request_parameters
    if isinstance(parameters, str):
        parameters = orjson.loads(str(parameters))
    if not isinstance(parameters, dict):
        return None
    names = ("max_tokens", "max_output_tokens", "max_completion_tokens")
    found = next((parameters[name] for name in names if parameters.get(name)), None)
    return found if isinstance(found, int) else None


def _truncated_context(facts: Facts) -> Iterator[Finding]:
    for step in facts.steps:
        said = f"{step.error_type or ''} {step.error_message or ''}"
        if step.kind == "model_call" and step.status == "error" and _CONTEXT.search(said):
            message = f"The request did not fit into the model's context: {shown(said.strip())}"
            yield at_step(step, message, "error_message")


def _limit_hit(facts: Facts) -> Iterator[Finding]:
    found: set[str] = set()
    for step in facts.steps:
        if step.kind not in ("agent", "other", "guardrail") or step.status != "error":
            continue
        said = f"{step.error_type or ''} {step.error_message or ''}".strip()
        timed_out = step.kind == "agent" and _TIME.search(said)
        if not (timed_out or _LIMIT.search(said)) or said in found:
            continue
        # Agents pass the error of one inside them on: it stands at the outermost, which is first.
        found.add(said)
        yield at_step(step, f"{step.name} ended at a limit: {shown(said)}", "error_message")


def _died(facts: Facts) -> Iterator[Finding]:
    lost = facts.run.get("status") == "lost" and facts.run.get("lost_reason") != "silent"
    if not lost or not facts.steps:
        return
    inside = facts.by_id.get(facts.run.get("died_in_span_id") or "", facts.steps[0])
    name = facts.run.get("died_in") or inside.name
    how = facts.run.get("lost_reason") or "nobody knows how"
    with_what = f" with {shown(inside.tool_arguments)}" if inside.tool_arguments is not None else ""
    yield at_step(inside, f"The process ended ({how}) in {name}{with_what}.")


RULES = (
    Rule(
        "truncated_output",
        "medium",
        "An answer of the model was cut off because it had become too long.",
        "Says nothing where a request allowed 16 tokens or fewer: that asks whether a model "
        "answers at all.",
        _truncated_output,
        Script()
        .user("Tell me everything.")
        .answered("It began in", "truncated", finish_reason="max_tokens", output_tokens=1024),
    ),
    Rule(
        "truncated_context",
        "medium",
        "A request did not fit into the model's context, and the provider refused it.",
        "A history that an agent shortens by itself is not a finding: call_contexts tells what "
        "each call saw.",
        _truncated_context,
        Script()
        .user("Summarise these 900 pages.")
        .answered(
            None,
            status="error",
            error_type="invalid_request_error",
            error_message="prompt is too long: 212044 tokens > 200000 maximum",
        ),
    ),
    Rule(
        "limit_hit",
        "medium",
        "An agent ended because it had used up its turns, its budget or its time.",
        "Reads it out of errors: a framework that ends without an error is not seen. Limits of "
        "the provider on requests are failures of a call, not of this kind.",
        _limit_hit,
        Script()
        .user("Clean up.")
        .step(
            "agent",
            "cleaner",
            "agent cleaner ends: Max turns (10) exceeded",
            status="error",
            error_type="MaxTurnsExceeded",
            error_message="Max turns (10) exceeded",
        ),
    ),
    Rule(
        "died",
        "high",
        "The process ended before the run did; the finding stands at the step it was in.",
        "A process that is only silent may come back: runs.status says lost as long as it is, and "
        "a finding is written only of an end that was stated.",
        _died,
        Script(
            "charge",
            status="lost",
            lost_reason="killed",
            died_in="charge",
            died_in_span_id=f"{2:016x}",
        )
        .user("Charge the card.")
        .chose(("charge", {"amount": 42}))
        .step(
            "tool_call",
            "charge",
            "  the process is killed",
            tool_name="charge",
            tool_arguments={"amount": 42},
            status="pending",
            end_ns=None,
        ),
    ),
)
