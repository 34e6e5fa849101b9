"""Starts this collector again in its own process, when a query neither ends nor can be ended.

``exec`` ends every thread, gives all memory back and keeps the process id, so that it needs no
supervisor. For the database it is what a ``kill -9`` is: whatever was acknowledged is on disk, and
senders come again with the rest. Statements that made it necessary are refused from then on, or a
page that refreshes itself would end the collector again and again.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from tellwhy_collector.settings import PREFIX

VARIABLE = PREFIX + "GAVE_UP_ON"
"""Environment variable by which the new start knows the fingerprints; not for people."""

MOST = 100
"""Fingerprints that are remembered."""

EX_TEMPFAIL = 75
"""Exit status where the process cannot start again by itself: a supervisor shall do it."""


def fingerprint(sql: str) -> str:
    """The same for statements that differ in their texts and in how many stand in a list."""
    shape = re.sub(r"'(?:[^']|'')*'", "?", sql)
    shape = re.sub(r"\?(?:\s*,\s*\?)+", "?", " ".join(shape.split()))
    return hashlib.sha256(shape.encode(errors="replace")).hexdigest()[:16]


def given_up_on(environ: Mapping[str, str] | None = None) -> list[str]:
    """Fingerprints of what made this process start again, the latest last; one for each time."""
    around = os.environ if environ is None else environ  # noqa: TID251 - no setting: one process tells the next
    return [mark for mark in around.get(VARIABLE, "").split(",") if mark]


def again(sql: str, flags: Sequence[str]) -> NoReturn:
    """Become a new collector. Nothing behind this runs.

    Args:
        sql: What could not be ended.
        flags: Added to the command line; of a flag that is given twice the last one counts.
    """
    marks = [*given_up_on(), fingerprint(sql)][-MOST:]
    os.environ[VARIABLE] = ",".join(marks)  # noqa: TID251 - as above
    words = sys.orig_argv[1:]
    if flags and words[-len(flags) :: 2] == [*flags[::2]]:
        words = words[: -len(flags)]  # Of the time before.
    os.write(2, b"tellwhy serve: starting again.\n")
    # On Windows it would be another process, and whoever started this one would see it end.
    if os.name != "nt":
        try:
            os.execv(sys.executable, [sys.executable, *words, *flags])  # noqa: S606
        except OSError as error:
            os.write(2, f"tellwhy serve: cannot start again: {error.strerror}.\n".encode())
    os._exit(EX_TEMPFAIL)
