"""Two runs beside each other, decision by decision. Pure.

What both have at their beginning and at their end is put together first; between, decisions are
paired so that as much as possible is alike. What is left over on both sides and equal is paired as
well, and said to have moved: agents that work beside each other take turns by chance.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Literal, NamedTuple

from tellwhy_collector.reconstruct.canonical import canonical
from tellwhy_collector.records import noun

Change = Literal[
    "same", "answer_text", "arguments", "chosen", "action", "only_before", "only_after"
]
"""The first column of ``decisions`` that differs, from the weightiest on."""

MAX_CELLS = 1_000_000
"""Decisions of one run times those of the other, up to which every pairing is weighed."""

MAX_DIFFERENCES = 40
"""Differences of one pair that are told."""

_WEIGHT: Mapping[Change, float] = {
    "same": 10,
    "answer_text": 8,
    "arguments": 4,
    "chosen": 2.5,
    "action": 1,
}
_OTHER_AGENT = 0.1
"""Of its weight a pair keeps when two agents decided; one of the two may have been renamed."""


@noun
class Choice:
    """One decision of a run, as far as it is compared."""

    decision_id: str
    agent_name: str | None
    action: str
    chosen: str | None
    arguments: str | None
    """As canonical JSON."""
    answer_text: str | None
    saw: Mapping[str, str | None]
    """Part of what the model saw -> a digest of it; None where it was not recorded."""

    @property
    def key(self) -> str:
        """Equal for decisions that are the same."""
        return repr((self.agent_name, self.action, self.chosen, self.arguments, self.answer_text))


class Pair(NamedTuple):
    """One decision of the one run beside one of the other; None where there is none."""

    before: Choice | None
    after: Choice | None
    moved: bool = False
    """Whether they are the same and stand in another order."""

    @property
    def change(self) -> Change:
        """How the second differs from the first."""
        if self.before is None or self.after is None:
            return "only_after" if self.before is None else "only_before"
        return change_of(self.before, self.after)

    @property
    def saw(self) -> list[str]:
        """Parts of what the model saw that were others."""
        if self.before is None or self.after is None:
            return []
        one, other = self.before.saw, self.after.saw
        return [name for name in one if one[name] != other.get(name)]


def change_of(before: Choice, after: Choice) -> Change:
    """How the second of two decisions differs from the first."""
    if before.action != after.action:
        return "action"
    if before.chosen != after.chosen:
        return "chosen"
    if before.arguments != after.arguments:
        return "arguments"
    return "same" if before.answer_text == after.answer_text else "answer_text"


def aligned(before: Sequence[Choice], after: Sequence[Choice]) -> list[Pair]:
    """Decisions of two runs, each with the one that stands for it in the other run.

    Args:
        before: Of the one run, in their order.
        after: Of the other.

    Returns:
        Every decision of both once, in the order of *before*; those that only *after* has, behind
        what stood before them there.
    """
    old, new = [each.key for each in before], [each.key for each in after]
    head = next(
        (at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b),
        min(len(old), len(new)),
    )
    rest = min(len(old), len(new)) - head
    tail = next((at for at in range(rest) if old[-1 - at] != new[-1 - at]), rest)
    inner = before[head : len(old) - tail], after[head : len(new) - tail]
    middle = _with_moved(list(_paired(*inner)))
    same = list(map(Pair, before[:head], after[:head]))
    last = zip(before[len(old) - tail :], after[len(new) - tail :], strict=True)
    return [*same, *middle, *(Pair(*each) for each in last)]


def first_change(pairs: Sequence[Pair]) -> int | None:
    """The place of the first pair that is not the same; None when all are."""
    return next((at for at, each in enumerate(pairs) if each.change != "same"), None)


def _paired(before: Sequence[Choice], after: Sequence[Choice]) -> Iterator[Pair]:
    if not before or not after:
        yield from (Pair(each, None) for each in before)
        yield from (Pair(None, each) for each in after)
    elif len(before) * len(after) > MAX_CELLS:
        yield from _paired_by_blocks(before, after)
    else:
        yield from _paired_by_weight(before, after)


def _paired_by_weight(before: Sequence[Choice], after: Sequence[Choice]) -> Iterator[Pair]:
    """The pairing with the greatest sum of weights that keeps both orders.

    Source:
        Needleman and Wunsch, 1970; a decision without a partner weighs nothing.
    """
    rows, columns = len(before), len(after)
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    weights = [[_weight(one, other) for other in after] for one in before]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            together = best[i + 1][j + 1] + weights[i][j]
            best[i][j] = max(together, best[i + 1][j], best[i][j + 1])
    i = j = 0
    while i < rows and j < columns:
        if best[i][j] == best[i + 1][j + 1] + weights[i][j]:
            yield Pair(before[i], after[j])
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            yield Pair(before[i], None)
            i += 1
        else:
            yield Pair(None, after[j])
            j += 1
    yield from (Pair(each, None) for each in before[i:])
    yield from (Pair(None, each) for each in after[j:])


def _weight(one: Choice, other: Choice) -> float:
    weight = _WEIGHT[change_of(one, other)]
    return weight if one.agent_name == other.agent_name else weight * _OTHER_AGENT


def _paired_by_blocks(before: Sequence[Choice], after: Sequence[Choice]) -> Iterator[Pair]:
    """Of very long runs: equal stretches, and what stands between them in its order."""
    keys = [each.key for each in before], [each.key for each in after]
    for _, i, j, k, m in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        together = min(j - i, m - k)
        yield from map(Pair, before[i : i + together], after[k : k + together])
        yield from (Pair(each, None) for each in before[i + together : j])
        yield from (Pair(None, each) for each in after[k + together : m])


def _with_moved(pairs: list[Pair]) -> list[Pair]:
    """Put together what is left over on both sides and the same."""
    waiting: dict[str, deque[Choice]] = defaultdict(deque)
    for each in pairs:
        if each.before is None and each.after is not None:
            waiting[each.after.key].append(each.after)
    moved: set[str] = set()
    found = []
    for each in pairs:
        if each.after is None and each.before is not None and waiting[each.before.key]:
            other = waiting[each.before.key].popleft()
            moved.add(other.decision_id)
            found.append(Pair(each.before, other, moved=True))
        else:
            found.append(each)
    return [
        each
        for each in found
        if each.before is not None or (each.after and each.after.decision_id not in moved)
    ]


def differences(before: Any, after: Any) -> list[dict[str, Any]]:
    """Each difference of two JSON values: ``path``, and ``before`` and ``after`` where there is one."""
    found: list[dict[str, Any]] = []
    for each in _differences(before, after, "$"):
        if len(found) == MAX_DIFFERENCES:
            break
        found.append(each)
    return found


def _differences(before: Any, after: Any, path: str) -> Iterator[dict[str, Any]]:
    if canonical(before) == canonical(after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(name for name in after if name not in before)]:
            inside = f"{path}.{name}"
            if name not in after:
                yield {"path": inside, "before": before[name]}
            elif name not in before:
                yield {"path": inside, "after": after[name]}
            else:
                yield from _differences(before[name], after[name], inside)
    elif isinstance(before, list) and isinstance(after, list):
        for at, (one, other) in enumerate(zip(before, after, strict=False)):
            yield from _differences(one, other, f"{path}[{at}]")
        for at in range(len(after), len(before)):
            yield {"path": f"{path}[{at}]", "before": before[at]}
        for at in range(len(before), len(after)):
            yield {"path": f"{path}[{at}]", "after": after[at]}
    else:
        yield {"path": path, "before": before, "after": after}
