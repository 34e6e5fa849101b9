"""Makes traces due again when what looks at them has changed since they were looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from tellwhy_collector.reconstruct.findings import RULES
from tellwhy_collector.reconstruct.settled import Cursor


@cache
def edition() -> str:
    """A digest of the code that looks at runs: another one may say something else."""
    digest = hashlib.sha256()
    waiting: list[Traversable] = [resources.files("tellwhy_collector.reconstruct")]
    while waiting:
        found = waiting.pop()
        if found.is_dir():
            waiting += sorted(found.iterdir(), key=lambda each: each.name)
        elif found.name.endswith(".py"):
            digest.update(found.name.encode() + b"\0" + found.read_bytes())
    return digest.hexdigest()


def look_again(cursor: Cursor) -> int:
    """Make all traces at rest due, unless they were looked at with today's `edition`.

    Costs one statement; the explainer then works through them, the newest first, with pauses.

    Args:
        cursor: With a transaction open, before anything is settled.

    Returns:
        How many traces are due because of it.
    """
    if not change(cursor, "explained", edition()):
        return 0
    (before,) = cursor.execute("SELECT count(*) FROM unexplained").fetchone()
    cursor.execute(
        "INSERT INTO unexplained SELECT trace_id, min(start_ns) FROM run_rows"
        " WHERE trace_id NOT IN (SELECT trace_id FROM unexplained) GROUP BY trace_id"
    )
    (after,) = cursor.execute("SELECT count(*) FROM unexplained").fetchone()
    return int(after - before)


def change(cursor: Cursor, name: str, now: str) -> bool:
    """Write down the edition of *name*; whether it was another one."""
    known = cursor.execute("SELECT sha256 FROM editions WHERE name = ?", [name]).fetchone()
    if known and known[0] == now:
        return False
    cursor.execute("DELETE FROM editions WHERE name = ?", [name])
    cursor.execute("INSERT INTO editions VALUES (?, ?)", [name, now])
    return True


def list_rules(cursor: Cursor, of_users: Iterable[tuple[str, str, str, str]]) -> None:
    """Fill the table ``rules``.

    Args:
        cursor: With a transaction open.
        of_users: Name, severity, sentence and file of each rule that users added.
    """
    ours = [(r.name, r.severity, r.about, r.limits, "tellwhy") for r in RULES]
    theirs = [(name, severity, about, None, file) for name, severity, about, file in of_users]
    cursor.execute("DELETE FROM rules")
    for row in (*ours, *theirs):
        cursor.execute("INSERT INTO rules VALUES (?, ?, ?, ?, ?)", list(row))
