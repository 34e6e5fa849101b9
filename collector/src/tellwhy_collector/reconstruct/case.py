"""The nouns of looking at a whole run: a `Case` goes in; `Evidence` and `Finding` come out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from tellwhy_collector.reconstruct.contexts import Context
from tellwhy_collector.records import Step, noun

EvidenceKind = Literal["exact", "normalised", "derived", "model_written", "no_source"]
"""How a value is connected to where it stood; ``model_written`` needs no source."""

Gap = Literal["nobody_asked", "denied", "not_answered", "other_arguments"]
"""Why nothing covers an effect."""

Severity = Literal["high", "medium", "low"]


@noun
class Decision:
    """One choice, as the view ``decisions`` tells it; arguments and offered are parsed."""

    decision_id: str
    trace_id: str
    run_id: str
    span_id: str
    choice_index: int
    choice_count: int
    agent_name: str | None
    made_by: str
    start_ns: int
    decided_ns: int
    action: str
    chosen: str | None
    tool_call_id: str | None
    arguments: Any
    answer_text: str | None
    offered: list[str] | None
    forced: str | None
    stated_reason: str | None
    stated_reason_source: str | None
    outcome: str
    outcome_span_id: str | None
    outcome_error: str | None
    outcome_inferred: bool | None
    approval_decision: str | None
    approver: str | None
    approver_kind: str | None
    approval_wait_ns: int | None
    approval_span_id: str | None
    finish_reason: str | None
    dialect: str


class Approval(NamedTuple):
    """One time that somebody was asked; columns of the table ``approvals`` of that name."""

    span_id: str
    start_ns: int
    decision_id: str | None
    tool_name: str | None
    tool_call_id: str | None
    decision: str | None
    approver: str | None
    approver_kind: str
    reason: str | None
    shown: Any
    shown_sha256: str | None
    arguments: Any
    arguments_sha256: str | None
    executed_span_id: str | None
    executed: Any
    executed_sha256: str | None
    changed_after_approval: bool | None
    wait_ns: int | None
    rubber_stamp: bool | None
    decided_ns: int | None
    dialect: str


class Effect(NamedTuple):
    """One effect that nobody approved; columns of the table ``effects_without_approval``."""

    span_id: str
    start_ns: int
    decision_id: str | None
    tool_name: str | None
    tool_effect: str | None
    arguments: Any
    gap: Gap
    status: str


@noun
class Case:
    """One run as it is known: what is looked at together."""

    run: Mapping[str, Any]
    """Row of the view ``runs``."""
    steps: tuple[Step, ...]
    """By start, duplicates left out. ``input_messages``, ``system_instructions`` and
    ``tools_offered`` are None: `contexts` holds them, each once."""
    decisions: tuple[Decision, ...]
    """By start and place in the answer."""
    contexts: Mapping[str, Context]
    """What each model call saw, by its span id, in the order of asking. A call whose request was
    not recorded has none."""
    approvals: tuple[Approval, ...] = ()
    """By start."""

    @property
    def by_id(self) -> dict[str, Step]:
        """Steps by span id."""
        return {step.span_id: step for step in self.steps}


class Evidence(NamedTuple):
    """One place where one value stood before; columns of the table ``evidence`` of that name."""

    span_id: str
    start_ns: int
    decision_id: str
    argument: str
    value: str
    kind: EvidenceKind
    rank: int = 0
    method: str | None = None
    weak: bool = False
    source_role: str | None = None
    source_step: str | None = None
    source_span_id: str | None = None
    source_column: str | None = None
    source_path: str | None = None
    source_inner_path: str | None = None
    source_from: int | None = None
    source_to: int | None = None
    source_text: str | None = None
    origin_span_id: str | None = None


class Finding(NamedTuple):
    """One named problem; columns of the table ``findings`` of that name."""

    span_id: str
    start_ns: int
    decision_id: str | None
    rule: str
    severity: Severity
    message: str
    proof: tuple[Mapping[str, Any], ...] = ()
    """``{"span_id", "column"?, "path"?, "text"?}``: where to look."""


class Suspect(NamedTuple):
    """One turn of a run that may be where it went wrong; columns of ``suspects`` of that name."""

    span_id: str
    start_ns: int
    decision_id: str | None
    rank: int
    share: float
    category: str
    reasons: tuple[Mapping[str, Any], ...] = ()
    """``{"signal", "weight", "says"}``, the heaviest first."""
