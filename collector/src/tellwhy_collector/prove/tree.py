"""The groups in which items are left out together: first all of a kind, then halves. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Left = frozenset[int]
"""Items that are left out, by their numbers; empty: the request as it was recorded."""

CONTROL: Left = frozenset()


@dataclass(frozen=True, slots=True)
class Node:
    """Items that are left out together."""

    left: Left
    children: tuple[Node, ...] = ()
    """Two halves; none for one item."""

    def walk(self) -> Iterator[Node]:
        """This node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


def grown(numbers: Sequence[int]) -> Node:
    """A tree over items that stand beside each other.

    Args:
        numbers: At least one.
    """
    if len(numbers) == 1:
        return Node(frozenset(numbers))
    middle = (len(numbers) + 1) // 2
    return Node(frozenset(numbers), (grown(numbers[:middle]), grown(numbers[middle:])))


def planted(kinds: Sequence[str]) -> list[Node]:
    """One tree for each kind, in the order in which kinds first appear.

    Args:
        kinds: Of each item.
    """
    return [
        grown([at for at, kind in enumerate(kinds) if kind == wanted])
        for wanted in dict.fromkeys(kinds)
    ]


def size(nodes: Sequence[Node]) -> int:
    """How many different sets may be left out: every node, and everything where there are several."""
    return sum(1 for node in nodes for _ in node.walk()) + (len(nodes) > 1)
