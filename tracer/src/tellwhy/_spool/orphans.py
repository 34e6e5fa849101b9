"""What dead processes left in the spool: sent by whoever finds it, then removed.

Also read by `tellwhy serve --adopt`, in a reader of its own: the rooms share the format, no code.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tellwhy._spool import spans
from tellwhy._spool.folder import CARD, Folder
from tellwhy._spool.reader import Chunk, Damaged, ended_spans, window
from tellwhy._spool.records import CARRIER, CLOSING, MAGIC, START, Record

KILLED = "killed"
"""How a process ended that said nothing."""


class LeftSegment:
    """A segment of a dead process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = int(path.stem)
        self.size = path.stat().st_size

    def read(self, offset: int, size: int) -> bytes:
        """Up to *size* bytes from *offset*."""
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(size)


class Orphan:
    """The folder of a dead process, whose lock this process holds."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.card = folder.card
        self.carriers: dict[int, bytes] = {}
        self.sequence: int | None = None
        """The last sequence number that is known; None when nothing tells."""
        self._starts: dict[bytes, bytes] = {}
        self._closing: dict[str, Any] | None = None
        paths = sorted(folder.path.glob("*.seg"), key=lambda path: path.name)
        self._segments = [LeftSegment(path) for path in paths if path.stem.isdigit()]
        changed = [path.stat().st_mtime_ns for path in (*paths, folder.path / CARD)]
        self.last_ns = max(changed, default=0)
        """The last time at which the process was known to live."""

    def chunks(self, max_spans: int, max_bytes: int) -> Iterator[Chunk]:
        """Ended spans that had not arrived. Read all of them before `lost` and `reason`."""
        shipped = self.folder.shipped()
        for segment in self._segments:
            offset = len(MAGIC)
            if segment.read(0, offset) != MAGIC:
                continue
            while offset < segment.size:
                try:
                    records = window(segment, offset, segment.size)
                except Damaged:  # torn where the process died
                    break
                offset = records[-1].end
                self._look_at(records)
                records = [each for each in records if (segment.number, each.end) > shipped]
                while records:
                    payloads, end = ended_spans(records, max_spans, max_bytes)
                    records = [each for each in records if each.end > end]
                    if payloads:
                        yield Chunk(payloads, self.carriers, segment, end)

    @property
    def number(self) -> int:
        """That of the last segment; 0 when there is none."""
        return self._segments[-1].number if self._segments else 0

    def look_at_end(self) -> None:
        """Read no more than tells `reason`, `sequence` and some carriers: the end, backwards."""
        closing = None
        for segment in reversed(self._segments):
            offset = len(MAGIC)
            with contextlib.suppress(Damaged):
                while offset < segment.size:
                    records = window(segment, offset, segment.size)
                    offset = records[-1].end
                    self._look_at(records)
            closing = closing or self._closing
            if self.sequence is not None and self.carriers:
                break
        self._closing = closing

    def settle(self, chunk: Chunk) -> None:
        """What *chunk* holds has arrived or was given up."""
        self.folder.acknowledge(chunk.segment.number, chunk.end)

    @property
    def reason(self) -> str:
        """How the process ended."""
        return str(self._closing.get("reason") or KILLED) if self._closing is not None else KILLED

    def lost(self) -> list[tuple[int, bytes]]:
        """Carrier number and final message of each span that had not ended."""
        found = [spans.started(payload) for payload in self._starts.values()]
        reason, at_ns = self.reason, self.last_ns
        return [(carrier, spans.lost(message, reason, at_ns)) for carrier, message in found]

    def _look_at(self, records: list[Record]) -> None:
        for each in records:
            if each.kind == CARRIER:
                self.carriers[spans.carrier_number(each.payload)] = each.payload
            elif each.kind == CLOSING:
                self._closing = json.loads(each.payload)
                self.sequence = self._closing.get("sequence") or self.sequence
            else:
                self._closing = None  # it went on after all
                self._look_at_span(each)

    def _look_at_span(self, each: Record) -> None:
        if each.kind == START:
            _, message = spans.started(each.payload)
            self._starts[spans.key_of(message)] = each.payload
        else:
            _, self.sequence, message = spans.ended(each.payload)
            self._starts.pop(spans.key_of(message), None)
