"""Which steps of one trace tell of the same call, and which of them is kept. Pure.

Two instrumentors that watch one client give two spans a call, and Claude Code gives a span and a
log event. Ids alone prove nothing: providers and scripts reuse them, so two steps are one call
only if they were under way at the same time, and if nothing that both state differs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import Any, NamedTuple

from tellwhy_collector.reconstruct.agreeing import choices, differ, same_arguments
from tellwhy_collector.reconstruct.reread import (
    TRANSCRIPT,
    asked_call,
    is_read_approval,
    is_read_count,
    is_read_failure,
    is_read_turn,
)
from tellwhy_collector.reconstruct.tree import SLACK_NS, WRAPPER_DEPTH, Tree, overlap, same_times
from tellwhy_collector.reconstruct.workflows import told_twice
from tellwhy_collector.records import Step


class Duplicate(NamedTuple):
    """A step that the views leave out."""

    span_id: str
    kept_span_id: str
    """The step that stands for both."""
    reason: str
    """``request_id``, ``response_id``, ``call_id``, ``nested``, ``same_times``, ``alike``,
    ``transcript``, ``rerun``, ``recorded`` (an inferred step that somebody recorded after all), ``event`` (a log event of the
    call) or ``part`` (no call of its own: it adds to one)."""


Rule = tuple[str, Callable[[Step, Step, Tree], bool]]


def duplicates_of(steps: Sequence[Step], calls: Mapping[str, str]) -> list[Duplicate]:
    """All duplicates and parts among the steps of one trace, by start.

    Args:
        steps: All steps of the trace.
        calls: Of log events the step that each adds to, by span id.
    """
    tree = Tree(steps)
    found: list[Duplicate] = []
    for kind, rules in _RULES.items():
        same_kind = [s for s in tree.steps if s.kind == kind and s.span_id not in calls]
        for group in _groups(same_kind, rules, tree):
            kept = max((step for step, _ in group), key=fullness)
            found += [Duplicate(s.span_id, kept.span_id, why) for s, why in group if s is not kept]
    gone = {duplicate.span_id: duplicate.kept_span_id for duplicate in found}
    found += [Duplicate(event, gone.get(call, call), "event") for event, call in calls.items()]
    gone |= calls
    for part, whole in _parts(tree):
        if part.span_id not in gone:
            kept_span_id = gone.get(whole.span_id, whole.span_id)
            found.append(Duplicate(part.span_id, kept_span_id, "part"))
    order = {step.span_id: place for place, step in enumerate(tree.steps)}
    return sorted(found, key=lambda duplicate: order[duplicate.span_id])


def fullness(step: Step) -> tuple[bool, bool, bool, bool, int]:
    """How much a step tells; the fullest of a group is kept.

    Recorded goes before inferred, what was told at the time before what was read in a transcript
    (whose times are those of its lines), ours before others (it alone knows run and agent), and a
    span before an event, whose start is only as exact as a duration in milliseconds.
    """
    told = sum(getattr(step, name) is not None for name in _TELLING)
    return (
        not step.inferred,
        step.dialect != TRANSCRIPT,
        step.dialect == "native",
        step.source == "span",
        told,
    )


_TELLING = (
    "output_messages",
    "input_messages",
    "tools_offered",
    "chosen",
    "response_id",
    "request_id",
    "input_tokens",
    "output_tokens",
    "finish_reason",
    "attempts",
    "stated_reason",
    "tool_arguments",
    "tool_result",
    "tool_call_id",
    "error_message",
)


def _groups(
    steps: list[Step], rules: tuple[Rule, ...], tree: Tree
) -> Iterator[list[tuple[Step, str]]]:
    """Steps that are one call, each with the reason by which it joined its group."""
    group_of: dict[str, list[tuple[Step, str]]] = {}
    for one, other in _neighbours(steps, lambda step: _call_of(step, tree)):
        reason = next((name for name, same in rules if same(one, other, tree)), None)
        if reason is None:
            continue
        left = group_of.setdefault(one.span_id, [(one, reason)])
        right = group_of.setdefault(other.span_id, [(other, reason)])
        if left is right or not _may_join(left, right, tree):
            continue
        left += right
        for step, _ in right:
            group_of[step.span_id] = left
    seen: set[int] = set()
    for group in group_of.values():
        if id(group) not in seen and len(group) > 1:
            seen.add(id(group))
            yield group


def _neighbours(steps: list[Step], key: Callable[[Step], Any]) -> Iterator[tuple[Step, Step]]:
    """Pairs worth looking at, the closest starts first for each; *steps* are sorted by start.

    Overlapping pairs, and steps with the same *key*, a call's id, or the same name and arguments that follow
    one another.
    """
    open_steps: list[Step] = []
    pairs: list[tuple[int, Step, Step]] = []
    for step in steps:
        open_steps = [other for other in open_steps if overlap(other, step)][-MAX_PARALLEL:]
        pairs += [(step.start_ns - other.start_ns, other, step) for other in open_steps]
        open_steps.append(step)
    pairs.sort(key=lambda pair: pair[0])
    yield from ((one, other) for _, one, other in pairs)
    yield from _in_turn(steps, key)
    yield from _in_turn(steps, lambda s: s.tool_name and (s.tool_name, str(s.tool_arguments)))


def _call_of(step: Step, tree: Tree) -> str | None:
    return asked_call(step, tree) if step.kind == "human" else step.tool_call_id


MAX_PARALLEL = 64
"""So many steps under way at once are compared with a new one; bounds the work of a trace."""


def _in_turn(steps: Iterable[Step], key: Callable[[Step], Any]) -> Iterator[tuple[Step, Step]]:
    by_key: dict[Any, list[Step]] = {}
    for step in steps:
        if (value := key(step)) is not None:
            by_key.setdefault(value, []).append(step)
    for same in by_key.values():
        yield from pairwise(same)


def _may_join(left: list[tuple[Step, str]], right: list[tuple[Step, str]], tree: Tree) -> bool:
    """Whether no two steps of the two groups contradict each other or are told by one teller."""
    return not any(
        differ(one, other) or not _two_tellers(one, other, tree)
        for one, _ in left
        for other, _ in right
    )


def _two_tellers(one: Step, other: Step, tree: Tree) -> bool:
    """Different instrumentations, or one inside the other: no instrumentor tells a call twice."""
    if (one.dialect, one.source) != (other.dialect, other.source):
        return True
    if _is_rerun(one, other, tree) or _recorded_after_all(one, other, tree):
        return True
    if _is_alike(one, other, tree):
        return True
    return tree.is_above(one, other) or tree.is_above(other, one)


def _by_id(name: str) -> Callable[[Step, Step, Tree], bool]:
    def same(one: Step, other: Step, tree: Tree) -> bool:
        value = getattr(one, name)
        if value is None or value != getattr(other, name) or not overlap(one, other):
            return False
        return _two_tellers(one, other, tree) and not differ(one, other)

    return same


def _is_nested(one: Step, other: Step, tree: Tree) -> bool:
    """One inside the other with no agent and no other call between, and the only one there."""
    for upper, lower in ((one, other), (other, one)):
        between = []
        for step in islice(tree.above(lower), WRAPPER_DEPTH):
            if step is upper:
                break
            between.append(step)
        else:
            continue
        if any(step.kind in ("agent", "model_call", "tool_call") for step in between):
            return False
        if differ(one, other):
            return False
        told_apart = one.dialect == other.dialect and one.tool_arguments != other.tool_arguments
        return not (told_apart and one.kind == "tool_call") and _only_one(upper, lower, tree)
    return False


def _only_one(upper: Step, lower: Step, tree: Tree) -> bool:
    """Whether *upper* holds no second call of the kind: a wrapper of several calls is none."""
    return tree.count_below(upper, lower.kind, lower.dialect) == 1


def _is_beside(one: Step, other: Step, _: Tree) -> bool:
    """Same parent, same times, told by two, nothing different.

    On a busy machine one teller may begin long before the other: then the same counts of tokens, the
    one inside the other's time, tell.
    """
    if (one.dialect, one.source) == (other.dialect, other.source):
        return False
    if one.parent_span_id != other.parent_span_id:
        return False
    if not same_times(one, other) and not _is_counted_alike(one, other):
        return False
    return not differ(one, other) and bool(one.kind == "model_call" or one.tool_name)


def _is_alike(one: Step, other: Step, _: Tree) -> bool:
    """Under way at the same time, told by different hands, and the same in what it says.

    Instrumentors of frameworks keep a tree of their own, so that their step of a call stands neither
    above, below nor beside that of another teller.
    """
    if differ(one, other) or not _by_different_hands(one, other):
        return False
    if not overlap(one, other):
        return False
    if one.kind == "model_call":
        chosen = choices(one)
        return bool(chosen) and chosen == choices(other)
    return bool(one.tool_name) and bool(other.tool_name) and same_arguments(one, other)


def _by_different_hands(one: Step, other: Step) -> bool:
    """Two dialects, or two instrumentors of one: that of a client names a call after the method, that
    of a framework after the class.
    """
    if one.dialect != other.dialect:
        return True
    if one.kind != "model_call" or one.dialect == "native" or one.name == other.name:
        return False
    return _lies_within(one, other) or _lies_within(other, one)


def _is_counted_alike(one: Step, other: Step) -> bool:
    counts = (one.input_tokens, one.output_tokens)
    if None in counts or counts != (other.input_tokens, other.output_tokens):
        return False
    return _lies_within(one, other) or _lies_within(other, one)


def _lies_within(inner: Step, outer: Step) -> bool:
    if inner.end_ns is None or outer.end_ns is None:
        return False
    return outer.start_ns - SLACK_NS <= inner.start_ns and inner.end_ns <= outer.end_ns + SLACK_NS


def _is_rerun(one: Step, other: Step, tree: Tree) -> bool:
    """A tool that was left without a result and ran again for the same request of the model.

    That is how LlamaIndex and the OpenAI Agents SDK wait for an approval. A model call that
    asked for the tool again in between makes it another call.
    """
    first, second = sorted((one, other), key=lambda step: step.start_ns)
    if one.kind != "tool_call" or first.status != "ok":
        return False
    if first.end_ns is None or first.end_ns > second.start_ns:
        return False
    if first.tool_result is not None or second.tool_result is None:
        return False
    if first.tool_name != second.tool_name or differ(first, second):
        return False
    if first.tool_arguments is None or first.tool_arguments != second.tool_arguments:
        return False
    return not any(
        step.kind == "model_call"
        and first.start_ns < step.start_ns < second.start_ns
        and any(action.get("name") == second.tool_name for action in step.chosen or ())
        for step in tree.steps
    )


def _recorded_after_all(one: Step, other: Step, tree: Tree) -> bool:
    """An inferred tool call that somebody recorded: the same id for the same model call."""
    if one.inferred == other.inferred or one.tool_call_id is None:
        return False
    if one.tool_call_id != other.tool_call_id or differ(one, other):
        return False
    inferred, recorded = (one, other) if one.inferred else (other, one)
    return _asked_by(inferred, tree) is _asked_by(recorded, tree)


def _asked_by(call: Step, tree: Tree) -> Step | None:
    """The last model call before *call* that chose its id."""
    found = None
    for step in tree.steps:
        if step.start_ns > call.start_ns:
            break
        if step.kind == "model_call" and any(
            action.get("tool_call_id") == call.tool_call_id for action in step.chosen or ()
        ):
            found = step
    return found


def _is_same_approval(one: Step, other: Step, _: Tree) -> bool:
    """The event of an approval hangs under the span of its wait."""
    return one.parent_span_id == other.span_id or other.parent_span_id == one.span_id


def _is_same_gate(one: Step, other: Step, _: Tree) -> bool:
    """Two tellers of one answer about one call, of which a rule's may be told when it has run."""
    if one.dialect == other.dialect or one.approval_decision != other.approval_decision:
        return False
    return one.tool_call_id is not None and one.tool_call_id == other.tool_call_id


_RULES: dict[str, tuple[Rule, ...]] = {
    "model_call": (
        ("request_id", _by_id("request_id")),
        ("response_id", _by_id("response_id")),
        ("nested", _is_nested),
        ("same_times", _is_beside),
        ("alike", _is_alike),
        ("transcript", is_read_count),
        ("transcript", is_read_failure),
    ),
    "tool_call": (
        ("recorded", _recorded_after_all),
        ("call_id", _by_id("tool_call_id")),
        ("nested", _is_nested),
        ("same_times", _is_beside),
        ("alike", _is_alike),
        ("rerun", _is_rerun),
    ),
    "human": (
        ("same_times", _is_same_approval),
        ("call_id", _is_same_gate),
        ("transcript", is_read_approval),
    ),
    "agent": (("transcript", is_read_turn),),
}
"""By kind, the strongest first. Agents are never merged, one inside the other are two, unless a
transcript tells of one."""


def _is_told_early(step: Step, above: Step) -> bool:
    """Logfire tells of a span at its start under another id, with the span itself as parent."""
    return step.status == "pending" and (step.dialect, step.name, step.start_ns) == (
        above.dialect,
        above.name,
        above.start_ns,
    )


def _parts(tree: Tree) -> Iterator[tuple[Step, Step]]:
    """Steps without a call of their own, each with the step that it adds to."""
    yield from told_twice(tree)
    by_request = {
        step.request_id: step
        for step in tree.steps
        if step.kind == "model_call" and step.request_id is not None
    }
    for step in tree.steps:
        above = tree.by_id.get(step.parent_span_id or "")
        if above is step:
            above = None
        if above is not None and _is_told_early(step, above):
            yield step, above
            continue
        if step.kind != "other":
            continue
        if step.source == "log" and step.request_id in by_request:
            yield step, by_request[step.request_id]
        elif above is None:
            continue
        elif step.source == "log":
            adds = step.input is not None or step.input_messages is not None
            if adds and above.kind in ("model_call", "agent"):
                yield step, above
        elif above.kind == "tool_call" and step.tool_call_id == above.tool_call_id is not None:
            yield step, above
