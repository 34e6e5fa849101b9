"""Append-only segments: files, and the same in memory for when no file can be written."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Protocol

from tellwhy._spool.records import MAGIC

SEGMENT_BYTES = 8 * 1024 * 1024
"""A file segment is followed by the next one when it would become longer."""

MEMORY_SEGMENT_BYTES = 1024 * 1024
"""The same in memory: what is acknowledged is let go in pieces of this size."""


def segment_path(folder: Path, number: int) -> Path:
    """The file of a segment."""
    return folder / f"{number:06d}.seg"


class Readable(Protocol):
    """One piece of a spool."""

    number: int

    def read(self, offset: int, size: int) -> bytes:
        """Up to *size* bytes from *offset*; fewer when somebody has shortened the file."""
        ...


class Segment(Readable, Protocol):
    """A piece that this process writes, and what is known of its content."""

    size: int
    """Bytes that are whole; more may be on their way."""
    ended: int
    """Ended spans in it."""
    acknowledged: int
    """Those of them that were delivered or given up."""
    open_ids: set[int]
    """Ids of spans that have not ended and whose start record is here."""
    carriers: set[int]
    """Carriers that it holds."""
    on_disk: bool

    def append(self, data: bytes) -> None:
        """Write whole records; OSError when they cannot be, and then none of them stands here."""
        ...

    def retire(self) -> None:
        """Nothing more is appended."""
        ...

    def remove(self) -> None:
        """Let go of the content."""
        ...


class FileSegment:
    """A segment on disk; open for writing until it is retired."""

    on_disk = True

    def __init__(self, folder: Path, number: int, *, sync: bool) -> None:
        self.number = number
        self.path = segment_path(folder, number)
        self.size = 0
        self.ended = self.acknowledged = 0
        self.open_ids: set[int] = set()
        self.carriers: set[int] = set()
        self._sync = sync
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        self._file = os.open(self.path, flags, 0o600)
        try:
            self.append(MAGIC)
        except OSError:
            self.remove()
            raise

    def append(self, data: bytes) -> None:
        """Hand *data* to the kernel; with ``durability=disk``, to the disk."""
        try:
            _write_whole(self._file, data)
            if self._sync:
                _sync_data(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self.size)
            raise
        # The garbage collector or a signal may have appended in between: add, do not assign.
        self.size += len(data)

    def read(self, offset: int, size: int) -> bytes:
        """Up to *size* bytes from *offset*."""
        if self._file >= 0:
            return os.pread(self._file, size, offset)
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def retire(self) -> None:
        """Close the file."""
        file, self._file = self._file, -1
        if file >= 0:
            with contextlib.suppress(OSError):
                os.close(file)

    def remove(self) -> None:
        """Close and delete the file."""
        self.retire()
        with contextlib.suppress(OSError):
            self.path.unlink()


class MemorySegment:
    """A segment in memory; it holds ended spans only, since its process takes it along."""

    on_disk = False

    def __init__(self, number: int) -> None:
        self.number = number
        self.ended = self.acknowledged = 0
        self.open_ids: set[int] = set()
        self.carriers: set[int] = set()
        self._data = bytearray(MAGIC)
        self.size = len(MAGIC)

    def append(self, data: bytes) -> None:
        """Keep *data*."""
        self._data += data
        self.size += len(data)

    def read(self, offset: int, size: int) -> bytes:
        """Up to *size* bytes from *offset*."""
        return bytes(self._data[offset : offset + size])

    def retire(self) -> None:
        """Nothing to close."""

    def remove(self) -> None:
        """Let go of the content."""
        self._data = bytearray()


def _write_whole(file: int, data: bytes) -> None:
    written = os.write(file, data)
    while written < len(data):  # a disk that becomes full takes a part; the next try says why
        written += os.write(file, data[written:])


def _sync_data(file: int) -> None:
    getattr(os, "fdatasync", os.fsync)(file)
