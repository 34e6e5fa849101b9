"""Whether the disk under the database has room, asked of the system and never of the file.

DuckDB survives a log that cannot grow: that commit fails and the next one may work. It does not
survive a checkpoint that runs out of room, and then needs room to open again. So requests are sent
away while what a checkpoint would write does not fit.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from tellwhy_collector.errors import DiskFull
from tellwhy_collector.settings import Settings

LOOK_EVERY_S = 0.5
"""How old an answer of the system may be. Seconds."""


class Disk:
    """The file system of one database. Safe to use from many threads."""

    def __init__(self, settings: Settings) -> None:
        self._path = Path(os.path.abspath(settings.database))  # noqa: PTH100 - keeps links
        self._least = settings.min_free_bytes
        self._looked = float("-inf")
        self._trouble: str | None = None

    @property
    def database_bytes(self) -> int:
        """Size of the database file."""
        return _size(self._path)

    @property
    def log_bytes(self) -> int:
        """Size of the log, which the next checkpoint moves into the file."""
        return _size(Path(f"{self._path}.wal"))

    @property
    def free_bytes(self) -> int:
        """What this user may still write; 0 where the system does not tell."""
        with suppress(OSError):
            return shutil.disk_usage(self._path.parent).free
        return 0

    @property
    def trouble(self) -> str | None:
        """Why nothing can be stored; None when it can."""
        now = time.monotonic()
        if now - self._looked >= LOOK_EVERY_S:
            self._trouble = self._look()
            self._looked = now
        return self._trouble

    def check(self) -> None:
        """Refuse a request that could not be stored.

        Raises:
            DiskFull: The sender may retry; the operator makes room.
        """
        if (trouble := self.trouble) is not None:
            raise DiskFull(trouble)

    def _look(self) -> str | None:
        where = self._path.parent
        try:
            free = shutil.disk_usage(where).free
            read_only = hasattr(os, "statvfs") and os.statvfs(where).f_flag & os.ST_RDONLY
        except OSError as error:
            return f"The folder {where} cannot be looked at: {error.strerror}. Mount it again."
        if read_only:
            return f"The disk that holds {self._path} is read-only. Mount it for writing."
        wanted = self._least + self.log_bytes
        if free < wanted:
            return (
                f"The disk that holds {self._path} has {free:,} bytes free; {wanted:,} are wanted, "
                "so that a checkpoint fits. Make room, shorten TELLWHY_RETENTION_DAYS, or lower "
                "TELLWHY_MIN_FREE_BYTES."
            )
        return None


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0
