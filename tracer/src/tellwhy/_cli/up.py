"""`tellwhy up`: the collector and the viewer, started together and stopped together."""

from __future__ import annotations

import argparse
import os
import sys
import time
import webbrowser
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from tellwhy._cli.processes import ChildFailedError, StoppedError, Supervisor

READY_TIMEOUT_S = 60.0
"""How long a room may take to get ready; a big database may have to replay its log first."""

ROOMS = {"serve": "tellwhy-collector", "view": "tellwhy-viewer"}
"""Subcommand -> the distribution that brings it."""


NOT_FOR_VIEWER = ("TELLWHY_INGEST_TOKEN", "TELLWHY_ADMIN_TOKEN", "TELLWHY_TLS_KEY")
"""Beginnings of variables that the viewer does not get."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """Where the two running rooms answer."""

    viewer_url: str
    collector_url: str
    grpc_address: str
    database: str


def missing_rooms() -> str | None:
    """Say which room is not installed and how to install it; None when both are."""
    present = {entry.name for entry in entry_points(group="tellwhy.commands")}
    absent = [package for command, package in ROOMS.items() if command not in present]
    if not absent:
        return None
    return (
        f"{' and '.join(absent)} {'is' if len(absent) == 1 else 'are'} not installed. "
        'Run: pip install "tellwhy[all]"'
    )


def start_rooms(
    supervisor: Supervisor,
    *,
    database: Path | None = None,
    http_port: int | None = None,
    grpc_port: int | None = None,
    viewer_port: int | None = None,
    adopt: Path | None = None,
) -> Rooms:
    """Start the collector, then the viewer on it; print progress; give back where they answer.

    Args:
        supervisor: Ends both when its ``with`` block ends.
        database: DuckDB file; None leaves the choice to ``tellwhy serve``.
        http_port: OTLP/HTTP and SQL; 0 picks a free one; None is ``tellwhy serve``'s default.
        grpc_port: OTLP/gRPC, likewise.
        viewer_port: Likewise, of ``tellwhy view``.
        adopt: Spool in which the collector looks for what dead programs left.

    Raises:
        ChildFailedError: One of them did not get ready; the text says what it wrote.
        StoppedError: The person asked to stop.
    """
    options: dict[str, object] = {
        "--database": database,
        "--http-port": http_port,
        "--grpc-port": grpc_port,
        "--adopt": adopt,
    }
    words = [word for key, value in options.items() if value is not None for word in (key, value)]
    began = time.monotonic()
    print("Starting the collector … ", end="", flush=True)
    collector = supervisor.start("collector", ["-m", "tellwhy", "serve", *map(str, words)])
    supervisor.wait_for(collector, r"^ +SQL +http", READY_TIMEOUT_S)
    print(f"ready in {time.monotonic() - began:.1f} s", flush=True)
    collector_url = supervisor.wait_for(collector, r"OTLP/HTTP +(\S+)", 1)[1]
    grpc_address = supervisor.wait_for(collector, r"OTLP/gRPC +(\S+)", 1)[1]
    path = supervisor.wait_for(collector, r"^ +database +(.+)$", 1)[1]

    began = time.monotonic()
    print("Starting the viewer    … ", end="", flush=True)
    words = ["--collector-url", collector_url]
    words += [] if viewer_port is None else ["--port", str(viewer_port)]
    # The viewer reads; the tokens of senders and operators are not its business.
    env = {name: text for name, text in os.environ.items() if not name.startswith(NOT_FOR_VIEWER)}
    viewer = supervisor.start("viewer", ["-m", "tellwhy", "view", *map(str, words)], env=env)
    supervisor.wait_for(viewer, "tellwhy viewer ready", READY_TIMEOUT_S)
    viewer_url = supervisor.wait_for(viewer, r"^ +(http://\S+)", READY_TIMEOUT_S)[1]
    print(f"ready in {time.monotonic() - began:.1f} s", flush=True)
    return Rooms(viewer_url, collector_url, grpc_address, path)


def open_browser(url: str) -> None:
    """Open the page when a person sits at a desktop; a terminal without one is left alone."""
    desktop = sys.platform == "darwin" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    if sys.stdout.isatty() and desktop:
        webbrowser.open(url)


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tellwhy up", description=run.__doc__)
    parser.add_argument("--database", type=Path, metavar="FILE", help="DuckDB file to keep runs in")
    parser.add_argument("--http-port", type=int, help="OTLP/HTTP and SQL (default 4318; 0: any)")
    parser.add_argument("--grpc-port", type=int, help="OTLP/gRPC (default 4317; 0: any)")
    parser.add_argument("--viewer-port", type=int, help="the pages (default 8501; 0: any)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    return parser.parse_args(argv)


def run(argv: list[str]) -> int:
    """Start the collector and the viewer, print where they answer, stay until Ctrl+C."""
    given = _arguments(argv)
    if problem := missing_rooms():
        print(problem, file=sys.stderr)
        return 1
    with Supervisor() as supervisor:
        try:
            rooms = start_rooms(
                supervisor,
                database=given.database,
                http_port=given.http_port,
                grpc_port=given.grpc_port,
                viewer_port=given.viewer_port,
            )
            print(
                f"\n  viewer     {rooms.viewer_url}"
                f"\n  OTLP/HTTP  {rooms.collector_url}"
                f"\n  OTLP/gRPC  {rooms.grpc_address}"
                f"\n  SQL        {rooms.collector_url}/api/sql"
                f"\n  database   {rooms.database}"
                "\n\nCtrl+C stops both.",
                flush=True,
            )
            if not given.no_browser:
                open_browser(rooms.viewer_url)
            supervisor.watch()
        except ChildFailedError as error:
            print(f"\n{error}", file=sys.stderr)
            return 1
        except StoppedError:
            pass
        print("\nStopping …", flush=True)
    return 0
