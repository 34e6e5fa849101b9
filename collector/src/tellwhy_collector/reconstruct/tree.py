"""The steps of one trace as a tree, for rules that look at what stands above and beside a step."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from tellwhy_collector.records import Step

SLACK_NS = 5_000_000
"""Two clocks of one process that round to milliseconds differ by less."""

MAX_DEPTH = 200
"""So far up a step looks; deeper traces are recursion, and their tree is not walked to the top."""

WRAPPER_DEPTH = 16
"""So far apart the span of a framework and that of the client inside it may be."""


class Tree:
    """Steps of one trace by id and by parent. Broken and circular parents do no harm."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self.steps = sorted(steps, key=lambda step: (step.start_ns, step.span_id))
        self.by_id = {step.span_id: step for step in self.steps}
        self._below: Counter[tuple[str, str, str]] | None = None

    def above(self, step: Step) -> Iterator[Step]:
        """The steps above *step*, nearest first, at most `MAX_DEPTH`."""
        seen = {step.span_id}
        parent = step.parent_span_id
        while (
            parent is not None
            and parent not in seen
            and parent in self.by_id
            and len(seen) <= MAX_DEPTH
        ):
            seen.add(parent)
            yield self.by_id[parent]
            parent = self.by_id[parent].parent_span_id

    def count_below(self, upper: Step, kind: str, dialect: str) -> int:
        """How many steps of that kind and dialect stand anywhere under *upper*."""
        if self._below is None:
            self._below = Counter(
                (above.span_id, step.kind, step.dialect)
                for step in self.steps
                for above in self.above(step)
            )
        return self._below[upper.span_id, kind, dialect]

    def is_above(self, upper: Step, lower: Step) -> bool:
        """Whether *upper* stands above *lower*, at most `WRAPPER_DEPTH` up."""
        near = islice(self.above(lower), WRAPPER_DEPTH)
        return any(step.span_id == upper.span_id for step in near)


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
