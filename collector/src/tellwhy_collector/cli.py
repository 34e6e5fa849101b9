"""The collector's subcommands of `tellwhy`: serve, sql, explain, backup, renormalise."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from tellwhy_collector import settings
from tellwhy_collector.errors import CollectorError
from tellwhy_collector.flags import add_arguments

if TYPE_CHECKING:
    from tellwhy_collector.app import Collector


def serve(argv: list[str]) -> int:
    """Take OTLP, keep it in one DuckDB file, answer SQL."""
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    parser = argparse.ArgumentParser(prog="tellwhy serve", description=serve.__doc__)
    add_arguments(parser)
    arguments = vars(parser.parse_args(argv))
    # Read when gRPC is imported: its C core would write lines of its own beside our sentence.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from tellwhy_collector.app import Collector  # noqa: PLC0415 - after that

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    failed: list[BaseException] = []

    def on_fatal(error: BaseException) -> None:
        failed.append(error)
        ending.set()

    try:
        collector = Collector(settings.load(arguments), on_fatal=on_fatal)
    except CollectorError as error:
        print(f"tellwhy serve: {error}", file=sys.stderr)
        return 1
    with collector:
        print(_ready(collector), flush=True)
        ending.wait()
    if failed:
        full = "No space left" in str(failed[0])
        hint = (
            "Make room on its disk and start again"
            if full
            else f"Start again; if it fails again, restore a backup of {collector.path}"
        )
        print(
            f"tellwhy serve: the database failed: {failed[0]}. Nothing that was acknowledged is "
            f"lost. {hint}.",
            file=sys.stderr,
        )
        return 1
    return 0


def _ready(collector: Collector) -> str:
    return (
        "tellwhy collector ready\n"
        f"  database  {collector.path}\n"
        f"  OTLP/HTTP {collector.http_url}\n"
        f"  OTLP/gRPC {collector.grpc_target}\n"
        f"  SQL       {collector.http_url}/api/sql"
    )


def sql(argv: list[str]) -> int:
    """Ask the collector in SQL, once or in a shell."""
    from tellwhy_collector import shell  # noqa: PLC0415 - `serve` needs no line editor

    return shell.run(argv)


def explain(argv: list[str]) -> int:
    """Tell a run or one of its decisions in words."""
    from tellwhy_collector import explain as room  # noqa: PLC0415 - `serve` does not need it

    return room.run(argv)


def prove(argv: list[str]) -> int:
    """Test what a decision depended on by asking its model again."""
    from tellwhy_collector import prove as room  # noqa: PLC0415 - `serve` does not need it

    return room.run(argv)


def renormalise(argv: list[str]) -> int:
    """Read all stored records again and rebuild the steps."""
    from tellwhy_collector import renormalise as room  # noqa: PLC0415 - `serve` does not need it

    return room.run(argv)


def backup(argv: list[str]) -> int:
    """Copy the database into a new file while the collector runs."""
    from tellwhy_collector.backup import command  # noqa: PLC0415 - `serve` does not need it

    return command.run(argv)
