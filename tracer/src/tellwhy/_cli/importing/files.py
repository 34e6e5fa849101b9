"""Files of JSON lines that grow: read from where the last look ended, whole lines alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

MAX_LINE_BYTES = 268_435_456
"""A longer line is skipped; its content would not be kept either."""


class Growing:
    """One file, and how far it was read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.changed_at = 0.0
        """Modification time when it was last read, Unix seconds."""
        self.size_bytes = 0
        """Its size at the last look."""
        self._offset = 0
        self._inode = 0

    def has_grown(self) -> bool:
        """Whether there is something to read; costs one `stat`."""
        try:
            found = os.stat(self.path)  # noqa: PTH116 - the cheapest look
        except OSError:
            return False
        self.changed_at = found.st_mtime
        if self._inode not in (0, found.st_ino) or found.st_size < self._offset:
            self._offset = 0  # another file under the same name
        self._inode = found.st_ino
        self.size_bytes = found.st_size
        return found.st_size > self._offset

    def lines(self) -> Iterator[dict[str, Any]]:
        """What was written since, up to the last end of a line."""
        with self.path.open("rb") as file:
            file.seek(self._offset)
            while line := file.readline(MAX_LINE_BYTES):
                if not line.endswith(b"\n") and not self._is_whole(line):
                    return
                self._offset = file.tell()
                entry = _parsed(line)
                if entry is not None:
                    yield entry

    def _is_whole(self, line: bytes) -> bool:
        """Whether a last line without an end is one all the same, or is too long to be read."""
        return len(line) >= MAX_LINE_BYTES or _parsed(line) is not None


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def found_in(paths: Iterable[Path], pattern: str) -> list[Path]:
    """The files that *paths* name, and those below the folders among them.

    The oldest first, because newer ones repeat them; those of subagents last, because the sessions
    that started them know their names.
    """
    found: set[Path] = set()
    for path in paths:
        found |= set(path.rglob(pattern)) if path.is_dir() else {path}
    return sorted(found, key=_age)


def _age(path: Path) -> tuple[bool, float, str]:
    is_below = "subagents" in path.parts
    try:
        return is_below, path.stat().st_mtime, str(path)
    except OSError:
        return is_below, 0.0, str(path)
