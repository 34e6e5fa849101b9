"""The collector's subcommands of `tellwhy`: serve, sql, explain, backup, renormalise."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from tellwhy_collector import restart, settings
from tellwhy_collector.errors import CollectorError
from tellwhy_collector.flags import add_arguments

if TYPE_CHECKING:
    from tellwhy_collector.app import Collector
    from tellwhy_collector.watch import GivenUp


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

    stuck = _Stuck(ending)
    try:
        collector = Collector(
            settings.load(arguments), on_fatal=on_fatal, on_given_up=stuck.given_up
        )
    except CollectorError as error:
        print(f"tellwhy serve: {error}", file=sys.stderr)
        return 1
    stuck.collector = collector
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
    stuck.start_again_if_any()
    if not collector.store.closed:
        os._exit(int(bool(failed)))  # Python would take DuckDB apart below a query that runs.
    return int(bool(failed))


class _Stuck:
    """Starts the collector again because of a query that neither ends nor can be ended."""

    def __init__(self, ending: threading.Event) -> None:
        self.collector: Collector | None = None
        self._ending = ending
        self._found: GivenUp | None = None

    def given_up(self, found: GivenUp) -> None:
        """In an orderly way where there is time, at once where memory is short."""
        self._found = self._found or found
        if found.urgent or self.collector is None:
            self.start_again_if_any()
            return
        most_s = self.collector.settings.max_stop_s + 5.0
        backstop = threading.Timer(most_s, self.start_again_if_any)
        backstop.daemon = True
        backstop.start()
        self._ending.set()

    def start_again_if_any(self) -> None:
        """Becomes a new collector on the same ports when there was one; else returns."""
        if self._found is None:
            return
        flags: list[str] = []
        if self.collector is not None:
            ports = {"http_port": self.collector.http_port, "grpc_port": self.collector.grpc_port}
            flags = [word for name, at in ports.items() for word in (settings.flag(name), str(at))]
        restart.again(self._found.stop.about, flags)


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
