"""Which choice of which model call a tool ran for, where its record names no call id. Pure.

CrewAI, LlamaIndex, the OpenAI Agents SDK and smolagents record tools without the id that the model
gave to the call. Name and arguments tell, in the order of the calls.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from tellwhy_collector.reconstruct.agreeing import same_name
from tellwhy_collector.reconstruct.tree import Tree
from tellwhy_collector.records import Step

LOOK_BACK = 32
"""So many model calls before a tool are looked at for the one that asked."""


def call_ids(tree: Tree, left_out: frozenset[str]) -> Iterator[tuple[Step, str]]:
    """Tool calls and waits without a call id, each with the id of the choice it ran for.

    A choice is taken once; a wait for an approval takes none, the tool that runs after it does.
    """
    steps = [step for step in tree.steps if step.span_id not in left_out]
    known = frozenset(s.tool_call_id for s in steps if s.kind == "tool_call" and s.tool_call_id)
    asking = [s for s in steps if s.kind == "model_call" and s.chosen]
    taken: set[tuple[str, str]] = set()
    for step in steps:
        if step.kind not in ("tool_call", "human") or step.tool_call_id:
            continue
        if not step.tool_name:
            if (only := _only_open(step, steps, asking, taken)) is not None:
                yield step, only
            continue
        until = bisect_right(asking, step.start_ns, key=lambda call: call.start_ns)
        before = asking[max(0, until - LOOK_BACK) : until]
        # The tool that an approval is about may be recorded with its id.
        recorded = known if step.kind == "tool_call" else frozenset()
        found = _find(step, before, taken, recorded, same_arguments=True) or _find(
            step, before, taken, recorded, same_arguments=False
        )
        if found is None:
            continue
        if step.kind == "tool_call":
            taken.add(found)
        yield step, found[1]


def _only_open(
    answer: Step, steps: list[Step], asking: list[Step], taken: set[tuple[str, str]]
) -> str | None:
    """What an answer that names no tool was about: the one choice that no tool had run for by then.

    Of the last model call before it; where several were open, nobody can say.
    """
    if answer.kind != "human" or answer.approval_decision not in ("approved", "denied"):
        return None
    answered_ns = answer.end_ns or answer.start_ns
    before = [call for call in asking if (call.end_ns or call.start_ns) <= answered_ns]
    if not before:
        return None
    ran = {s.tool_call_id for s in steps if s.kind == "tool_call" and s.start_ns < answered_ns}
    ran |= {call_id for _, call_id in taken}
    ids = [action.get("tool_call_id") for action in before[-1].chosen or ()]
    left = [call_id for call_id in ids if isinstance(call_id, str) and call_id not in ran]
    return left[0] if len(left) == 1 else None


def _find(
    step: Step,
    calls: list[Step],
    taken: set[tuple[str, str]],
    known: frozenset[str],
    *,
    same_arguments: bool,
) -> tuple[str, str] | None:
    """Span id of the model call and call id: of the latest call the first choice that fits."""
    for call in reversed(calls):
        for action in call.chosen:
            call_id = action.get("tool_call_id")
            if not isinstance(call_id, str) or call_id in known or (call.span_id, call_id) in taken:
                continue
            if not same_name(step.tool_name, action.get("name")):
                continue
            if not same_arguments or _equal(step.tool_arguments, action.get("arguments")):
                return call.span_id, call_id
    return None


def _equal(one: Any, other: Any) -> bool:
    """Whether all arguments that the model gave are those the tool got; it may get more."""
    if isinstance(one, dict) and isinstance(other, dict):
        return all(one.get(key) == value for key, value in other.items())
    return bool(one == other)
