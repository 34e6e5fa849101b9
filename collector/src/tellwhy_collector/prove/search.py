"""What a choice depended on: which items, left out, make the model choose otherwise. Pure.

Kinds first, then halves of those that matter, down to single items; where a group matters and neither
half does, the smallest set inside is looked for (either of two items was enough) with a few draws for
each step, and confirmed with draws of its own. Every arm stops as soon as it is clear.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from tellwhy_collector.prove.sampling import NONE, Count, e_value, odds_of_nothing, wilson
from tellwhy_collector.prove.tree import CONTROL, Left, Node, planted, size

Verdict = Literal["cause", "no_change_seen", "unclear", "refused"]
"""Of one arm. ``refused``: the provider does not take the request without these items."""

ERROR_RATE = 0.05
"""Of all that is said of one decision together: how often a cause may be named that is none."""

SPENT_ON_SETS = 0.2
"""Part of it for the set that is confirmed at the end."""

FIRST_DRAWS = 4
"""Pairs before an arm may be called clear."""

STEP_DRAWS = 2
"""Pairs between two looks."""

FUTILE = 20.0
"""So many times likelier is "nothing changes" when an arm stops without a finding."""

HINT = 150.0
"""So many times likelier one of two answers is when the look for a set goes on; the set is confirmed."""

HINT_DRAWS = 2
"""Fewer never tell, because no rate is taken to be above 0.9 or below 0.1."""

STEADY_DRAWS = 8
"""Draws of the recorded request before anything is left out."""


class Spent(Exception):  # noqa: N818 - says what happened
    """No call is left, or no money."""


class Draw(Protocol):
    """Asks the model again."""

    def __call__(self, wanted: Sequence[tuple[Left, int]]) -> list[bool | None]:
        """Whether the choice was the same, for each wanted draw; None: the request was refused.

        Args:
            wanted: Items that are left out, and a stage: draws of different stages are never shared.

        Raises:
            Spent: Nothing more may be asked. What had been answered is lost to the search alone.
        """
        ...


@dataclass(slots=True)
class Arm:
    """One set of items, left out."""

    left: Left
    stage: int = 0
    """0: groups and items; 2: a set, confirmed. Draws of stage 1 only led to that set."""
    verdict: Verdict = "unclear"
    count: Count = NONE
    control: Count = NONE
    """The draws of the control arm that it was compared with."""
    e_value: float = 0.0
    """The highest that was reached."""

    @property
    def flips(self) -> bool:
        """Whether another choice is made more often than this one."""
        return self.verdict == "cause" and self.count.rate < 0.5 < self.control.rate


@dataclass(slots=True)
class Found:
    """What the draws have shown."""

    arms: dict[Left, Arm] = field(default_factory=dict)
    control: Count = NONE
    hypotheses: int = 0
    """How many sets may have been called a cause."""
    smallest: Arm | None = None
    """The smallest set without which the model chooses otherwise; confirmed."""
    unsteady: bool = False
    """The model seldom makes this choice, with the very same request."""
    ended: bool = False
    """Money or calls ran out."""

    def causes(self) -> list[Arm]:
        """Single items without which the choice is made less often, the greatest change first."""
        found = [arm for arm in self.arms.values() if arm.verdict == "cause" and len(arm.left) == 1]
        return sorted(found, key=lambda arm: (arm.count.rate - arm.control.rate, min(arm.left)))


class Search:
    """One search; `run` it once."""

    def __init__(self, kinds: Sequence[str], draw: Draw, *, samples: int) -> None:
        """Prepare a search.

        Args:
            kinds: Of each item; items of one kind are left out together first.
            draw: Asks the model.
            samples: Most pairs of one arm.
        """
        self.found = Found()
        self._roots = planted(kinds)
        self._draw = draw
        self._samples = samples
        self._draws: dict[tuple[Left, int], list[bool]] = defaultdict(list)
        self._refused: set[Left] = set()

    def run(self) -> Found:
        """Ask until it is clear what the choice depended on, or nothing may be asked any more."""
        found = self.found
        found.hypotheses = size(self._roots)
        try:
            self._take([(CONTROL, 0)] * STEADY_DRAWS)
            control = self._count(CONTROL, 0)
            found.unsteady = not control.n or wilson(control).high < 0.5
            if self._roots and not found.unsteady:
                self._descend()
        except Spent:
            found.ended = True
        found.control = self._count(CONTROL, 0)
        return found

    def _descend(self) -> None:
        needed = evidence_needed(self.found.hypotheses)
        level, stuck = list(self._roots), list[Node]()
        self._compare([node.left for node in level], needed)
        if not any(self._matters(node) for node in level) and len(level) > 1:
            everything = Node(frozenset().union(*(node.left for node in level)), tuple(level))
            self._compare([everything.left], needed)
            stuck += [everything] if self._matters(everything) else []
        while level:
            wide = [node for node in level if self._matters(node) and node.children]
            level = [child for node in wide for child in node.children]
            self._compare([node.left for node in level], needed)
            stuck += [node for node in wide if not any(map(self._matters, node.children))]
        self._settle(stuck)

    def _settle(self, stuck: Sequence[Node]) -> None:
        """Name the smallest set that flips."""
        single = [arm for arm in self.found.causes() if arm.flips]
        if single:
            self.found.smallest = single[0]
        elif stuck:
            self._smallest(max(stuck, key=lambda node: self.found.arms[node.left].e_value))

    def _matters(self, node: Node) -> bool:
        arm = self.found.arms.get(node.left)
        return arm is not None and arm.verdict == "cause"

    def _smallest(self, node: Node) -> None:
        """The smallest set inside a group that matters and of which no half does."""
        like, units = self.found.arms[node.left], [child.left for child in node.children]
        while len(units) > 1 or len(units[0]) > 1:
            small = self._needed(CONTROL, units, like, asked=False)
            if all(len(unit) == 1 for unit in small):
                units = small
                break
            # Go on with halves of the groups that are needed.
            units = [half for unit in small for half in _halves(unit)]
        whole = frozenset().union(*units)
        if len(whole) > 1:
            sure = 1 / (ERROR_RATE * SPENT_ON_SETS)
            self._compare([whole], sure, stage=2)

    def _needed(self, base: Left, units: list[Left], like: Arm, *, asked: bool) -> list[Left]:
        """The smallest choice of *units* that together with *base* does what *like* did (QuickXplain).

        Source: Junker, AAAI 2004.
        """
        if asked and self._flips(base, like):
            return []
        if len(units) == 1:
            return units
        middle = (len(units) + 1) // 2
        one, other = units[:middle], units[middle:]
        second = self._needed(base.union(*one), other, like, asked=True)
        first = self._needed(base.union(*second), one, like, asked=bool(second))
        return [*first, *second]

    def _flips(self, left: Left, like: Arm) -> bool:
        """Whether leaving *left* out does what leaving out *like* does, or as good as nothing.

        More items do what fewer do, as far as is known: what some arm told of a part or of the whole
        is not asked again.
        """
        arms = self.found.arms.values()
        if any(arm.verdict == "cause" and arm.left <= left for arm in arms):
            return True
        if any(arm.verdict == "no_change_seen" and arm.left >= left for arm in arms):
            return False
        return self._hinted(left, like)

    def _hinted(self, left: Left, like: Arm) -> bool:
        """Ask until one of two known rates is much likelier than the other.

        Only *left* is drawn: both rates have been drawn before, and no claim rests on this.
        Source: Wald, Ann. Math. Stat. 16 (1945).
        """
        kept, lost = smoothed(like.control), smoothed(like.count)
        odds = 1.0
        for at in range(self._samples):
            self._fill([left], max(at + 1, HINT_DRAWS), 1)
            if left in self._refused:
                return False
            same = self._draws[left, 1][at]
            odds *= kept / lost if same else (1 - kept) / (1 - lost)
            if not 1 / HINT < odds < HINT:
                break
        return odds <= 1 / HINT

    def _compare(self, lefts: Sequence[Left], needed: float, stage: int = 0) -> list[Arm]:
        """Draw from each until it is clear."""
        arms = [Arm(left, stage) for left in lefts]
        if stage == 0:
            self.found.arms |= {arm.left: arm for arm in arms}
        elif stage == 2:
            self.found.smallest = arms[0]
        # Sets that are looked at because of earlier draws are compared with new ones.
        open_, pairs = arms, 0
        while open_ and pairs < self._samples:
            pairs += FIRST_DRAWS if not pairs else STEP_DRAWS
            pairs = min(pairs, self._samples)
            self._fill([CONTROL, *(arm.left for arm in open_)], pairs, stage)
            if CONTROL in self._refused:
                raise Spent  # what is not taken as it was recorded cannot be compared with
            for arm in open_:
                self._judge(arm, pairs, needed, stage)
            open_ = [arm for arm in open_ if arm.verdict == "unclear" and not self._clear(arm)]
        for arm in arms:
            if arm.verdict == "unclear" and self._clear(arm):
                arm.verdict = "no_change_seen"
        return arms

    def _judge(self, arm: Arm, pairs: int, needed: float, stage: int) -> None:
        if arm.left in self._refused:
            arm.verdict = "refused"
            return
        arm.control = self._count(CONTROL, stage, pairs)
        arm.count = self._count(arm.left, stage, pairs)
        arm.e_value = max(arm.e_value, e_value(arm.control, arm.count))
        if arm.e_value >= needed:
            arm.verdict = "cause"

    def _clear(self, arm: Arm) -> bool:
        return odds_of_nothing(arm.control, arm.count) >= FUTILE

    def _fill(self, lefts: Sequence[Left], pairs: int, stage: int) -> None:
        wanted = []
        for left in lefts:
            missing = pairs - len(self._draws[left, stage])
            wanted += [(left, stage)] * missing
        self._take(wanted)

    def _take(self, wanted: Sequence[tuple[Left, int]]) -> None:
        for (left, stage), same in zip(wanted, self._draw(wanted) if wanted else [], strict=True):
            if same is None:
                self._refused.add(left)
            else:
                self._draws[left, stage].append(same)

    def _count(self, left: Left, stage: int, pairs: int | None = None) -> Count:
        drawn = self._draws[left, stage][:pairs]
        return Count(sum(drawn), len(drawn))


def smoothed(count: Count) -> float:
    """The rate that further draws are reckoned with: few draws are no certainty."""
    return min(0.9, max(0.1, (count.same + 0.5) / (count.n + 1)))


def evidence_needed(hypotheses: int) -> float:
    """The evidence that one of so many sets needs to be called a cause."""
    return hypotheses / (ERROR_RATE * (1 - SPENT_ON_SETS))


def _halves(unit: Left) -> list[Left]:
    ordered = sorted(unit)
    if len(ordered) == 1:
        return [unit]
    middle = (len(ordered) + 1) // 2
    return [frozenset(ordered[:middle]), frozenset(ordered[middle:])]
