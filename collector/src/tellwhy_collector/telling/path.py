"""The way that a run took, in at most ten sentences, however long it was. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from tellwhy_collector.reconstruct.case import Decision
from tellwhy_collector.telling.chosen import choice_words, deed
from tellwhy_collector.telling.scene import Order, choice
from tellwhy_collector.telling.sentences import Sentence, fact
from tellwhy_collector.telling.wording import bare, listed, named, quoted, sentence, times

MOST = 10
"""Most sentences."""

ANSWER = 240
"""Most characters of the last answer."""

LEADS = ("After that", "Then", "Next")
"""How a sentence begins that is not the first and not the last."""

SHORT, FEW = 100, 4
"""Most characters of what is quoted of one call, and most of its arguments."""

CITED = 6
"""Most decisions that a summary cites."""


class Stretch(NamedTuple):
    """Decisions that one sentence tells of."""

    decisions: list[Decision]
    weight: int
    """How much a reader would miss it."""


def path_told(order: Order) -> Iterator[Sentence]:
    """What was done from the first decision to the last, in order."""
    stretches = _joined(_stretches(order))
    several = len({one.agent_name for one in order.decisions}) > 1
    for at, stretch in enumerate(stretches):
        if at == 0:
            lead = "First" if len(stretches) > 1 else ""
        else:
            lead = "At the end" if at == len(stretches) - 1 else LEADS[at % len(LEADS)]
        yield _told(order, stretch, lead, several=several)


def _stretches(order: Order) -> list[Stretch]:
    """Choices of one answer together, and the same call again and again together."""
    found: list[Stretch] = []
    for one in order.decisions:
        before = found[-1].decisions if found else None
        if before and (before[-1].span_id == one.span_id or _again(before[-1], one)):
            before.append(one)
            found[-1] = Stretch(before, max(found[-1].weight, _weight(order, one)))
        else:
            found.append(Stretch([one], _weight(order, one)))
    return found


def _again(before: Decision, one: Decision) -> bool:
    same = before.action == one.action == "tool_call" and before.chosen == one.chosen
    return same and before.agent_name == one.agent_name and before.outcome == one.outcome


def _weight(order: Order, one: Decision) -> int:
    """What a reader wants to see on its own: hand-offs, money, refusals, failures, the end."""
    if one is order.decisions[-1]:
        return 9
    if one.action in ("handoff", "refusal", "truncated") or one.outcome == "denied":
        return 5
    ran = order.steps.get(one.outcome_span_id or "")
    if one.approval_decision or (ran and ran.tool_effect == "irreversible"):
        return 4
    if one.outcome == "failed" or one.made_by == "code":
        return 3
    if ran and ran.tool_effect == "write":
        return 2
    return 1


def _joined(stretches: list[Stretch]) -> list[Stretch]:
    """At most `MOST`: neighbours of the least weight become one, the shortest pair first."""
    joined = list(stretches)
    while len(joined) > MOST:
        most = len(joined)
        # In rounds, so that thousands of stretches cost a few passes and not a search for each.
        costs = [_cost(one, other) for one, other in pairwise(joined)]
        limit = sorted(costs)[max(0, min(most - MOST, most // 3) - 1)]
        merged: list[Stretch] = []
        left = most - MOST
        for at, one in enumerate(joined):
            if merged and left and costs[at - 1] <= limit and not _grown(merged[-1], joined, at):
                before = merged.pop()
                merged.append(
                    Stretch(before.decisions + one.decisions, max(before.weight, one.weight))
                )
                left -= 1
            else:
                merged.append(one)
        joined = merged
    return joined


def _grown(last: Stretch, joined: Sequence[Stretch], at: int) -> bool:
    """Whether it has already been merged in this round."""
    return last is not joined[at - 1]


def _cost(one: Stretch, other: Stretch) -> tuple[int, int]:
    return max(one.weight, other.weight), len(one.decisions) + len(other.decisions)


def _told(order: Order, stretch: Stretch, lead: str, *, several: bool) -> Sentence:
    group = stretch.decisions
    cited = group if len(group) <= CITED else [*group[: CITED - 1], group[-1]]
    citations = [choice(one) for one in cited]
    who = _who(group[0], several=several)
    if len(group) == 1:
        text = _single(order, group[0], who)
    elif len({one.span_id for one in group}) == 1:
        text = f"{who} called {_calls(group, arguments=True)} at once"
    else:
        text = f"{who} {_summary(group)}"
    return fact("path", sentence(f"{lead} {text} ({_numbers(order, group)})".strip()), *citations)


def _numbers(order: Order, group: Sequence[Decision]) -> str:
    first, last = order.number(group[0]), order.number(group[-1])
    if first == last:
        return f"decision {first:,}"
    return f"decisions {first:,} {'and' if last == first + 1 else 'to'} {last:,}"


def _who(one: Decision, *, several: bool) -> str:
    """Whose choice it was, where a run has more agents than one."""
    return named(one.agent_name) if several and one.agent_name else "it"


def _single(order: Order, one: Decision, who: str) -> str:
    told = deed(one).removeprefix("it ").removeprefix("its answer ")
    if one.made_by == "code":
        return f"{deed(one)}{_result(one)}"
    if one.action == "truncated":
        return f"an answer of {who} was cut off"
    if one.action in ("answer", "refusal"):
        said = f": {quoted(one.answer_text, ANSWER)}" if one.answer_text else ""
        return f"{who} {told}{said}"
    again = " again" if _called_before(order, one) else ""
    return f"{who} {told}{again}{choice_words(one, SHORT, FEW)}{_result(one)}"


def _called_before(order: Order, one: Decision) -> bool:
    at = order.number(one) - 1
    before = order.decisions[at - 1] if at else None
    return before is not None and before.chosen == one.chosen and one.chosen is not None


def _result(one: Decision) -> str:
    who = f" by {bare(one.approver)}" if one.approver else ""
    return {
        "failed": ", which failed",
        "denied": f", which was denied{who}",
        "pending": ", which has not ended",
    }.get(one.outcome, f", approved{who}" if one.approval_decision == "approved" else "")


def _summary(group: Sequence[Decision]) -> str:
    """``called `search` 14 times (3 failed) and `read` twice, and answered once``."""
    calls = [one for one in group if one.action in ("tool_call", "route")]
    others = Counter(one.action for one in group if one.action not in ("tool_call", "route"))
    told = [f"called {_calls(calls)}"] if calls else []
    words = {"answer": "answered", "handoff": "handed over", "refusal": "refused"}
    told += [f"{words.get(name, 'was cut off')} {times(count)}" for name, count in others.items()]
    return " and ".join(told)


def _calls(group: Sequence[Decision], *, arguments: bool = False) -> str:
    counts = Counter(one.chosen for one in group)
    told = []
    for chosen, count in counts.items():
        mine = [one for one in group if one.chosen == chosen]
        words = named(chosen or "?")
        if count > 1:
            words += f" {times(count)}"
        elif arguments:
            words += choice_words(mine[0], SHORT, FEW)
        bad = [
            f"{'it' if count == 1 else n} {word}"
            for word in ("failed", "denied")
            if (n := sum(one.outcome == word for one in mine))
        ]
        if bad:
            words += f" ({listed(bad)})".replace("it denied", "denied").replace(
                "it failed", "failed"
            )
        told.append(words)
    return listed(told, 5)
