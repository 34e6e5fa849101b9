"""Backups that a running collector makes and hands out, one at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

import duckdb

from tellwhy_collector.backup.copying import Counts, copy
from tellwhy_collector.disk import Disk
from tellwhy_collector.errors import BackupBusy, DiskFull, StoreUnavailable
from tellwhy_collector.store import Store

PIECE_BYTES = 1024**2
"""How much of a copy is read at a time."""


@dataclass(slots=True)
class Copy:
    """A finished copy. It is gone when its file is closed."""

    counts: Counts
    size: int
    """Bytes."""
    file: BinaryIO

    def pieces(self) -> Iterator[bytes]:
        """The file's bytes, once."""
        while piece := self.file.read(PIECE_BYTES):
            yield piece


class Backups:
    """Makes copies beside the database, in the one folder that DuckDB may write besides."""

    def __init__(self, store: Store, disk: Disk) -> None:
        self._store = store
        self._disk = disk
        self._busy = threading.Lock()
        self._changing = threading.Lock()
        self._cursor: Any = None
        self._ending = False
        self._clean()

    def make(self) -> Copy:
        """A copy as of now. Takes as long as reading and writing everything once.

        Raises:
            BackupBusy: Another one is being made.
            DiskFull: A second database does not fit beside the first.
            StoreUnavailable: It could not be made, or the collector stops.
        """
        if not self._busy.acquire(blocking=False):
            raise BackupBusy("A backup is being made already. Ask again when it has ended.")
        try:
            wanted, free = self._disk.database_bytes + self._disk.log_bytes, self._disk.free_bytes
            if free < wanted:
                raise DiskFull(
                    f"A backup is made beside the database first; that takes {wanted:,} bytes and "
                    f"{free:,} are free. Make room, or stop the collector and use --database."
                )
            return self._make()
        finally:
            self._busy.release()

    def stop(self) -> None:
        """End a copy that is being made. Its caller is told."""
        with self._changing:
            self._ending = True
            if self._cursor is not None:
                self._cursor.interrupt()
        with self._busy:
            pass

    def _make(self) -> Copy:
        path = self._store.backup_path
        path.parent.mkdir(mode=0o700, exist_ok=True)
        cursor = self._store.cursor()
        with self._changing:
            if self._ending:
                cursor.close()
                raise StoreUnavailable("The collector is stopping. Ask again when it runs.")
            self._cursor = cursor
        try:
            counts = copy(cursor, path)
            file = path.open("rb")
        except (duckdb.Error, OSError) as error:
            raise StoreUnavailable(f"The backup could not be made: {error}.") from error
        finally:
            with self._changing:
                self._cursor = None
            cursor.close()
            # What is open can be read to its end; nobody finds the name, not even after a crash.
            self._clean()
        return Copy(counts, file.seek(0, 2), _rewound(file))

    def _clean(self) -> None:
        """Remove what is left of copies."""
        path = self._store.backup_path
        with suppress(OSError):
            for left in path.parent.glob(f"{path.name}*"):
                left.unlink()
            path.parent.rmdir()


def _rewound(file: BinaryIO) -> BinaryIO:
    file.seek(0)
    return file
