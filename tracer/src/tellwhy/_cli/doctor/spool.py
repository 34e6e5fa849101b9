"""What waits on disk, and whose it is."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from tellwhy import _settings
from tellwhy._cli.doctor.findings import Finding, Patient, count, note, ok, problem, size
from tellwhy._spool.folder import LOCK, UNFINISHED

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

SETTLED_S = 120.0
"""A program that starts adopts orphans after a second, one that runs every minute: what is older
waits for somebody who does not come."""


def examine(patient: Patient) -> Iterator[Finding]:
    """The place, whether it can be written, and the folders of living and dead programs."""
    root = _settings.spool_root(patient.settings)
    if root is None:
        yield note(
            "Steps wait in memory only: a program that is killed loses what was not sent.",
            "Unset TELLWHY_SPOOL_DIR.",
        )
        return
    if fcntl is None:
        yield note("Steps wait in memory only: this platform has no POSIX locks.")
        return
    yield from _place(root, patient.settings.max_spool_bytes)
    if root.is_dir():
        yield from _folders(root)


def _place(root: Path, wanted: int) -> Iterator[Finding]:
    there = root
    while not there.exists() and there != there.parent:
        there = there.parent
    if not os.access(there, os.W_OK | os.X_OK) or not there.is_dir():
        yield problem(
            f"{root} cannot be written: steps wait in memory only.",
            f"Give this user the right to write {there}, or set TELLWHY_SPOOL_DIR.",
        )
        return
    free = shutil.disk_usage(there).free
    yield ok(f"{root} can be written, {size(free)} free")
    if free < wanted:
        yield note(
            f"The disk has less room than one program may take ({size(wanted)}).",
            "Make room, or set TELLWHY_MAX_SPOOL_BYTES lower.",
        )


def _folders(root: Path) -> Iterator[Finding]:
    living, orphans, unreadable, held, left, oldest = 0, 0, [], 0, 0, time.time()
    for path in sorted(root.iterdir()):
        if not path.is_dir() or path.name.startswith(UNFINISHED):
            continue
        try:
            alive, waits = _is_alive(path), _bytes(path)
        except OSError as error:
            unreadable.append(f"{path.name}: {error.strerror}")
            continue
        if alive:
            living, held = living + 1, held + waits
        else:
            orphans, left = orphans + 1, left + waits
            oldest = min(oldest, path.joinpath(LOCK).stat().st_mtime)
    yield ok(f"{count(living, 'living program')} with {size(held)}")
    if orphans:
        text = f"{count(orphans, 'dead program')} left {size(left)}, the oldest {_ago(oldest)}"
        remedy = (
            "Start an agent that sends to the same place with the same headers, or: "
            f"tellwhy serve --adopt {root}"
        )
        older = time.time() - oldest > SETTLED_S
        yield problem(text, remedy) if older else note(text, remedy)
    for each in unreadable:
        yield problem(f"A folder cannot be read: {each}", "Run this as the user of the agents.")


def _is_alive(path: Path) -> bool:
    """Whether the process of the folder *path* holds its lock."""
    lock = os.open(path / LOCK, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


def _bytes(path: Path) -> int:
    total = 0
    for file in path.glob("*.seg"):
        with contextlib.suppress(OSError):  # a living program removes what it has sent
            total += file.stat().st_size
    return total


def _ago(moment: float) -> str:
    minutes = int((time.time() - moment) // 60)
    if minutes < 120:
        return f"{count(minutes, 'minute')} ago"
    hours = minutes // 60
    return f"{count(hours, 'hour')} ago" if hours < 48 else f"{count(hours // 24, 'day')} ago"
