"""Runs made by hand: steps and decisions as the views tell them, without a database."""

from types import SimpleNamespace

import pytest

from tellwhy_collector.reconstruct.case import Case, Decision, Evidence, Finding
from tellwhy_collector.records import Step
from tellwhy_collector.telling import Scene, Seen, decision_told, run_told

START = 1_767_225_600_000_000_000
MS = 1_000_000
TRACE = "a" * 32


def step(span_id, kind="tool_call", at_ms=0, took_ms=10, **more):
    """A step of the run; times in milliseconds after its start."""
    fields = {
        "trace_id": TRACE,
        "span_id": span_id,
        "parent_span_id": None,
        "run_id": TRACE,
        "source": "span",
        "dialect": "native",
        "kind": kind,
        "name": kind,
        "start_ns": START + at_ms * MS,
        "end_ns": START + (at_ms + took_ms) * MS,
        "status": "ok",
    }
    return Step(**fields | more)


def decision(number, chosen="search", at_ms=None, **more):
    """The choice of model call ``m{number}``, carried out by ``t{number}``."""
    start = START + (100 * number if at_ms is None else at_ms) * MS
    span_id = more.get("span_id", f"m{number}")
    fields = dict.fromkeys(Decision.__dataclass_fields__) | {
        "decision_id": f"{span_id}:{more.get('choice_index', 0)}",
        "trace_id": TRACE,
        "run_id": TRACE,
        "span_id": span_id,
        "choice_index": 0,
        "choice_count": 1,
        "agent_name": "desk",
        "made_by": "model",
        "start_ns": start,
        "decided_ns": start + 20 * MS,
        "action": "tool_call" if chosen else "answer",
        "chosen": chosen,
        "outcome": "succeeded",
        "outcome_span_id": f"t{number}" if chosen else None,
        "dialect": "native",
    }
    return Decision(**fields | more)


def run(**more):
    """The row of ``runs``."""
    names = "agent_version input output error_type error_message lost_reason died_in died_in_span_id models"
    unknown = dict.fromkeys(
        [*names.split(), "cost_usd", "cost_source", "input_tokens", "output_tokens"]
    )
    return (
        unknown
        | {"run_id": TRACE, "trace_id": TRACE, "agent_name": "desk", "status": "succeeded"}
        | {"start_ns": START, "duration_ns": 1_200 * MS}
        | {"model_calls": 1, "tool_calls": 1, "decisions": 1}
        | more
    )


def scene(decisions, steps=None, findings=(), evidence=(), run_row=None, **more):
    """A run of these; steps that are not given are made for the decisions."""
    if steps is None:
        steps = []
        for one in decisions:
            steps.append(step(one.span_id, "model_call", request_model="small-1"))
            if one.outcome_span_id:
                status = "error" if one.outcome == "failed" else "ok"
                steps.append(step(one.outcome_span_id, tool_name=one.chosen, status=status))
    case = Case(run_row or run(), tuple(steps), tuple(decisions), {})
    return Scene(case, tuple(evidence), tuple(findings), **more)


def texts(explanation, part=None):
    """Sentences, of one part when it is named."""
    return [one.text for one in explanation.sentences if part in (None, one.part)]


@pytest.fixture
def made():
    """The makers above."""
    return SimpleNamespace(
        step=step,
        decision=decision,
        run=run,
        scene=scene,
        texts=texts,
        evidence=Evidence,
        finding=Finding,
        seen=Seen,
        start=START,
        tell=decision_told,
        tell_run=run_told,
    )
