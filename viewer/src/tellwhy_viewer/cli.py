"""`tellwhy view`: serve the pages until told to stop."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import socket
import sys
from typing import Any

from tellwhy_viewer import settings

MAX_MESSAGE_BYTES = 50 * 1024 * 1024
"""Largest websocket message from a browser; Streamlit's own limit in `app/.streamlit`."""


def view(argv: list[str]) -> int:
    """Show the recorded runs in a browser (needs a collector)."""
    given = _parser().parse_args(argv)
    try:
        chosen = settings.load(**vars(given))
    except settings.BadSetting as bad:
        print(bad, file=sys.stderr)
        return 2
    settings.use(chosen)
    try:
        listening = _listen(chosen)
    except OSError as error:
        print(_cannot_listen(chosen, error), file=sys.stderr)
        return 1
    return _serve(chosen, listening)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tellwhy view", description=view.__doc__)
    parser.add_argument(
        "--port",
        "--viewer-port",
        dest="viewer_port",
        type=int,
        help="port to listen on, 0 takes a free one (default 8501)",
    )
    parser.add_argument(
        "--host",
        "--viewer-host",
        dest="viewer_host",
        help="address to listen on (default 127.0.0.1)",
    )
    parser.add_argument(
        "--collector-url", help="where the collector answers (default http://127.0.0.1:4318)"
    )
    parser.add_argument(
        "--guarded-by",
        "--viewer-guarded-by",
        dest="viewer_guarded_by",
        help="what decides who reaches an address that is not loopback, where nobody logs in",
    )
    parser.add_argument(
        "--allowed-hosts",
        "--viewer-allowed-hosts",
        dest="viewer_allowed_hosts",
        help="host names under which a remote viewer answers, comma-separated",
    )
    return parser


def _listen(chosen: settings.Settings) -> socket.socket:
    """Give a listening socket, so that an occupied port is known before anything is loaded."""
    family = socket.AF_INET6 if ":" in chosen.viewer_host else socket.AF_INET
    # Named, not 0: asyncio switches Nagle off only for sockets that say they are TCP (40 ms an answer).
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((chosen.viewer_host, chosen.viewer_port))
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening


def _cannot_listen(chosen: settings.Settings, error: OSError) -> str:
    where = f"{chosen.viewer_host}:{chosen.viewer_port}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {chosen.viewer_port} on {chosen.viewer_host} is taken by another program. Stop "
            "it, or choose another with --port (0 takes a free one)."
        )
    return f"Cannot listen on {where}: {error.strerror or error}. Choose another --host or --port."


def _serve(chosen: settings.Settings, listening: socket.socket) -> int:
    # Loaded late: `--help` and an occupied port answer at once.
    import uvicorn  # noqa: PLC0415

    from tellwhy_viewer.main import application  # noqa: PLC0415

    port = listening.getsockname()[1]
    host = f"[{chosen.viewer_host}]" if ":" in chosen.viewer_host else chosen.viewer_host

    class Server(uvicorn.Server):
        """Says so when it answers."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                print(f"tellwhy viewer ready\n  http://{host}:{port}", flush=True)

    # Before and after uvicorn minds them: it stops on both and raises them once more at its end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stopped)
    config = uvicorn.Config(
        application(),
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=30,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=2,
        server_header=False,
    )
    server = Server(config)
    server.run(sockets=[listening])
    return 0 if server.started else 1


def _stopped(_number: int, _frame: Any) -> None:
    """End well when somebody asks for it."""
    raise SystemExit(0)
