"""OTLP/gRPC: the same three services, answered after the commit.

Source:
    OTLP 1.11 "OTLP/gRPC": InvalidArgument for bad data, Unavailable with RetryInfo for "later".
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from tellwhy_collector.decode import Signal
from tellwhy_collector.errors import CollectorError, SettingsError
from tellwhy_collector.ingest import Ingest
from tellwhy_collector.meters import Meters
from tellwhy_collector.receive.answers import short, status, success
from tellwhy_collector.receive.body import too_large
from tellwhy_collector.receive.gate import Gate
from tellwhy_collector.settings import Settings

SERVICES: dict[Signal, str] = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
}

WAITING_CALLS = 64
"""Calls that wait for their commit at one time; each has a thread that sleeps."""

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_log = logging.getLogger(__name__)


class GrpcServer:
    """The gRPC door. Start it, then stop it."""

    def __init__(
        self, ingest: Ingest, settings: Settings, gate: Gate, credentials: Any = None
    ) -> None:
        """Bind the port.

        Args:
            ingest: Where messages go.
            settings: Address and limits.
            gate: Whether a sender is let in.
            credentials: `grpc.ServerCredentials`; without them the port speaks plain text.

        Raises:
            SettingsError: The port is taken or the address is not ours.
        """
        self._workers = ThreadPoolExecutor(WAITING_CALLS, thread_name_prefix="tellwhy-grpc")
        self._server = grpc.server(
            self._workers,
            interceptors=[_Guard(gate)],
            options=[
                # Of those over the limit, the ones up to here get our sentence; larger ones
                # gRPC refuses itself. To both RESOURCE_EXHAUSTED without RetryInfo says: never.
                ("grpc.max_receive_message_length", 2 * settings.max_body_bytes),
                # Else a second collector could share the port, and get half of the calls.
                ("grpc.so_reuseport", 0),
            ],
        )
        for signal, service in SERVICES.items():
            handler = grpc.unary_unary_rpc_method_handler(
                _export(ingest, signal, settings.max_body_bytes, gate.meters)
            )
            self._server.add_generic_rpc_handlers(
                [grpc.method_handlers_generic_handler(service, {"Export": handler})]
            )
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        where = f"{host}:{settings.grpc_port}"
        try:
            self.port: int = (
                self._server.add_secure_port(where, credentials)
                if credentials
                else self._server.add_insecure_port(where)
            )
        except RuntimeError:
            self.port = 0
        if not self.port:
            self._workers.shutdown()
            raise SettingsError(
                f"Port {settings.grpc_port} of {settings.host} cannot be listened on: another "
                "process has it, or the address is not of this machine. Choose another port with "
                "TELLWHY_GRPC_PORT or --grpc-port (0 picks a free one)."
            )

    def start(self) -> None:
        """Begin to answer."""
        self._server.start()

    def stop(self, grace_s: float) -> None:
        """Take no new calls; let open ones finish for *grace_s* seconds."""
        self._server.stop(grace_s).wait()
        self._workers.shutdown(wait=True)


class _Guard(grpc.ServerInterceptor):  # type: ignore[misc] # grpc ships no types
    """Sends callers away before their message is read: without the token, or without room."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:
        """The method that was called, or one that only refuses."""
        metadata = dict(details.invocation_metadata)
        try:
            self._gate.check(metadata.get("authorization"))
        except CollectorError as error:
            refused = error

            def refuse(_messages: Any, context: Any) -> bytes:
                _abort(context, refused, self._gate.meters)
                return b""

            # As a stream: of a single message all bytes would be read first.
            return grpc.stream_unary_rpc_method_handler(refuse)
        return continuation(details)


def _export(
    ingest: Ingest, signal: Signal, limit: int, meters: Meters
) -> Callable[[bytes, Any], bytes]:
    """The Export method of one service: message bytes in, response bytes out."""

    def export(body: bytes, context: Any) -> bytes:
        try:
            _check_size(body, limit)
            with ingest.ticket() as ticket:
                ticket.grow(len(body))
                outcome = ingest.submit(body, signal=signal, encoding="protobuf").result()
            return success(outcome, signal, "protobuf")
        except CollectorError as error:
            _abort(context, error, meters)
        except Exception:  # noqa: BLE001 - the sender gets an answer, the log gets the fault
            _log.exception("A call failed through a fault of ours")
            _abort(context, CollectorError("The collector has a fault; see its log."), meters)
        return b""

    return export


def _check_size(body: bytes, limit: int) -> None:
    if len(body) > limit:
        raise too_large(len(body), limit, unpacked=False)


def _abort(context: Any, error: CollectorError, meters: Meters) -> None:
    """End the call with *error*, its google.rpc.Status beside it."""
    meters.refused("grpc", _CODES[error.grpc_code].name)
    details = status(error).SerializeToString()
    context.set_trailing_metadata((("grpc-status-details-bin", details),))
    context.set_code(_CODES[error.grpc_code])
    context.set_details(short(str(error)))
