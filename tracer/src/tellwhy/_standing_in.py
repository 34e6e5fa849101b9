"""Who stands in for tools, models and chance in this process: a replay, or nobody.

The tracer asks here and knows nothing else of replays.
"""

from __future__ import annotations

from typing import Any, Protocol


class ReplayDiverged(BaseException):
    """The program asked for something that the recording does not hold; nothing was done.

    Not an `Exception`: SDKs try again, frameworks hand the words of an exception to the model and
    agents go on without the answer. All of that would hide where the replay left its recording, and
    what came after would be told by nobody. `KeyboardInterrupt` passes for the same reason.
    """


class StandIn(Protocol):
    """What is called instead of one tool."""

    def call(self) -> Any:
        """What the tool gave, or raised."""
        ...

    def items(self) -> list[Any]:
        """What the tool yielded."""
        ...


class Replay(Protocol):
    """The part of a replay that the tracer needs."""

    is_live: bool
    """Whether models are asked and tools run by now."""

    @property
    def run_id(self) -> str:
        """The recorded run."""
        ...

    @property
    def branch(self) -> str:
        """JSON text of where and how this run leaves the recorded one."""
        ...

    def stand_in(
        self, name: str, arguments: str | None, effect: str | None, *, is_block: bool
    ) -> StandIn | None:
        """What is called instead of a tool; None lets it run.

        Args:
            name: The tool's name.
            arguments: JSON text of its arguments, as they are recorded.
            effect: What it does to the world, as its author said.
            is_block: It is a ``with`` block, whose body cannot be left out.
        """
        ...

    def decided(self, chosen: str, messages: str) -> None:
        """A model call has ended: JSON texts of its actions and of its answer."""
        ...

    def refused(self, address: str) -> ReplayDiverged:
        """The program wants to reach *address*: what to raise."""
        ...

    def declared(self, agent: str, kind: str) -> Any:
        """The next recorded value of *kind* that *agent* asked for; None when there is none."""
        ...


class _Held:
    replay: Replay | None = None


def current() -> Replay | None:
    """The replay that this process is, if it is one."""
    return _Held.replay


def answers_for_tools() -> bool:
    """Whether tools give what they gave, so that nobody need be asked whether they may run."""
    return _Held.replay is not None and not _Held.replay.is_live


def put(replay: Replay | None) -> None:
    """Begin, or end, to be a replay."""
    _Held.replay = replay
