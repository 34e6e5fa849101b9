"""``GET /healthz``, ``/readyz`` and ``/metrics``: what supervisors and Prometheus ask.

Healthy means: leave the process alone. Ready means: a request that comes now can be stored and a
question can be answered; if not, the answer says why.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib.metadata import version

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tellwhy_collector.access import CHALLENGE, Access, Names
from tellwhy_collector.disk import Disk
from tellwhy_collector.errors import CollectorError, NoToken
from tellwhy_collector.ingest import Ingest
from tellwhy_collector.meters import Meters
from tellwhy_collector.query import Queries
from tellwhy_collector.spools import Adoption
from tellwhy_collector.store import Store

PULSE_S = 2.0
"""How long the database may take to answer ``select 1``. Seconds."""


class Pulse:
    """Whether the database answers. One question at a time, however many ask."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._error: str | None = None

    def trouble(self) -> str | None:
        """Why it does not answer; None when it does."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._ask, name="pulse", daemon=True)
                self._thread.start()
            thread = self._thread
        thread.join(PULSE_S)
        if thread.is_alive():
            return f"The database has not answered within {PULSE_S:g} s."
        return self._error

    def _ask(self) -> None:
        try:
            cursor = self._store.cursor()
            try:
                cursor.execute("select 1").fetchall()
            finally:
                cursor.close()
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            self._error = f"The database does not answer: {error}"
        else:
            self._error = None


class Health:
    """The three addresses."""

    def __init__(
        self,
        store: Store,
        ingest: Ingest,
        disk: Disk,
        *,
        meters: Meters,
        access: Access,
        names: Names,
        adopted: Adoption,
        queries: Queries,
    ) -> None:
        self._ingest = ingest
        self._disk = disk
        self._meters = meters
        self._access = access
        self._names = names
        self._adopted = adopted
        self._queries = queries
        self._pulse = Pulse(store)

    def routes(self) -> list[Route]:
        """All three."""
        return [
            Route("/healthz", self._health),
            Route("/readyz", self._ready),
            Route("/metrics", self._metrics),
        ]

    def troubles(self) -> Iterator[str]:
        """Why requests or questions cannot be served now, the worst first."""
        checks: tuple[Callable[[], str | None], ...] = (
            lambda: self._ingest.trouble,
            lambda: self._disk.trouble,
            lambda: self._queries.trouble,
            self._pulse.trouble,
        )
        for check in checks:
            if (trouble := check()) is not None:
                yield trouble

    def _health(self, _request: Request) -> Response:
        alive = self._ingest.writer.alive
        return JSONResponse(
            {
                "ok": alive,
                "version": version("tellwhy-collector"),
                "held_bytes": self._ingest.held_bytes,
                "failed_reconstructions": self._ingest.settler.failed,
                **self._ingest.counters.as_dict(),
                "adopted": asdict(self._adopted),
            },
            200 if alive else 503,
        )

    def _ready(self, _request: Request) -> Response:
        trouble = next(self.troubles(), None)
        if trouble is None:
            return JSONResponse({"ok": True})
        return JSONResponse({"ok": False, "error": trouble}, 503, {"Retry-After": "1"})

    def _metrics(self, request: Request) -> Response:
        try:
            self._names.check(request.headers)
            self._access.check(request.headers.get("authorization"), "read")
        except CollectorError as error:
            headers = {"WWW-Authenticate": CHALLENGE} if isinstance(error, NoToken) else None
            return JSONResponse({"ok": False, "error": str(error)}, error.status, headers)
        return Response(self._meters.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def watch(ingest: Ingest, disk: Disk, meters: Meters, queue_limit: int) -> None:
    """Let *meters* read what others count."""
    done = ingest.counters
    for name, about, read in (
        ("queued_bytes", "Bytes being read, decoded or committed.", lambda: ingest.held_bytes),
        ("queue_limit_bytes", "Most that may be.", lambda: queue_limit),
        ("database_bytes", "Size of the database file.", lambda: disk.database_bytes),
        ("database_log_bytes", "Size of its log.", lambda: disk.log_bytes),
        ("disk_free_bytes", "Room on its disk.", lambda: disk.free_bytes),
        ("writer_alive", "1 while records can be stored.", lambda: ingest.writer.alive),
        ("traces_unsettled", "Changed and not worked out yet.", lambda: ingest.settler.waiting),
        (
            "traces_unexplained",
            "Worked out, and due to be looked at for evidence and findings.",
            lambda: ingest.explainer.waiting,
        ),
    ):
        meters.watch(name, about, read)
    for name, about, read in (
        ("commits", "Commits of records.", lambda: done.commits),
        ("commits_failed", "Commits that failed; senders come again.", lambda: done.failed_commits),
        ("requests", "Requests whose records are on disk.", lambda: done.requests),
        ("requests_repeated", "Requests stored already.", lambda: done.repeated_requests),
        (
            "reconstructions_failed",
            "Traces that could not be worked out.",
            lambda: ingest.settler.failed,
        ),
        ("traces_explained", "Looked at as a whole.", lambda: ingest.explainer.done),
        (
            "explanations_failed",
            "Runs of which something could not be made out.",
            lambda: ingest.explainer.failed,
        ),
        (
            "records_dropped",
            "Records acknowledged and not kept. Stays 0: an answer follows the commit.",
            lambda: 0,
        ),
    ):
        meters.watch(name, about, read, counts=True)
