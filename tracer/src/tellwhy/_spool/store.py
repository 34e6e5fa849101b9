"""The segments of one process: where records go, in which order they leave, what is given up.

Segments leave from the front, and only when all that ended in them is settled and nothing that is
open began in them: so a start that is left on disk has its end behind it, if there was one.
Everything here is called with the journal's lock held.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from tellwhy._settings import Settings
from tellwhy._spool.folder import Card, Folder
from tellwhy._spool.reader import Chunk
from tellwhy._spool.records import CARRIER, END, MAGIC, record
from tellwhy._spool.segments import (
    MEMORY_SEGMENT_BYTES,
    SEGMENT_BYTES,
    FileSegment,
    MemorySegment,
    Segment,
)

DISK_PAUSE_S = 30.0
"""When the disk has failed it is tried again after so much time."""


class Store:
    """Segments on disk while that works, else in memory."""

    def __init__(
        self, settings: Settings, root: Path | None, card: Card, carry: Callable[[Segment], bool]
    ) -> None:
        self.segments: deque[Segment] = deque()
        self.folder: Folder | None = None
        self.waiting = 0
        """Ended spans that are not settled."""
        self.dropped = 0
        """Ended spans that had to make room, or found none."""
        self.disk_bytes = self.memory_bytes = 0
        self.position = (0, 0)
        """Number of a segment, and the offset in it up to which all is settled."""
        self.problem: OSError | None = None
        """Why the records go to memory, when they should not."""
        self.has_evicted = False
        self.is_back = False
        """The disk works again: what is open has to be written anew."""
        self._settings = settings
        self._root = root
        self._card = card
        self._carry = carry
        self._current: Segment | None = None
        self._number = 0
        self._disk_after = 0.0 if root is not None else float("inf")
        self._evicting = False
        self._file_bytes = min(SEGMENT_BYTES, max(settings.max_spool_bytes // 4, 4096))

    def append(self, kind: bytes, payload: bytes, number: int, carrier: bytes) -> Segment | None:
        """Write a record behind its carrier; None when there is no room for it.

        Starts are not kept in memory: they would be gone with the process that they tell of.
        """
        plain = record(kind, payload)
        while True:
            segment = self._current
            if (
                segment is None
                or segment.size + len(plain) > self._file_bytes
                or not segment.on_disk
            ):
                segment = self._segment_for(len(plain))
            known = number in segment.carriers
            data = plain if known else record(CARRIER, carrier) + plain
            if not segment.on_disk and (kind != END or not self._fits(len(data))):
                return None
            try:
                segment.append(data)
            except OSError as error:
                self._leave_disk(error)
                continue
            segment.carriers.add(number)
            if segment.on_disk:
                self.disk_bytes += len(data)
                if self.disk_bytes > self._settings.max_spool_bytes:
                    self._evict()
            else:
                self.memory_bytes += len(data)
            return segment

    def close_with(self, kind: bytes, payload: bytes) -> None:
        """Write a last record, if there is a folder for it; on a full disk, where the reserve was.

        It says how many spans there were, so that one which found no room shows as a gap.
        """
        if self.folder is None:
            return
        with contextlib.suppress(OSError):
            self._write_last(record(kind, payload))
            return
        self.folder.free_reserve()
        with contextlib.suppress(OSError):
            self._write_last(record(kind, payload))

    def _write_last(self, data: bytes) -> None:
        current = self._current
        if isinstance(current, FileSegment):
            current.append(data)
            return
        assert self.folder is not None
        self._number += 1
        last = FileSegment(self.folder.path, self._number, sync=False)
        last.append(data)
        last.retire()

    @property
    def waiting_in_memory(self) -> int:
        """Ended spans that are on no disk and have not arrived."""
        return sum(each.ended - each.acknowledged for each in self.segments if not each.on_disk)

    def unread(self) -> tuple[Segment, int, int] | None:
        """The segment to read next, from where and to where; None when all has been read."""
        number, offset = self.position
        for segment in self.segments:
            begin = offset if segment.number == number else len(MAGIC)
            if segment.number >= number and begin < segment.size:
                return segment, begin, segment.size
        return None

    def settle(self, chunk: Chunk) -> None:
        """What *chunk* holds has arrived or was given up."""
        segment = next((each for each in self.segments if each is chunk.segment), None)
        count = len(chunk.payloads)
        if segment is not None:
            segment.acknowledged += count
            self.waiting -= count
            self.position = (segment.number, chunk.end)
            if segment.on_disk and self.folder is not None:
                with contextlib.suppress(OSError):
                    self.folder.acknowledge(segment.number, chunk.end)
        else:  # it had to make room while it was on its way
            self.dropped -= count
        self.tidy()

    def give_up(self, segment: Segment) -> None:
        """The rest of *segment* cannot be read."""
        if segment is self._current:
            self._current = None
        self._remove(segment)

    def tidy(self) -> None:
        """Let go of the segments in front that nobody needs any more."""
        while self.segments:
            first, (number, offset) = self.segments[0], self.position
            is_read = first.number < number or (first.number == number and offset >= first.size)
            if not is_read or (first is self._current and first.on_disk):
                return
            if first.open_ids and not self._carry(first):
                return
            if first is self._current:
                self._current = None
            self._remove(first)

    def check_folder(self) -> None:
        """Begin anew when somebody has taken or deleted our folder."""
        if self.folder is None or self.folder.is_held():
            return
        self.folder.leave()
        self.folder = self._current = None
        for segment in [each for each in self.segments if each.on_disk]:
            self._remove(segment)
        self.is_back = True

    def remove(self) -> None:
        """Delete the folder: all in it is settled."""
        for segment in self.segments:
            segment.remove()
        self.segments.clear()
        self._current = None
        self.disk_bytes = self.memory_bytes = 0
        if self.folder is not None:
            self.folder.remove()
            self.folder = None

    def forget(self) -> None:
        """In a forked child: let go of the parent's files without touching them."""
        for segment in self.segments:
            segment.retire()
        if self.folder is not None:
            self.folder.leave()

    def _segment_for(self, size: int) -> Segment:
        current = self._current
        if current is not None and not current.on_disk and time.monotonic() >= self._disk_after:
            current = None  # try the disk again
        if current is not None:
            limit = self._file_bytes if current.on_disk else MEMORY_SEGMENT_BYTES
            if current.size + size <= limit or current.size <= len(MAGIC):
                return current
        return self._next_segment()

    def _next_segment(self) -> Segment:
        before = self._current
        if before is not None:
            before.retire()
        self._number += 1
        segment: Segment = self._file() or MemorySegment(self._number)
        if segment.on_disk:
            self.disk_bytes += segment.size
            self.is_back = self.is_back or (before is not None and not before.on_disk)
        else:
            self.memory_bytes += segment.size
        self.segments.append(segment)
        self._current = segment
        return segment

    def _file(self) -> FileSegment | None:
        if self._root is None or time.monotonic() < self._disk_after:
            return None
        try:
            if self.folder is None:
                self.folder = Folder.create(self._root, self._card)
            sync = self._settings.durability == "disk"
            segment = FileSegment(self.folder.path, self._number, sync=sync)
        except OSError as error:
            self._disk_failed(error)
            return None
        self.problem = None
        return segment

    def _leave_disk(self, error: OSError) -> None:
        self._disk_failed(error)
        if self._current is not None:
            self._current.retire()
            self._current = None

    def _disk_failed(self, error: OSError) -> None:
        self.problem = error
        self._disk_after = time.monotonic() + DISK_PAUSE_S

    def _fits(self, size: int) -> bool:
        limits = self._settings
        return (
            self.waiting < limits.max_queue_spans
            and self.memory_bytes + size <= limits.max_queue_bytes
        )

    def _evict(self) -> None:
        """Make room on disk: the oldest segment in which nothing open began goes first."""
        if self._evicting:
            return
        self._evicting = self.has_evicted = True
        try:
            while self.disk_bytes > self._settings.max_spool_bytes:
                closed = [s for s in self.segments if s.on_disk and s is not self._current]
                if not closed:
                    return
                victim = next((each for each in closed if not each.open_ids), closed[0])
                if victim.open_ids:
                    self._carry(victim)
                self._remove(victim)
        finally:
            self._evicting = False

    def _remove(self, segment: Segment) -> None:
        if segment not in self.segments:  # carrying its starts elsewhere has made room already
            return
        lost = segment.ended - segment.acknowledged
        self.dropped += lost
        self.waiting -= lost
        if segment.on_disk:
            self.disk_bytes -= segment.size
        else:
            self.memory_bytes -= segment.size
        self.segments.remove(segment)
        segment.remove()
