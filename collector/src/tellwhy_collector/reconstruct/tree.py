"""The steps of one trace as a tree, for rules that look at what stands above and beside a step."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from tellwhy_collector.records import Step

SLACK_NS = 5_000_000
"""Two clocks of one process that round to milliseconds differ by less."""

MAX_DEPTH = 200
"""Steps above a step that are counted for; deeper traces are recursion."""


class Tree:
    """Steps of one trace by id and by parent. Broken and circular parents do no harm."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self.steps = sorted(steps, key=lambda step: (step.start_ns, step.span_id))
        self.by_id = {step.span_id: step for step in self.steps}
        self._below: Counter[tuple[str, str, str]] | None = None

    def above(self, step: Step) -> Iterator[Step]:
        """The steps above *step*, nearest first."""
        seen = {step.span_id}
        parent = step.parent_span_id
        while parent is not None and parent not in seen and parent in self.by_id:
            seen.add(parent)
            yield self.by_id[parent]
            parent = self.by_id[parent].parent_span_id

    def count_below(self, upper: Step, kind: str, dialect: str) -> int:
        """How many steps of that kind and dialect stand anywhere under *upper*."""
        if self._below is None:
            self._below = Counter(
                (above.span_id, step.kind, step.dialect)
                for step in self.steps
                for above in islice(self.above(step), MAX_DEPTH)
            )
        return self._below[upper.span_id, kind, dialect]

    def is_above(self, upper: Step, lower: Step) -> bool:
        """Whether *upper* stands anywhere above *lower*."""
        return any(step.span_id == upper.span_id for step in self.above(lower))


def overlap(one: Step, other: Step) -> bool:
    """Whether the two were under way at the same moment; a pending step still is."""
    return _before(one.start_ns, other.end_ns) and _before(other.start_ns, one.end_ns)


def _before(start_ns: int, end_ns: int | None) -> bool:
    return end_ns is None or start_ns <= end_ns + SLACK_NS


def same_times(one: Step, other: Step) -> bool:
    """Whether the two began and ended together, give or take a fifth of the longer."""
    if one.end_ns is None or other.end_ns is None:
        return abs(one.start_ns - other.start_ns) <= SLACK_NS
    longer = max(one.end_ns - one.start_ns, other.end_ns - other.start_ns)
    allowed = max(longer // 5, SLACK_NS)
    return (
        abs(one.start_ns - other.start_ns) <= allowed and abs(one.end_ns - other.end_ns) <= allowed
    )
