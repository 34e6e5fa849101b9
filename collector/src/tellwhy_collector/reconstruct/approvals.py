"""Who was asked about which action, what they saw, what came of it. Pure; `explaining` writes it.

An approval belongs to the last choice of its call id before it, as in ``decisions_of``: ids are
reused inside one run.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tellwhy_collector.reconstruct.case import Approval, Case, Decision, Effect, Gap
from tellwhy_collector.reconstruct.completion import UNRECORDED_ANSWERS
from tellwhy_collector.reconstruct.payloads import differ, hash_of, parsed
from tellwhy_collector.reconstruct.rows import value_of
from tellwhy_collector.records import Step

RUBBER_STAMP_NS = 2_000_000_000
"""A person who allows something faster has hardly read it."""

OWN = ("native", "approve")
"""Dialect and operation of questions that had no answer if none is told: a framework that pauses
does not tell it, also not through a tool of ours."""

ANSWERS = ("approved", "denied")
EFFECTS = ("write", "irreversible")


def approvals_of(steps: Sequence[Step], decisions: Sequence[Decision]) -> tuple[Approval, ...]:
    """One row for each time that somebody was asked, by start.

    Args:
        steps: Of one run, by start, duplicates left out.
        decisions: Of that run.
    """
    run = _Run(steps, decisions)
    asked = [step for step in steps if _asks(step)]
    done = _executions(run, asked)
    return tuple(_approval(run, step, done.get(step.span_id)) for step in asked)


def effects_without_approval(case: Case) -> Iterator[Effect]:
    """Tools that did something to the world, or are marked as in need of an approval, without one."""
    told: dict[str, list[Approval]] = {}
    for approval in case.approvals:
        if approval.executed_span_id is not None:
            told.setdefault(approval.executed_span_id, []).append(approval)
    run = _Run(case.steps, case.decisions)
    for step in run.tools:
        harmless = step.tool_effect not in EFFECTS and step.unapproved is None
        if harmless or step.unapproved is False or step.error_type == "denied":
            continue
        gap = _gap(run, told.get(step.span_id, ()))
        if gap is not None:
            decision = run.chosen_for(step)
            yield Effect(
                span_id=step.span_id,
                start_ns=step.start_ns,
                decision_id=None if decision is None else decision.decision_id,
                tool_name=step.tool_name,
                tool_effect=step.tool_effect,
                arguments=step.tool_arguments,
                gap=gap,
                status=step.status,
            )


def _gap(run: _Run, told: Sequence[Approval]) -> Gap | None:
    """What is missing; None when an approval covers the step, or may."""
    approved = [one for one in told if one.decision == "approved"]
    if approved:
        others = all(one.changed_after_approval for one in approved)
        return "other_arguments" if others else None
    if any(one.decision == "denied" for one in told):
        return "denied"
    asked = [run.by_id[one.span_id] for one in told]
    if all((one.dialect, one.operation) == OWN for one in asked):
        return "not_answered" if asked else "nobody_asked"
    return None


@dataclass(slots=True)
class _Run:
    """What a run's approvals are looked up in."""

    steps: Sequence[Step]
    decisions: Sequence[Decision]
    by_id: dict[str, Step] = field(init=False)
    tools: list[Step] = field(init=False)
    _by_call: dict[str, list[Decision]] = field(init=False)
    _by_tool: dict[tuple[str, str | None], list[Decision]] = field(init=False)
    """By name and hash of the arguments."""

    def __post_init__(self) -> None:
        self.by_id = {step.span_id: step for step in self.steps}
        self.tools = [step for step in self.steps if step.kind == "tool_call"]
        self._by_call, self._by_tool = {}, {}
        for decision in self.decisions:
            if decision.tool_call_id is not None:
                self._by_call.setdefault(decision.tool_call_id, []).append(decision)
            if decision.chosen is not None:
                key = decision.chosen, hash_of(parsed(decision.arguments))
                self._by_tool.setdefault(key, []).append(decision)

    def chosen_for(self, step: Step) -> Decision | None:
        """The choice that a tool ran for, or somebody was asked about."""
        if step.tool_call_id is not None:
            return _last(self._by_call.get(step.tool_call_id, ()), step)
        asked = hash_of(parsed(step.tool_arguments))
        return _last(self._by_tool.get((step.tool_name or "", asked), ()), step)

    def around(self, step: Step) -> Step | None:
        """The tool that asked while it ran."""
        if step.kind == "tool_call":
            return step
        above = self.by_id.get(step.parent_span_id or "")
        return above if above is not None and above.kind == "tool_call" else None


def _last(decisions: Sequence[Decision], step: Step) -> Decision | None:
    # They stand in the order of time, so the last before it is found by halving.
    place = bisect_right(decisions, step.start_ns, key=lambda one: one.start_ns)
    return decisions[place - 1] if place else None


def _asks(step: Step) -> bool:
    if step.kind == "human":
        return step.approval_decision is not None or step.approver_kind is not None
    return step.kind == "tool_call" and step.approval_decision is not None


def _executions(run: _Run, asked: Sequence[Step]) -> dict[str, Step]:
    """The tool run that each question was about, by the question's span id; of some there is none.

    By place, by the choice that both belong to, or in plain code by the tool's name: there exact
    arguments go first, and of the rest a run belongs to the last question before it.
    """
    found: dict[str, Step] = {}
    by_choice: dict[str, list[Step]] = {}
    for tool in run.tools:
        if (decision := run.chosen_for(tool)) is not None:
            by_choice.setdefault(decision.decision_id, []).append(tool)
    loose: list[Step] = []
    for step in asked:
        around, decision = run.around(step), run.chosen_for(step)
        if around is not None:
            found[step.span_id] = around
        elif decision is not None:
            later = [one for one in by_choice.get(decision.decision_id, ()) if _after(one, step)]
            if later:
                found[step.span_id] = later[0]
        elif step.tool_name is not None:
            loose.append(step)
    known = {tool.span_id for tools in by_choice.values() for tool in tools}
    taken = known | {tool.span_id for tool in found.values()}
    _by_name(loose, [tool for tool in run.tools if tool.span_id not in taken], found)
    return found


def _by_name(loose: list[Step], free: list[Step], found: dict[str, Step]) -> None:
    """Fill in *found* for questions that no choice of a model connects with a run."""
    loose = sorted(loose, key=_answered_ns)
    exact: dict[tuple[str | None, str | None], deque[Step]] = {}
    for tool in free:
        if wanted := _arguments_hash(tool):
            exact.setdefault((tool.tool_name, wanted), deque()).append(tool)
    used: set[str] = set()
    for step in loose:
        runs = exact.get((step.tool_name, _arguments_hash(step)), deque())
        # Questions come in the order of their answers: what began before this one began too early
        # for all that follow.
        while runs and runs[0].start_ns < _answered_ns(step):
            runs.popleft()
        if runs:
            found[step.span_id] = runs.popleft()
            used.add(found[step.span_id].span_id)
    allowed: dict[str | None, list[Step]] = {}
    for step in loose:
        if step.approval_decision != "denied":
            allowed.setdefault(step.tool_name, []).append(step)
    for tool in (tool for tool in free if tool.span_id not in used):
        named = allowed.get(tool.tool_name, ())
        place = bisect_right(named, tool.start_ns, key=_answered_ns)
        if place and named[place - 1].span_id not in found:
            found[named[place - 1].span_id] = tool


def _answered_ns(step: Step) -> int:
    return step.start_ns if step.end_ns is None else step.end_ns


def _after(tool: Step, asked: Step) -> bool:
    """Whether *tool* was not over when it was asked: some senders count the wait to its time."""
    return tool.end_ns is None or tool.end_ns >= asked.start_ns


def _arguments_hash(step: Step) -> str | None:
    stated = step.arguments_sha256 or hash_of(parsed(step.tool_arguments))
    return stated or step.shown_sha256


def _approval(run: _Run, step: Step, tool: Step | None) -> Approval:
    decision = run.chosen_for(step)
    ran = tool if tool is not None and _ran(run, step, tool) else None
    arguments = parsed(step.tool_arguments)
    if arguments is None and decision is not None:
        arguments = parsed(decision.arguments)
    executed = None if ran is None or ran.inferred else parsed(ran.tool_arguments)
    answered = step.approval_decision in ANSWERS
    wait_ns = _wait_ns(step) if answered else None
    shown = value_of(step.input) if step.kind == "human" else None
    return Approval(
        span_id=step.span_id,
        start_ns=step.start_ns,
        decision_id=None if decision is None else decision.decision_id,
        tool_name=step.tool_name or (None if decision is None else decision.chosen),
        tool_call_id=step.tool_call_id,
        decision=step.approval_decision,
        approver=step.approver,
        approver_kind=step.approver_kind or "unknown",
        reason=_reason(step, tool, decision),
        shown=shown,
        shown_sha256=step.shown_sha256 or hash_of(shown),
        arguments=arguments,
        arguments_sha256=step.arguments_sha256 or hash_of(arguments),
        executed_span_id=None if ran is None else ran.span_id,
        executed=executed,
        executed_sha256=(ran and ran.arguments_sha256) or hash_of(executed),
        changed_after_approval=_changed(step, ran, arguments, executed) if answered else None,
        wait_ns=wait_ns,
        rubber_stamp=_rubber_stamp(step, wait_ns),
        decided_ns=step.end_ns if answered else None,
        dialect=step.dialect,
    )


def _ran(run: _Run, step: Step, tool: Step) -> bool:
    """Whether the tool's own work was done, and not only begun to ask."""
    if tool.error_type == "denied":
        return False
    if step.approval_decision == "denied":
        return run.around(step) is None and not tool.inferred
    return True


def _changed(step: Step, ran: Step | None, arguments: Any, executed: Any) -> bool | None:
    """Whether the tool ran with other arguments than those that were asked about."""
    if ran is None or ran.span_id == step.span_id:
        return None
    exact = step.arguments_sha256
    if exact is not None and ran.dialect == step.dialect:
        done = _arguments_hash(ran)
        return None if done is None else done != exact
    if step.tool_arguments is None and step.dialect in UNRECORDED_ANSWERS:
        return None  # what the model chose was itself read out of the run
    shown = value_of(step.input)
    if isinstance(shown, dict) and isinstance(executed, dict) and shown.keys() == executed.keys():
        arguments = shown  # nobody says what was asked about, but what was seen has its form
    return differ(arguments, executed)


def _wait_ns(step: Step) -> int | None:
    """From the question to the answer; only a span of its own tells it."""
    if step.source != "span" or step.kind != "human" or step.end_ns is None:
        return None
    return max(step.end_ns - step.start_ns, 0)


def _rubber_stamp(step: Step, wait_ns: int | None) -> bool | None:
    if step.approver_kind == "rule" or step.approval_decision in ("denied", "asked"):
        return False
    if step.approver_kind != "person" or wait_ns is None:
        return None
    return wait_ns < RUBBER_STAMP_NS


def _reason(step: Step, tool: Step | None, decision: Decision | None) -> str | None:
    """What was said beside the answer; of a denial also what its tool was told."""
    said = step.output if step.kind == "human" else None
    if isinstance(said, str) and said:
        return said
    if step.approval_decision != "denied":
        return None
    if isinstance(said, dict) and isinstance(said.get("error_message"), str):
        return str(said["error_message"])
    told = None if decision is None else decision.outcome_error
    told = told if tool is None else tool.error_message
    # `completion.denials` writes this where nobody said anything.
    return None if told in ("denied", f"denied by {step.approver}") else told
