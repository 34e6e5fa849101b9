"""One process's folder in the spool: its lock, its name card, how far it was sent.

The lock is a POSIX record lock: a fork does not inherit it, and it ends with the process, whatever
kills that. Closing any other descriptor of the lock file would release it, which is why a folder of
this process is never opened twice (`owned`) and why the owner asserts the lock again now and then.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from tellwhy._version import __version__

LOCK = "lock"
CARD = "process.json"
SHIPPED = "shipped"
RESERVE = "reserve"
"""Room for the last record on a disk that is full by then."""

RESERVE_BYTES = 4096
"""A block of most file systems."""

UNFINISHED = ".new-"
"""How the name of a folder begins until its lock is held."""

UNFINISHED_AGE_S = 60.0
"""An unfinished folder older than this was left by a process that died while making it."""

_POSITION_BYTES = 22

_owned: set[str] = set()


def _after_fork() -> None:
    _owned.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@dataclass(frozen=True, slots=True)
class Card:
    """What ``process.json`` says about the process that writes the folder."""

    service: str
    endpoint: str
    """Base address that its spans are meant for."""
    receiver: str = ""
    """`receiver_of` it: who sends to the same place with the same headers may adopt the folder, and
    who sends to the same tellwhy collector with others."""
    instance: str = field(default_factory=lambda: os.urandom(16).hex())
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=socket.gethostname)
    started_ns: int = field(default_factory=time.time_ns)
    tellwhy: str = __version__
    version: int = 1

    @property
    def folder_name(self) -> str:
        """``<service>-<pid>-<instance>``."""
        service = re.sub(r"[^a-z0-9_-]+", "-", self.service.lower()).strip("-")[:40]
        return f"{service or 'python'}-{self.pid}-{self.instance[:8]}"

    def with_receiver(self, receiver: str) -> Card:
        """The same card with *receiver* on it."""
        return replace(self, receiver=receiver)

    @classmethod
    def read(cls, path: Path) -> Card:
        """The card of the folder *path*.

        Raises:
            ValueError: It is damaged, or of a later version of the format.
        """
        said: Any = json.loads(path.joinpath(CARD).read_text(encoding="utf-8"))
        if not isinstance(said, dict) or said.get("version") != 1:
            raise ValueError(f"{path / CARD} is of another version; a newer tellwhy reads it.")
        known = cls.__dataclass_fields__
        return cls(**{name: value for name, value in said.items() if name in known})


def receiver_of(endpoint: str, headers: Mapping[str, str], salt: str) -> str:
    """A mark of where spans go and as whom, which tells nothing about the headers' values."""
    text = json.dumps([salt, endpoint.rstrip("/"), sorted(headers.items())])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Folder:
    """A folder whose lock this process holds: its own, or one that it has adopted."""

    def __init__(self, path: Path, card: Card, lock: int) -> None:
        self.path = path
        self.card = card
        self._lock = lock
        self._shipped = -1
        _owned.add(str(path))

    @classmethod
    def create(cls, root: Path, card: Card) -> Folder:
        """A new folder below *root*.

        Raises:
            OSError: The disk, its rights or the platform do not allow it.
        """
        if fcntl is None:
            raise OSError(errno.ENOTSUP, "this platform has no POSIX locks")
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = root / f"{UNFINISHED}{card.folder_name}"
        path.mkdir(mode=0o700)
        try:
            file = _create(path / CARD)
            with os.fdopen(file, "w", encoding="utf-8") as out:
                json.dump(asdict(card), out)
            _reserve(path / RESERVE)
            lock = _create(path / LOCK)
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            final = root / card.folder_name
            path.rename(final)
        except OSError:
            _delete(path)
            raise
        return cls(final, card, lock)

    @classmethod
    def adopt(cls, path: Path) -> Folder | None:
        """The folder *path* if its process is dead, else None.

        Raises:
            OSError: It cannot be read.
            ValueError: Its card is damaged or of a later version.
        """
        if fcntl is None or str(path) in _owned:
            return None
        lock = os.open(path / LOCK, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            if error.errno in {errno.EACCES, errno.EAGAIN}:
                return None
            raise
        try:
            if not _is_at(lock, path / LOCK):  # another adopter was done with it meanwhile
                os.close(lock)
                return None
            return cls(path, Card.read(path), lock)
        except BaseException:
            os.close(lock)
            raise

    def is_held(self) -> bool:
        """Whether the folder still is where it was and ours; asserts the lock again."""
        try:
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return _is_at(self._lock, self.path / LOCK)

    def beat(self) -> None:
        """Show in the card's time of change that the process lives."""
        with contextlib.suppress(OSError):
            os.utime(self.path / CARD)

    def acknowledge(self, segment: int, offset: int) -> None:
        """Write that everything before *offset* in *segment* has arrived."""
        if self._shipped < 0:
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            self._shipped = os.open(self.path / SHIPPED, flags, 0o600)
        os.pwrite(self._shipped, f"{segment:08d} {offset:012d}\n".encode(), 0)

    def shipped(self) -> tuple[int, int]:
        """Segment and offset up to which everything has arrived; (0, 0) when nothing has."""
        try:
            text = self.path.joinpath(SHIPPED).read_text(encoding="ascii")
            segment, offset = text[:_POSITION_BYTES].split()
            return int(segment), int(offset)
        except (OSError, ValueError):
            return 0, 0

    def free_reserve(self) -> None:
        """Make room for a last record."""
        with contextlib.suppress(OSError):
            (self.path / RESERVE).unlink()

    def remove(self) -> None:
        """Delete the folder, its lock last, and let go of it."""
        _delete(self.path)
        self.leave()

    def leave(self) -> None:
        """Let go of the folder without deleting it."""
        _owned.discard(str(self.path))
        for file in (self._shipped, self._lock):
            if file >= 0:
                with contextlib.suppress(OSError):
                    os.close(file)
        self._shipped = self._lock = -1


def found_in(root: Path) -> list[Path]:
    """The folders of processes in *root*, oldest first; removes what was left half made."""
    found = []
    with contextlib.suppress(OSError), os.scandir(root) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if not entry.is_dir(follow_symlinks=False):
                    continue
                changed = entry.stat(follow_symlinks=False).st_mtime
                if not entry.name.startswith("."):
                    found.append((changed, Path(entry.path)))
                elif entry.name.startswith(UNFINISHED) and time.time() - changed > UNFINISHED_AGE_S:
                    _delete(Path(entry.path))
    return [path for _, path in sorted(found)]


def _create(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    return os.open(path, flags, 0o600)


def _reserve(path: Path) -> None:
    file = _create(path)
    try:
        os.write(file, bytes(RESERVE_BYTES))  # posix_fallocate writes no more, where it is known
    finally:
        os.close(file)


def _is_at(file: int, path: Path) -> bool:
    with contextlib.suppress(OSError):
        held, there = os.fstat(file), path.stat()
        return (held.st_dev, held.st_ino) == (there.st_dev, there.st_ino)
    return False


def _delete(path: Path) -> None:
    """Segments from the first on, then the rest, the lock last."""
    with contextlib.suppress(OSError):
        last = (CARD, LOCK)
        for each in sorted(path.iterdir(), key=lambda each: (each.name in last, each.name)):
            with contextlib.suppress(OSError):
                each.unlink()
        path.rmdir()
