"""Step 6 of 7. The steps of a quiet trace, looked at together. Pure; `settle` writes the outcome.

Says what no single record can: which steps tell of one call, what a step leaves out that its
neighbours know, and which tool calls nobody recorded.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from tellwhy_collector.dialects.choices import choice_fields
from tellwhy_collector.reconstruct import completion, events, history, linking, stray
from tellwhy_collector.reconstruct.duplicates import Duplicate, duplicates_of
from tellwhy_collector.reconstruct.reread import TRANSCRIPT
from tellwhy_collector.reconstruct.tree import Tree
from tellwhy_collector.records import Step

__all__ = ["Duplicate", "Reconstruction", "reconstruct"]


class Reconstruction(NamedTuple):
    """What a trace says as a whole."""

    duplicates: list[Duplicate]
    changed: list[Step]
    """Kept steps that now say more; same ids as before."""
    added: list[Step]
    """Inferred steps, ``source`` is ``steps``."""


def reconstruct(steps: Sequence[Step]) -> Reconstruction:
    """Look at all steps of one trace together.

    Gives the same for the same records in any order, and nothing new the second time. A rule that
    is added here needs its question in `plain`, or it is not asked of most traces.

    Args:
        steps: Every step of the trace that comes from a record, duplicates included.
    """
    tree = Tree(steps)
    duplicates = duplicates_of(tree.steps, events.calls_of(tree))
    left_out = frozenset(duplicate.span_id for duplicate in duplicates)
    now = {step.span_id: step for step in tree.steps}
    _complete(now, tree, duplicates)
    _ask_above(now)
    tree = Tree(now.values())
    for step, changes in completion.denials(tree, _ran(tree, duplicates)):
        now[step.span_id] = replace(now[step.span_id], **changes)
    for call_id, tools in completion.tools_asked_by(tree, left_out).items():
        if changes := completion.chosen_by(now[call_id], tools):
            now[call_id] = replace(now[call_id], **changes)
    for step, attempts in stray.attempts_of(tree):
        now[step.span_id] = replace(now[step.span_id], attempts=attempts)
    _read_history(now, left_out)
    for step, call_id in linking.call_ids(Tree(now.values()), left_out):
        now[step.span_id] = replace(step, tool_call_id=call_id)
    _fill_tools(now, left_out)
    added = [*_infer_tools(now, left_out), *stray.approvals_asked(tree)]
    _tell_task(now, left_out)
    before = {step.span_id: step for step in steps}
    changed = [step for step in now.values() if step is not before[step.span_id]]
    return Reconstruction(duplicates, [s for s in changed if s != before[s.span_id]], added)


def _complete(now: dict[str, Step], tree: Tree, duplicates: list[Duplicate]) -> None:
    """Give each kept step what its duplicates and parts add, the fullest first."""
    adding: dict[str, list[Step]] = {}
    for duplicate in duplicates:
        adding.setdefault(duplicate.kept_span_id, []).append(now[duplicate.span_id])
    for kept, others in adding.items():
        # A transcript has the whole answer; events have its text alone.
        others.sort(key=lambda other: other.dialect != TRANSCRIPT)
        now[kept] = completion.completed(
            tree.by_id[kept], events.gathered(tree.by_id[kept], others)
        )


def _ask_above(now: dict[str, Step]) -> None:
    tree = Tree(now.values())
    for step in tree.steps:
        if changes := completion.from_above(step, tree):
            now[step.span_id] = replace(step, **changes)


def _ran(tree: Tree, duplicates: list[Duplicate]) -> frozenset[str]:
    """Tool calls of which an execution was told by a part or by an event."""
    return frozenset(d.kept_span_id for d in duplicates if tree.by_id[d.span_id].kind != "human")


def _calls(now: dict[str, Step], left_out: frozenset[str]) -> list[Step]:
    calls = [s for s in now.values() if s.kind == "model_call" and s.span_id not in left_out]
    return sorted(calls, key=lambda call: (call.start_ns, call.span_id))


NEAR = 16
"""So many model calls further on the next request of the same agent is looked for."""


def _read_history(now: dict[str, Step], left_out: frozenset[str]) -> None:
    """Answers that were not recorded, or in part, out of the history in the next request."""
    calls = _calls(now, left_out)
    for place, call in enumerate(calls):
        if (call.output_messages is not None and call.chosen is not None) or call.status != "ok":
            continue
        for following in calls[place + 1 : place + 1 + NEAR]:
            answer = history.answer_in_history(call, following)
            if answer is not None:
                now[call.span_id] = replace(call, output_messages=answer, **_choice(call, answer))
                break


def _choice(call: Step, answer: list[dict[str, Any]]) -> dict[str, Any]:
    found = choice_fields(answer, call.finish_reason)
    return {name: value for name, value in found.items() if value is not None}


def _tell_task(now: dict[str, Step], left_out: frozenset[str]) -> None:
    """Task and result of a run whose outermost step does not hold them, from its model calls."""
    calls: dict[str, list[Step]] = {}
    for call in _calls(now, left_out):
        calls.setdefault(call.run_id, []).append(call)
    for run_id, asked in calls.items():
        inside = [s for s in now.values() if s.run_id == run_id and s.span_id not in left_out]
        head = min(inside, key=_outermost)
        if head.kind not in ("agent", "other"):
            continue
        if head.input is not None and head.output is not None:
            continue
        task, result = history.task_of(asked[0]), history.answer_of(asked[-1])
        now[head.span_id] = replace(
            head,
            input=task if head.input is None else head.input,
            output=result if head.output is None and head.status == "ok" else head.output,
        )


def _outermost(step: Step) -> tuple[int, int]:
    """The view ``runs`` takes the same step: agents first, then roots, of these the earliest."""
    rank = 0 if step.kind == "agent" else 1 if step.parent_span_id is None else 2
    return rank, step.start_ns


def _fill_tools(now: dict[str, Step], left_out: frozenset[str]) -> None:
    """Arguments and results that a tool's record leaves out and its model calls tell."""
    calls = _calls(now, left_out)
    following = {call.span_id: after for call, after in history.next_requests(calls)}
    asked: dict[str, list[Step]] = {}
    for call in calls:
        for call_id in history.asked_ids(call):
            asked.setdefault(call_id, []).append(call)
    for step in list(now.values()):
        before = asked.get(step.tool_call_id or "", ()) if step.kind == "tool_call" else ()
        asker = next((c for c in reversed(before) if c.start_ns <= step.start_ns), None)
        if asker is None or step.span_id in left_out:
            continue
        if changes := history.told_of(step, asker, following.get(asker.span_id)):
            now[step.span_id] = replace(step, **changes)


def _infer_tools(now: dict[str, Step], left_out: frozenset[str]) -> list[Step]:
    tools = [
        step
        for step in now.values()
        if step.kind == "tool_call" and step.span_id not in left_out and step.tool_call_id
    ]
    added: list[Step] = []
    for call, following in history.next_requests(_calls(now, left_out)):
        recorded = {
            tool.tool_call_id or ""
            for tool in tools
            if call.start_ns <= tool.start_ns and _began_before(tool, following)
        }
        added += history.inferred_tools(call, following, recorded)
    return added


def _began_before(tool: Step, following: Step) -> bool:
    return following.end_ns is None or tool.start_ns <= following.end_ns
