"""Checked by mypy --strict in test_typing.py: decorators keep what they decorate."""

from collections.abc import AsyncIterator, Iterator
from typing import assert_type

import tellwhy


@tellwhy.agent
def plain(question: str, *, depth: int = 1) -> list[str]:
    """Bare."""
    return [question] * depth


@tellwhy.agent(name="x", version="1", conversation_id=lambda question: question)
async def later(question: str) -> int:
    """With arguments, async."""
    return len(question)


@tellwhy.tool(effect="read")
def items(count: int) -> Iterator[int]:
    """Generator."""
    yield from range(count)


@tellwhy.tool("aitems")
async def aitems(count: int) -> AsyncIterator[int]:
    """Async generator."""
    for each in range(count):
        yield each


class Shop:
    """Methods."""

    @tellwhy.tool
    def sell(self, what: str) -> float:
        """Plain method."""
        return float(len(what))

    @classmethod
    @tellwhy.tool
    def open(cls, where: str) -> "Shop":
        """Class method."""
        return cls()

    @tellwhy.tool(effect="write")
    @staticmethod
    def close(when: int) -> bool:
        """Static method, decorated from outside."""
        return when > 0


async def uses() -> None:
    """Types at the place of use."""
    assert_type(plain("a", depth=2), list[str])
    assert_type(await later("a"), int)
    assert_type(next(items(1)), int)
    async for each in aitems(1):
        assert_type(each, int)
    assert_type(Shop().sell("a"), float)
    assert_type(Shop.open("a"), Shop)
    assert_type(Shop.close(1), bool)
    assert_type(tellwhy.decide("x", options=[1, 2], chosen=1), int)
    with tellwhy.agent("a", arguments={"q": 1}) as run:
        assert_type(run, tellwhy.Step)
        assert_type(run.run_id, str | None)
    with tellwhy.approval("refund", arguments={"a": 1}) as ask:
        assert_type(ask, tellwhy.Approval)
        ask.approve(by="ana")


plain(1)  # type: ignore[arg-type]
plain("a", width=2)  # type: ignore[call-arg]
tellwhy.tool(effect="delete")  # type: ignore[call-overload]
