"""What waits for the writer, and what it answers."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field

from tellwhy_collector.decode import Signal
from tellwhy_collector.ingest.columns import Row
from tellwhy_collector.ingest.heartbeats import Heartbeat
from tellwhy_collector.ingest.marks import ENDED_RANK
from tellwhy_collector.ingest.recordings import Recorded
from tellwhy_collector.ingest.wholes import GoesOn


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one export request that is now on disk."""

    rejected: int = 0
    """Records that were refused; all others are stored."""
    message: str | None = None
    """Why; None when none were refused."""


def promise() -> Future[Outcome]:
    """A future that nobody can cancel: a caller that goes away does not stop the writer."""
    done: Future[Outcome] = Future()
    done.set_running_or_notify_cancel()
    return done


@dataclass(slots=True)
class Item:
    """One record, ready to be stored, and the step it was understood as."""

    row: Row
    """In the order of the signal's schema in `columns`."""
    step: Row | None = None
    """In the order of `columns.STEPS`; None when no dialect knows the record."""
    rank: int = ENDED_RANK
    """Of two records of one span the one of higher rank stays."""
    recorded: Recorded | None = None
    """What the span brings along for replays."""
    goes_on: GoesOn | None = None
    """Where the beginning of its request stands; None when it was told whole."""


@dataclass(slots=True)
class Batch:
    """One export request on its way to the disk."""

    signal: Signal
    body_hash: str
    body_bytes: int
    items: list[Item] = field(default_factory=list)
    heartbeats: list[Heartbeat] = field(default_factory=list)
    """Log records that go into no table of their own."""
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)
    repeated_keys: int = 0
    done: Future[Outcome] = field(default_factory=promise)

    @property
    def records(self) -> int:
        """How many records are to be stored."""
        return len(self.items) + len(self.heartbeats)

    def outcome(self) -> Outcome:
        """What the sender is told once this is committed."""
        if not self.rejected:
            return Outcome()
        message = " ".join(self.reasons)
        if self.rejected > len(self.reasons):
            message += f" And {self.rejected - len(self.reasons)} more."
        return Outcome(self.rejected, message)
