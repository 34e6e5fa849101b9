"""Which requests are stored already, byte for byte: a sender that lost our answer sends again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import duckdb

from tellwhy_collector.decode import Signal
from tellwhy_collector.ingest.nouns import Batch, Outcome

LIMIT = 100_000
"""Requests kept in memory, about 20 MB. Retries come within minutes."""

_NAMES = (
    "body_hash",
    "signal",
    "body_bytes",
    "records",
    "rejected",
    "duplicates",
    "repeated_keys",
    "message",
)
_INSERT = (
    "INSERT INTO ingest_requests BY NAME SELECT "
    + ", ".join(f"unnest(?) AS {name}" for name in _NAMES)
    + ", ? AS received_at"
)
"""Lists as parameters: an Arrow table costs five times as much for a few rows."""


def body_hash(signal: Signal, body: bytes) -> str:
    """32 hexadecimal characters that stand for *body*, sent to *signal*'s address."""
    digest = hashlib.sha256(body)
    digest.update(signal.encode())
    return digest.hexdigest()[:32]


class Ledger:
    """The outcomes of recent requests by body hash. Not for two threads."""

    def __init__(self, remember_s: int) -> None:
        self._remember = timedelta(seconds=remember_s)
        self._known: dict[str, Outcome] = {}

    def load(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Remember what the table holds of the recent past."""
        rows = cursor.execute(
            "SELECT body_hash, rejected, message FROM ingest_requests WHERE received_at >= ? "
            "ORDER BY received_at DESC LIMIT ?",
            [self._oldest(), LIMIT],
        ).fetchall()
        for digest, rejected, message in reversed(rows):
            self._known[digest] = Outcome(rejected, message)

    def known(self, digest: str) -> Outcome | None:
        """What the same request was told when it was stored; None when it is new."""
        return self._known.get(digest)

    def add(self, batches: Sequence[Batch]) -> None:
        """Take over committed requests; forget the oldest beyond the limit."""
        for batch in batches:
            self._known[batch.body_hash] = batch.outcome()
        while len(self._known) > LIMIT:
            del self._known[next(iter(self._known))]

    def write(
        self,
        cursor: duckdb.DuckDBPyConnection,
        batches: Sequence[Batch],
        duplicates: Sequence[int],
        received: datetime,
    ) -> None:
        """Put requests into the table, inside the transaction that stores their records."""
        rows = [
            (
                batch.body_hash,
                batch.signal,
                batch.body_bytes,
                batch.records,
                batch.rejected,
                repeated,
                batch.repeated_keys,
                batch.outcome().message,
            )
            for batch, repeated in zip(batches, duplicates, strict=True)
        ]
        columns = [list(column) for column in zip(*rows, strict=True)]
        cursor.execute(_INSERT, [*columns, received])

    def trim(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Delete rows that are older than what a retry can be."""
        cursor.execute("DELETE FROM ingest_requests WHERE received_at < ?", [self._oldest()])

    def _oldest(self) -> datetime:
        return datetime.now(UTC).replace(tzinfo=None) - self._remember
