"""What temporalio's own OpenTelemetry interceptor tells beside ours, of the same workflow. Pure.

Both name the run of a workflow (`Step.turn_id`) and the type of an activity or the name of a signal;
neither knows the spans of the other. Ours knows arguments, results and attempts, so it is kept.
"""

from collections.abc import Iterator

from tellwhy_collector.reconstruct.tree import Tree
from tellwhy_collector.records import Step

OF_RUNS = ("RunWorkflow", "CompleteWorkflow")
OF_ACTIVITIES = ("StartActivity", "RunActivity")
OF_ARRIVALS = ("HandleSignal", "HandleUpdate", "ValidateUpdate")

Key = tuple[str, str, str]
"""Run of a workflow, sort of step, and what it is called there."""


def told_twice(tree: Tree) -> Iterator[tuple[Step, Step]]:
    """Steps of temporalio's interceptor, each with ours that tells the same.

    Attempts of one activity, and activities of one type, are told apart by their times.
    """
    ours: dict[Key, list[Step]] = {}
    for step in tree.steps:
        if step.dialect == "native" and step.turn_id is not None:
            ours.setdefault(_key_of_ours(step), []).append(step)
    if not ours:
        return
    taken: set[tuple[str, str]] = set()
    for step in tree.steps:
        if step.dialect != "temporal" or step.turn_id is None:
            continue
        event, _, name = step.name.partition(":")
        same = ours.get((step.turn_id, _sort_of(event), "" if event in OF_RUNS else name), [])
        free = [one for one in same if (event, one.span_id) not in taken] or same
        if free:
            nearest = min((abs(_when(one) - _when(step)), at) for at, one in enumerate(free))
            whole = free[nearest[1]]
            if event not in OF_RUNS:
                taken.add((event, whole.span_id))
            yield step, whole


def _key_of_ours(step: Step) -> Key:
    name = step.name.partition(" ")[2]
    if step.kind == "agent":
        return step.turn_id or "", "run", ""
    if step.operation in ("activity", "execute_tool"):
        return step.turn_id or "", "activity", step.tool_name or name
    return step.turn_id or "", "arrival", name


def _sort_of(event: str) -> str:
    if event in OF_RUNS:
        return "run"
    return "activity" if event in OF_ACTIVITIES else "arrival" if event in OF_ARRIVALS else ""


def _when(step: Step) -> int:
    """An answer is told from the question on, and arrived at its end."""
    return step.end_ns or step.start_ns if step.kind == "human" else step.start_ns
