"""A bound over what dead programs left: beyond it the oldest folders keep only how they ended.

With no collector for days, each program that ends leaves up to ``max_spool_bytes``; together they
could fill the disk of the host. What is given up stays visible: the folder keeps the number of its
last span, which a collector sets against what arrived, and shows the difference as a gap.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tellwhy._spool.folder import RESERVE, Folder, found_in
from tellwhy._spool.orphans import Orphan
from tellwhy._spool.records import CARRIER, CLOSING, MAGIC, record
from tellwhy._spool.segments import segment_path


class GivenUp(NamedTuple):
    """A folder that had to make room."""

    folder: str
    freed_bytes: int


def keep_within(root: Path, limit_bytes: int) -> Iterator[GivenUp]:
    """Shrink the oldest folders of dead programs in *root* until all of them hold *limit_bytes*.

    Living programs count for nothing here, since each has a limit of its own. Yields what was given
    up, one folder after the other, oldest first; folders that cannot be read are passed over.
    """
    sizes = {path: _segments_bytes(path) for path in found_in(root)}
    if sum(sizes.values()) <= limit_bytes:
        return  # without looking who lives: that opens every folder
    dead = {path: size for path, size in sizes.items() if _is_dead(path)}
    excess = sum(dead.values()) - limit_bytes
    for path, size in dead.items():
        if excess <= 0:
            return
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            freed = size - _shrink(path, size)
            if freed > 0:
                excess -= freed
                yield GivenUp(str(path), freed)


def _shrink(path: Path, size: int) -> int:
    """Leave only the end of a dead program in its folder; the bytes that its segments hold then."""
    folder = Folder.adopt(path)
    if folder is None:
        return size
    try:
        orphan = Orphan(folder)
        orphan.look_at_end()
        before = sorted(path.glob("*.seg"))
        said = {"reason": orphan.reason, "at_ns": orphan.last_ns, "sequence": orphan.sequence}
        data = MAGIC + b"".join(record(CARRIER, each) for each in orphan.carriers.values())
        data += record(CLOSING, json.dumps(said).encode())
        if len(data) >= size or orphan.number == 0:
            return size
        end = segment_path(path, orphan.number + 1)
        new = end.with_suffix(".new")
        new.touch(mode=0o600, exist_ok=False)
        new.write_bytes(data)
        # The last time at which the program was known to live is read off its files.
        os.utime(new, ns=(orphan.last_ns, orphan.last_ns))
        new.rename(end)
        for each in (*before, path / RESERVE):
            with contextlib.suppress(OSError):
                each.unlink()
        return len(data)
    finally:
        folder.leave()


def _is_dead(path: Path) -> bool:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        folder = Folder.adopt(path)
        if folder is not None:
            folder.leave()
            return True
    return False


def _segments_bytes(path: Path) -> int:
    total = 0
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        for entry in entries:
            if entry.name.endswith(".seg"):
                with contextlib.suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_size
    return total
