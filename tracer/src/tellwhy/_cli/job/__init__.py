"""`tellwhy run`: a command as a run of its own: a line of cron, a timer, a CronJob, `claude -p`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from tellwhy import _configure, _settings
from tellwhy._cli.job.output import Output, Tail
from tellwhy._cli.job.process import NOT_EXECUTABLE, NOT_FOUND, Child, end_by
from tellwhy._cli.job.record import CLAUDE, Job
from tellwhy._guard import guarded
from tellwhy._settings import logger

AGENTS = frozenset({CLAUDE, "codex"})
"""Programs whose output tells how they ended."""

FORMATS = frozenset({"json", "stream-json", "--json", "--output-format=json"}) | {
    "--output-format=stream-json"
}


def run(argv: list[str]) -> int:
    """Run a command and record it as a run: when it started, how it ended, what it was part of."""
    given = _arguments(argv)
    command: list[str] = given.command
    if not given.verbose:
        # What is printed is the command's alone; `tellwhy doctor` tells of what waits in a spool.
        logger.setLevel(logging.CRITICAL)
    with guarded("naming this program"):
        if not os.environ.get("TELLWHY_SERVICE_NAME") and not os.environ.get("OTEL_SERVICE_NAME"):
            _settings.change(service_name=given.schedule_name or Path(command[0]).name)
    job = Job(command, given.run_name, given.schedule_name)
    agents = AGENTS & {Path(word).name for word in command}
    output = Output() if _reads_output(given, bool(agents)) else None
    tail = None if given.no_capture or os.isatty(2) else Tail()
    environment = job.environment(is_claude=given.claude_code or CLAUDE in agents)
    try:
        child = Child(command, environment, stdout=output and _safe(output), stderr=tail)
    except OSError as error:
        print(f"tellwhy run: {command[0]}: {error.strerror}", file=sys.stderr)
        job.not_started(error)
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
    job.started(child.pid)
    status = child.wait()
    job.ended(status, output, tail)
    if status < 0:
        _configure.shutdown(_settings.current().exit_timeout_s)
    return end_by(status)


def _safe(output: Output) -> Output:
    """*output*, whose errors must not stop the command's."""
    reading = guarded("reading the output of a job")
    return reading(output)  # type: ignore[return-value]


def _reads_output(given: argparse.Namespace, has_agent: bool) -> bool:
    if given.no_capture or os.isatty(1):
        return False
    return given.claude_code or (has_agent and not FORMATS.isdisjoint(given.command))


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tellwhy run",
        description=f"{run.__doc__} Its output, its exit code and its signals are its own. Where no "
        "collector answers, the record waits in the spool.",
        usage="tellwhy run [options] -- COMMAND [WORDS]",
    )
    parser.add_argument("--schedule-name", metavar="NAME", help="the schedule that it belongs to")
    parser.add_argument(
        "--run-name",
        metavar="NAME",
        help="name of the run's agent (default: the schedule's, else the program's)",
    )
    parser.add_argument(
        "--claude-code",
        action="store_true",
        help="the command starts Claude Code somewhere inside: set its variables, and look for its "
        "JSON in what is printed; a command that names claude itself needs no telling",
    )
    parser.add_argument(
        "--no-capture",
        action="store_true",
        help="leave standard output and standard error alone; nothing of them is recorded",
    )
    parser.add_argument(
        "--verbose", action="store_true", help="say on standard error when recording meets trouble"
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    given = parser.parse_args(argv)
    if given.command[:1] == ["--"]:
        del given.command[0]
    if not given.command:
        parser.error("no command; write it behind --, as in: tellwhy run -- claude -p 'Look'")
    return given
