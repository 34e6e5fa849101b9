"""Wires steps 1 to 7 into one running collector; starts and stops it."""

from __future__ import annotations

import asyncio
import logging
import math
import socket
import threading
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from tellwhy_collector import api, health, restart, spools, store, tls
from tellwhy_collector.access import Access, Names
from tellwhy_collector.audit import Audit
from tellwhy_collector.backup import Backups
from tellwhy_collector.causes import Causes
from tellwhy_collector.dialects import normalise
from tellwhy_collector.disk import Disk
from tellwhy_collector.errors import NotFound, SettingsError
from tellwhy_collector.health import Health
from tellwhy_collector.ingest import Ingest
from tellwhy_collector.meters import Meters
from tellwhy_collector.query import Queries
from tellwhy_collector.receive import http
from tellwhy_collector.receive.gate import Gate
from tellwhy_collector.receive.grpc import GrpcServer
from tellwhy_collector.reconstruct.edition import look_again
from tellwhy_collector.reconstruct.explaining import explain
from tellwhy_collector.reconstruct.settle import settle
from tellwhy_collector.retention import Retention
from tellwhy_collector.rules import Runner
from tellwhy_collector.settings import Settings, is_loopback
from tellwhy_collector.spools import Adopter
from tellwhy_collector.store import Store
from tellwhy_collector.tls import Tls
from tellwhy_collector.verdicts import Verdicts
from tellwhy_collector.watch import OnGivenUp

KEEP_ALIVE_S = 75
"""Longer than exporters pause between two batches, or they meet a connection we just closed."""

OURS = "tellwhy-collector"
"""Header of every answer: our tracer tells a collector of ours more than it tells others."""

_log = logging.getLogger(__name__)


def create_app(routes: Sequence[BaseRoute]) -> Starlette:
    """The HTTP application of *routes*, with our own words for all others."""
    return Starlette(routes=routes, exception_handlers={HTTPException: _refuse, Exception: _fault})


def _refuse(request: Request, error: Exception) -> Response:
    """Addresses and methods that nobody has, in the shape of the door that was meant."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    text = f"{request.method} {request.url.path} is not here."
    if request.url.path.startswith("/v1/"):
        text += f" OTLP is posted to {', '.join(http.PATHS.values())}."
        return http.refusal(NotFound(text), http.encoding_of(request) or "json")
    headers = getattr(error, "headers", None)
    return JSONResponse({"ok": False, "error": text}, status, headers)


def _fault(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"ok": False, "error": "The collector has a fault; see its log."}, 500)


class Collector:
    """A collector in this process: an open file, a writer, and the two doors.

    Stop it, or use it in a ``with`` statement.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        on_fatal: Callable[[BaseException], None] | None = None,
        on_given_up: OnGivenUp | None = None,
    ) -> None:
        """Open the database and bind the ports; nothing is answered yet.

        Args:
            settings: What the operator chose.
            on_fatal: Called, in another thread, when the database is lost.
            on_given_up: Called, in another thread, when a query neither ends nor can be ended.

        Raises:
            StoreError: The database file cannot be used.
            SettingsError: A port is taken, or a certificate cannot be used.
        """
        self.settings = settings
        self._tls = tls.load(settings)
        _warn(settings)
        access, disk, self.meters = Access(settings), Disk(settings), Meters()
        gate = Gate(access, disk, self.meters)
        self.store: Store = store.open(settings.database, settings)
        self._doors: list[Callable[[], object]] = [self.store.close]
        try:
            _look_again(self.store)
            self._queries = Queries(self.store, settings, on_given_up, restart.given_up_on())
            self._doors.append(self._queries.close)
            self.rules = Runner(self.store, self._queries, settings.rules, on_fatal)
            self.ingest = Ingest(
                self.store,
                settings,
                normalise,
                on_quiet=settle,
                on_settled=partial(explain, ruled=bool(self.rules.rules)),
                on_explained=self.rules.explained,
                on_fatal=on_fatal,
                on_commit=self.meters.committed,
            )
            self._socket = _bind(settings)
            self._doors.append(self._socket.close)
            self.http_port: int = self._socket.getsockname()[1]
            """The port of OTLP/HTTP and of the API."""
            credentials = self._tls and self._tls.credentials
            self._grpc = GrpcServer(self.ingest, settings, gate, credentials)
        except BaseException:
            for close in reversed(self._doors):
                close()
            raise
        self.audit = Audit(self.store, on_fatal)
        self.retention = Retention(self.store, settings, on_fatal)
        self._backups = Backups(self.store, disk)
        self.adopter = Adopter(self.ingest, settings.adopt, on_fatal)
        names = Names(settings)
        checks = Health(
            self.store,
            self.ingest,
            disk,
            meters=self.meters,
            access=access,
            names=names,
            adopted=self.adopter.done,
            queries=self._queries,
        )
        ask = api.Api(
            self.store,
            settings,
            self._queries,
            access=access,
            names=names,
            audit=self.audit,
            meters=self.meters,
            backups=self._backups,
            reviews=Verdicts(self.store, self._queries, disk, on_fatal),
            tests=Causes(self.store, disk, on_fatal),
        )
        routes = [
            *http.routes(self.ingest, settings, gate),
            *checks.routes(),
            *api.routes(ask),
        ]
        self._http = _Server(create_app(routes), settings, self._tls)
        health.watch(self.ingest, disk, self.meters, settings.max_queue_bytes)
        spools.watch(self.adopter.done, self.meters)
        self.rules.watch(self.meters)
        self._watch()
        self._thread = threading.Thread(target=self._serve, name="tellwhy-http", daemon=True)

    def _watch(self) -> None:
        """Let the meters read what this collector itself knows."""
        watch, audit, queries = self.meters.watch, self.audit, self._queries
        state = self._http.server_state
        swept = self.retention.total
        watch("retention_traces", "Traces deleted as too old.", lambda: swept.traces, counts=True)
        watch("retention_rows", "Rows deleted as too old.", lambda: swept.rows, counts=True)
        watch("http_connections", "Open HTTP connections.", lambda: len(state.connections))
        watch("queries_running", "Statements that run now.", lambda: len(queries.running))
        watch(
            "queries_overdue",
            "Statements that were stopped and run all the same.",
            lambda: len(queries.overdue),
        )
        given_up = len(restart.given_up_on())
        watch(
            "restarts",
            "Times this collector started itself again because of a statement.",
            lambda: given_up,
            counts=True,
        )
        watch("audit_rows", "Rows written to audit.", lambda: audit.written, counts=True)
        watch(
            "audit_dropped",
            "Questions that are in no audit row.",
            lambda: audit.dropped,
            counts=True,
        )

    @property
    def path(self) -> Path:
        """The database file."""
        return self.store.path

    @property
    def grpc_port(self) -> int:
        """The port of OTLP/gRPC."""
        return self._grpc.port

    @property
    def http_url(self) -> str:
        """Where OTLP/HTTP and the API answer."""
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{_written(self.settings.host)}:{self.http_port}"

    @property
    def grpc_target(self) -> str:
        """Where OTLP/gRPC answers."""
        return f"{_written(self.settings.host)}:{self.grpc_port}"

    def start(self) -> None:
        """Begin to answer; returns when both doors do."""
        self.ingest.start()
        self.rules.start()
        self.audit.start()
        self.retention.start()
        self.adopter.start()
        self._grpc.start()
        self._thread.start()
        self._http.ready.wait()

    def _serve(self) -> None:
        asyncio.run(self._http.serve(sockets=[self._socket]))

    def stop(self) -> None:
        """Answer what is open, commit what was accepted, close the file. Safe to call twice."""
        self._backups.stop()
        self._http.should_exit = True
        self._grpc.stop(self.settings.max_stop_s)
        if self._thread.ident is not None:
            self._thread.join()
        self.adopter.stop()
        if not self.ingest.stop():
            _log.warning("Stopped before every changed trace was reconstructed.")
        self.rules.stop()
        self.retention.stop()
        self._queries.close()
        self.audit.stop()
        self._socket.close()
        self.store.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(uvicorn.Server):
    """uvicorn without its own ways of logging and of ending on signals."""

    def __init__(self, app: Starlette, settings: Settings, secure: Tls | None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                log_level="error",
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                headers=[(OURS, version("tellwhy-collector"))],
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=math.ceil(settings.max_stop_s),
                ssl_context_factory=(lambda *_: secure.context) if secure else None,
            )
        )
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        try:
            await super().startup(sockets)
        finally:
            self.ready.set()


def _look_again(opened: Store) -> None:
    """Make traces due that an earlier version looked at: it may have said something else."""
    cursor = opened.cursor()
    try:
        cursor.execute("BEGIN")
        look_again(cursor)
        cursor.execute("COMMIT")
    finally:
        cursor.close()


def _warn(settings: Settings) -> None:
    """Say what an operator may not have meant."""
    if is_loopback(settings.host):
        return
    if not (settings.ingest_token and (settings.read_token or settings.admin_token)):
        _log.warning(
            "Whoever reaches %s may send or read without a token; it is said to be guarded by: %s.",
            settings.host,
            settings.guarded_by,
        )
    elif not settings.tls_cert:
        _log.warning(
            "Listening on %s without TLS: who watches the network can read tokens and content. Set "
            "TELLWHY_TLS_CERT and TELLWHY_TLS_KEY, or let a proxy in front speak TLS.",
            settings.host,
        )


def _bind(settings: Settings) -> socket.socket:
    """A listening socket.

    Raises:
        SettingsError: The port is taken or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Named, not 0: asyncio switches Nagle off only on sockets that say TCP; else 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.http_port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"Port {settings.http_port} of {settings.host} cannot be listened on: "
            f"{error.strerror}. Stop the process that has it, or choose another with "
            "TELLWHY_HTTP_PORT or --http-port (0 picks a free one)."
        ) from None
    return listener


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host
