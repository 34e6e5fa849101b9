"""The command ``tellwhy``: one door to the commands of every installed room.

The tracer's own commands stand here; those of other rooms are entry points of the group
``tellwhy.commands``. Each is a name and a function ``run(words) -> exit status``. Only the command
that was asked for is imported.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from tellwhy._version import __version__

GROUP = "tellwhy.commands"

OWN = {"verify": "tellwhy._cli.pack:verify"} | {
    name: f"tellwhy._cli.{module}:run"
    for name, module in {
        "up": "up",
        "demo": "demo",
        "replay": "replay",
        "compare": "compare",
        "record": "record",
        "what-if": "what_if",
        "export": "export",
        "doctor": "doctor",
        "run": "job",
        "import": "importing",
        "claude-code": "claude_code",
    }.items()
}
"""Commands of this distribution, and the function of each."""

KNOWN = {
    "up": ("tellwhy", "Start the collector and the viewer together; Ctrl-C stops both."),
    "demo": ("tellwhy", "Start both and run example agents, offline."),
    "run": ("tellwhy", "Run a command as a job: a cron line, a timer, claude -p."),
    "import": ("tellwhy", "Send what other programs have kept of their runs."),
    "claude-code": ("tellwhy", "Print the variables that make Claude Code report here."),
    "replay": ("tellwhy", "Run a program again on what was recorded, offline."),
    "export": ("tellwhy", "Write runs as recordings, tests, a dataset or evidence packs."),
    "verify": ("tellwhy", "Prove that an evidence pack was not changed."),
    "compare": ("tellwhy", "Tell two runs beside each other, decision by decision."),
    "record": ("tellwhy", "Run a program behind a proxy that records its model calls."),
    "what-if": ("tellwhy", "Ask recorded requests again, of another model or changed."),
    "serve": ("tellwhy-collector", "Start the collector alone: OTLP in, SQL out."),
    "sql": ("tellwhy-collector", "Ask a running collector in SQL, once or interactively."),
    "explain": ("tellwhy-collector", "Tell a run or a decision in words, with what they rest on."),
    "prove": ("tellwhy-collector", "Test what a decision depended on by asking its model again."),
    "doctor": ("tellwhy", "Look for what is wrong between agents and collector."),
    "backup": ("tellwhy-collector", "Copy the database while the collector runs."),
    "renormalise": ("tellwhy-collector", "Compute everything again from the raw records."),
    "view": ("tellwhy-viewer", "Start the viewer alone, for a running collector."),
}
"""Command -> (the distribution that brings it, its line of help). Known without importing it."""


def main(words: list[str] | None = None) -> int:
    """Run the command that *words* (default: the command line) name; gives the exit status."""
    words = sys.argv[1:] if words is None else words
    if not words or words[0] in {"-h", "--help", "help"}:
        print(_overview())
        return 0 if words else 2
    if words[0] in {"-V", "--version"}:
        print(f"tellwhy {__version__}")
        return 0
    name, rest = words[0], words[1:]
    installed = _installed()
    if name not in installed:
        print(_missing(name, sorted({*installed, *KNOWN})), file=sys.stderr)
        return 2
    return _run(installed[name], rest)


def _run(command: EntryPoint, words: list[str]) -> int:
    try:
        run = cast("Callable[[list[str]], int]", command.load())
        return run(words)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # `tellwhy sql … | head`: the reader has left, and Python would complain again at exit.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _installed() -> dict[str, EntryPoint]:
    own = {name: EntryPoint(name, value, GROUP) for name, value in OWN.items()}
    return own | {entry.name: entry for entry in entry_points(group=GROUP)}


def _overview() -> str:
    installed = _installed()
    lines = ["usage: tellwhy COMMAND [WORDS]", "", "commands:"]
    for name in [*KNOWN, *sorted(installed.keys() - KNOWN.keys())]:
        package, text = KNOWN.get(name, ("", ""))
        if name not in installed:
            text = f'{text} Needs {package}: pip install "tellwhy[all]"'
        lines.append(f"  {name:<12} {text}".rstrip())
    lines += [
        "",
        "tellwhy COMMAND --help tells more about one; tellwhy --version says which this is.",
    ]
    return "\n".join(lines)


def _missing(name: str, names: list[str]) -> str:
    if name in KNOWN:
        return f'`tellwhy {name}` needs {KNOWN[name][0]}: pip install "tellwhy[all]"'
    return f"`tellwhy {name}` is no command. There are: {', '.join(names)}."
