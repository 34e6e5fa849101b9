"""One process's folder in a spool: whether that process is dead, and who takes care of it now.

The lock is a POSIX record lock, which ends with the process that holds it, whatever kills that. Only
files are opened that are plain files: the folder belongs to somebody else.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOCK, CARD, SHIPPED = "lock", "process.json", "shipped"

UNFINISHED, UNFINISHED_AGE_S = ".new-", 60.0
"""How the name of a folder begins until its process holds the lock; an older one was left over."""

MAX_CARD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Card:
    """What ``process.json`` says."""

    instance: str
    service: str
    pid: int
    host: str
    started_ns: int


class Folder:
    """A folder whose lock this process holds. Leave or remove it."""

    def __init__(self, path: Path, card: Card, lock: int) -> None:
        self.path = path
        self.card = card
        self._lock = lock

    @classmethod
    def take(cls, path: Path) -> Folder | None:
        """The folder *path* if its process is dead, else None.

        Raises:
            OSError: It cannot be read or locked.
            ValueError: Its card is damaged, or of a later version.
        """
        lock = open_file(path / LOCK, os.O_RDWR)
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Another adopter may have been done with it meanwhile.
            if _is_at(lock, path / LOCK):
                return cls(path, _card(path), lock)
        except OSError as error:
            os.close(lock)
            if error.errno in {errno.EACCES, errno.EAGAIN} and error.filename is None:
                return None
            raise
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)
        return None

    def segments(self) -> list[Path]:
        """Its segments, the oldest first."""
        found = [path for path in self.path.glob("*.seg") if path.stem.isdecimal()]
        return sorted(found, key=lambda path: int(path.stem))

    def last_ns(self) -> int:
        """The last time at which the process was known to live. Unix nanoseconds."""
        times = [path.stat().st_mtime_ns for path in (*self.segments(), self.path / CARD)]
        return max(times)

    def shipped(self) -> tuple[int, int]:
        """Segment and offset up to which everything has arrived; (0, 0) when nothing has."""
        try:
            segment, offset = read_file(self.path / SHIPPED, 22).split()
            return int(segment), int(offset)
        except (OSError, ValueError):
            return 0, 0

    def acknowledge(self, segment: int, offset: int) -> None:
        """Write that everything before *offset* in *segment* has arrived."""
        file = open_file(self.path / SHIPPED, os.O_RDWR | os.O_CREAT)
        try:
            os.pwrite(file, f"{segment:08d} {offset:012d}\n".encode(), 0)
        finally:
            os.close(file)

    def remove(self) -> None:
        """Delete the folder, its lock last, and let go of it."""
        _delete(self.path)
        self.leave()

    def leave(self) -> None:
        """Let go of the folder. Safe to call twice."""
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)


def folders_in(root: Path) -> Iterator[Path]:
    """The folders of processes in *root*; removes what was left half made.

    Raises:
        OSError: *root* cannot be read.
    """
    with os.scandir(root) as entries:
        found = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    for entry in sorted(found, key=lambda entry: entry.name):
        if not entry.name.startswith("."):
            yield Path(entry.path)
        elif entry.name.startswith(UNFINISHED):
            with contextlib.suppress(OSError):
                changed = entry.stat(follow_symlinks=False).st_mtime
                if time.time() - changed > UNFINISHED_AGE_S:
                    _delete(Path(entry.path))


def open_file(path: Path, flags: int) -> int:
    """A descriptor of a plain file.

    Raises:
        OSError: There is none, or it may not be opened.
    """
    file = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "It is no plain file", str(path))
    return file


def read_file(path: Path, size: int, offset: int = 0) -> bytes:
    """Up to *size* bytes of a plain file, from *offset* on.

    Raises:
        OSError: It cannot be read.
    """
    with os.fdopen(open_file(path, os.O_RDONLY), "rb") as file:
        file.seek(offset)
        return file.read(size)


def _card(path: Path) -> Card:
    said: Any = json.loads(read_file(path / CARD, MAX_CARD_BYTES))
    if not isinstance(said, dict) or said.get("version") != 1:
        raise ValueError("its process.json is of another version; upgrade tellwhy-collector")
    instance = said.get("instance")
    if not isinstance(instance, str) or not 0 < len(instance) <= 64:
        raise ValueError("its process.json names no instance")
    pid, started = said.get("pid"), said.get("started_ns")
    return Card(
        instance,
        str(said.get("service") or "unknown"),
        pid if isinstance(pid, int) and 0 <= pid < 2**63 else 0,
        str(said.get("host") or ""),
        started if isinstance(started, int) and 0 <= started < 2**63 else 0,
    )


def _is_at(file: int, path: Path) -> bool:
    with contextlib.suppress(OSError):
        held, there = os.fstat(file), path.lstat()
        return (held.st_dev, held.st_ino) == (there.st_dev, there.st_ino)
    return False


def _delete(path: Path) -> None:
    """Segments from the first on, then the rest, the lock last."""
    # Killed in the middle, it stays an orphan of which everything has arrived.
    last = ("", CARD, LOCK)
    files = sorted(path.iterdir(), key=lambda file: file.name)
    for file in sorted(files, key=lambda file: last.index(file.name) if file.name in last else 0):
        with contextlib.suppress(OSError):
            file.unlink()
    with contextlib.suppress(OSError):
        path.rmdir()
