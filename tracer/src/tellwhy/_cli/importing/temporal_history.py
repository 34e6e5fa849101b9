"""`tellwhy import temporal-history`: runs of workflows out of their histories."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tellwhy import _configure, _settings
from tellwhy._frameworks.temporal_history import History, NoHistoryError

SENT_WITHIN_S = 60.0


def run(argv: list[str]) -> int:
    """Send runs of Temporal workflows, read from their exported histories: arguments, results, errors,
    signals and updates with who sent them, timers. What instrumented workers have told of the same
    runs stays, and is not told twice.
    """
    given = _arguments(argv)
    histories: list[History] = []
    for path in given.file:
        try:
            found = json.loads(path.read_text("utf-8"))
            histories.append(History(found, given.run_id, given.workflow_id))
        except (OSError, ValueError, NoHistoryError) as error:
            print(
                f"{path} is no history: {error} Write one with `temporal workflow show --output json`.",
                file=sys.stderr,
            )
            return 1
    _configure.configure(service_name=given.service or histories[0].task_queue)
    steps = sum(history.tell() for history in histories)
    if not _configure.flush(SENT_WITHIN_S):
        where = _settings.traces_url(_settings.current())
        print(
            f"{where} did not take all {steps:,} steps. Start a collector with `tellwhy up`, or set "
            "TELLWHY_ENDPOINT, and import again; what has arrived is not stored twice.",
            file=sys.stderr,
        )
        return 1
    print(f"{len(histories):,} histories, {steps:,} steps sent.")
    return 0


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tellwhy import temporal-history", description=" ".join(str(run.__doc__).split())
    )
    parser.add_argument(
        "file",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="what `temporal workflow show --output json` or the web UI wrote",
    )
    parser.add_argument("--service", help="name of the program; default: the task queue")
    parser.add_argument("--workflow-id", help="where the history of an older server has none")
    parser.add_argument(
        "--run-id", help="of a run that was reset; its history names the run before"
    )
    return parser.parse_args(argv)
