"""`tellwhy import`: sends what other programs have kept of their runs. Every room may bring sources.

The tracer's own sources stand here; those of other rooms are entry points of the group
``tellwhy.imports``. Each is a name and a function ``run(words) -> exit status``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import cast

GROUP = "tellwhy.imports"

OWN = {
    "claude-code": "tellwhy._cli.importing.claude_code:run",
    "codex": "tellwhy._cli.importing.codex:run",
    "temporal-history": "tellwhy._cli.importing.temporal_history:run",
}
"""Sources of this distribution, and the function of each."""

KNOWN = {
    "claude-code": "transcripts of Claude Code: thinking, exact requests, permission decisions",
    "codex": "rollouts of codex: reasoning, what the model was asked and answered",
    "temporal-history": "histories of Temporal workflows: arguments, results, signals, timers",
}
"""Source -> its line of help."""


def run(argv: list[str]) -> int:
    """Send what other programs have kept of their runs to the collector; twice does no harm."""
    installed = {name: EntryPoint(name, value, GROUP) for name, value in OWN.items()}
    installed |= {entry.name: entry for entry in entry_points(group=GROUP)}
    if not argv or argv[0] in {"-h", "--help"}:
        print(_overview(sorted(installed)))
        return 0 if argv else 2
    if argv[0] not in installed:
        print(
            f"`tellwhy import {argv[0]}` is no source. There are: {', '.join(sorted(installed))}.",
            file=sys.stderr,
        )
        return 2
    return cast("Callable[[list[str]], int]", installed[argv[0]].load())(argv[1:])


def _overview(names: list[str]) -> str:
    lines = ["usage: tellwhy import SOURCE [WORDS]", "", str(run.__doc__), "", "sources:"]
    lines += [f"  {name:<14} {KNOWN.get(name, '')}".rstrip() for name in names]
    return "\n".join([*lines, "", "tellwhy import SOURCE --help tells more about one."])
