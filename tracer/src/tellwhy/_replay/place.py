"""Where in the host's own code a call was made."""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

_OWN = f"{Path(__file__).parents[1]}{os.sep}"
_LIBRARIES = tuple(
    {
        path
        for name in ("stdlib", "platstdlib", "purelib", "platlib")
        if (path := sysconfig.get_path(name))
    }
)


def of_caller() -> str:
    """``file:line in function: source`` of the nearest frame that is no library's."""
    frame: Any = sys._getframe(1)  # noqa: SLF001 - what `traceback` uses, without making a list
    outermost = ""
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith((_OWN, "<")):
            outermost = outermost or _told(frame)
            if not name.startswith(_LIBRARIES) and "site-packages" not in name:
                return _told(frame)
        frame = frame.f_back
    return outermost


def _told(frame: Any) -> str:
    name, line = frame.f_code.co_filename, frame.f_lineno
    source = linecache.getline(name, line).strip()
    where = f"{_shown(name)}:{line} in {frame.f_code.co_name}"
    return f"{where}: {source}" if source else where


def _shown(name: str) -> str:
    try:
        return str(Path(name).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return name
