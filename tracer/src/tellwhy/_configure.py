"""Puts the tracer into the process: settings, provider, exporter, hooks. Once, at first use."""

from __future__ import annotations

import atexit

# Before any provider: the SDK's fork handler starts a pool, whose lock only this module's own fork
# handler opens, and they run in the order in which they came. The other way round a child hangs.
import concurrent.futures.thread  # noqa: F401
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from opentelemetry.trace import NoOpTracer, Tracer

from tellwhy import _attributes as names
from tellwhy import _inherited, _provider, _redact, _settings, _sigterm, _standing_in
from tellwhy._guard import guarded
from tellwhy._settings import Settings, logger
from tellwhy._version import __version__

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.sdk.trace import TracerProvider

HOOKS = ("tellwhy._threads", "tellwhy._clients", "tellwhy._frameworks")
"""Modules whose ``install()`` runs at first use, ``drain_abandoned()`` at `flush` and ``uninstall()``
at `shutdown`, if they have them. Named and not imported: they stand above this file."""

FIXED_ONCE_RUNNING = frozenset(
    [
        "service_name",
        "endpoint",
        "headers",
        "compression",
        "max_queue_spans",
        "max_queue_bytes",
        "spool_dir",
        "durability",
        "max_spool_bytes",
        "max_spool_total_bytes",
        "pending",
        "heartbeat_interval_s",
        "inherit_trace",
        "handle_sigterm",
        "max_batch_bytes",
        "export_interval_s",
        "export_timeout_s",
    ]
)
"""Settings that are built into the provider and the exporter."""

_NO_METER = frozenset({"_ProxyMeterProvider", "NoOpMeterProvider"})


class _State:
    """Whether `ensure_configured` has done its work."""

    running = False
    is_silent: Callable[[], bool] | None = None
    """Whether what runs here is only run again, so that it was recorded before."""


def configure(
    *,
    service_name: str | None = None,
    endpoint: str | None = None,
    redact: _redact.Hook | None = None,
    **settings: Any,
) -> None:
    """Set up tellwhy from code; without it the first decorated call does, from the environment.

    May be called again: what is given replaces what was there. Settings of the provider and the
    exporter cannot change once they run; that is refused with one log line.

    Args:
        service_name: Name of this program; default: ``OTEL_SERVICE_NAME``, else its file name.
        endpoint: Base address of the collector's OTLP/HTTP port; default: ``TELLWHY_ENDPOINT``,
            ``OTEL_EXPORTER_OTLP_ENDPOINT``, else ``http://127.0.0.1:4318``.
        redact: Your rule for secrets: gets the name under which a text stands and the text, and
            gives back what may be recorded. It runs after the default rules, on every text of the
            program's or a model's: contents, keys of mappings, names of tools. Where it raises or
            gives back no text, ``[redaction failed]`` is recorded.
        **settings: Any other field of the settings page, such as ``content="none"``.

    Raises:
        TypeError: A keyword is no setting. You can fix it: the message lists them.
    """
    given = {"service_name": service_name, "endpoint": endpoint, **settings}
    known = Settings.__dataclass_fields__
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        raise TypeError(
            f"configure() got {', '.join(unknown)}, which is no setting. "
            f"It takes redact, {', '.join(known)}."
        )
    with guarded("configuring"), _provider.State.lock:
        wanted = {name: value for name, value in given.items() if value is not None}
        now = _settings.change(**_without_refused(wanted))
        apply_rules(now, redact if redact is not None else _redact.hook())
        if ensure_configured() and "instrument" in wanted:
            importlib.import_module(HOOKS[-1]).install()


def _without_refused(wanted: dict[str, Any]) -> dict[str, Any]:
    if not _State.running:
        return wanted
    now = _settings.current()
    late = {
        name for name in FIXED_ONCE_RUNNING & wanted.keys() if wanted[name] != getattr(now, name)
    }
    for name in sorted(late):
        logger.warning(
            "configure(%s=…) came after tellwhy had started: %s stays as it was. "
            "Call configure() before the first decorated function.",
            name,
            name,
        )
    return {name: value for name, value in wanted.items() if name not in late}


def ensure_configured() -> bool:
    """Set everything up if nobody did; whether anything is recorded at all."""
    settings = _settings.current()
    # A program that switches recording off would run its tools again in a replay.
    disabled = settings.disabled and _standing_in.current() is None
    if disabled or _State.running:
        return not disabled and (_State.is_silent is None or not _State.is_silent())
    with _provider.State.lock:
        if not _State.running:
            _State.running = True  # first, so that a failure below is not repeated at every call
            with guarded("setting up"):
                _set_up(settings)
    return True


def stay_silent_when(is_silent: Callable[[], bool] | None) -> None:
    """Record nothing of code for which *is_silent* is true: a framework runs it a second time."""
    _State.is_silent = is_silent


def _set_up(settings: Settings) -> None:
    apply_rules(settings, _redact.hook())
    _provider.find()
    _inherited.read(settings.inherit_trace)
    with guarded("preparing for SIGTERM"):
        from tellwhy._export import WRITING  # noqa: PLC0415 - not at import: it takes a while

        _sigterm.install(_on_sigterm, WRITING)
    for name in HOOKS:
        with guarded(f"installing {name}"):
            importlib.import_module(name).install()


def apply_rules(settings: Settings, hook: _redact.Hook | None = None) -> None:
    """Redact by *settings* and *hook* from now on."""
    wanted = settings.redact_defaults and settings.redact_environment
    _redact.set_rules(
        defaults=settings.redact_defaults,
        hook=hook,
        environ=_settings.environment() if wanted else None,
        emails=settings.redact_emails,
        phones=settings.redact_phones,
    )


def _on_sigterm() -> None:
    exporter = _provider.State.exporter
    if exporter is not None:
        exporter.close(_settings.current().exit_timeout_s, reason="SIGTERM")


def _uninstall() -> None:
    _sigterm.uninstall()
    for name in HOOKS:
        uninstall = getattr(sys.modules.get(name), "uninstall", None)
        if uninstall is not None:
            uninstall()


def tracer() -> Tracer:
    """The tracer that every span of ours is started with; recording nothing when disabled."""
    return _provider.tracer() if ensure_configured() else NoOpTracer()


def meter() -> Meter | None:
    """The meter for our histograms, if the user has set a MeterProvider."""
    # Not imported by us: nobody has set a provider before the module was imported.
    metrics = sys.modules.get("opentelemetry.metrics")
    if metrics is None:
        return None
    provider = metrics.get_meter_provider()
    if type(provider).__name__ in _NO_METER:
        return None
    return cast("Meter", provider.get_meter(names.SCOPE, __version__))


def flush(timeout_s: float = 5.0) -> bool:
    """Send what waits, now; True when all of it was delivered in time.

    Args:
        timeout_s: Longest wait in seconds.
    """
    exporter = _provider.State.exporter
    with guarded("flushing"):
        for name in HOOKS:
            drain = getattr(sys.modules.get(name), "drain_abandoned", None)
            if drain is not None:
                drain()
        return exporter is None or exporter.flush(timeout_s)
    return False


def shutdown(timeout_s: float = 5.0) -> bool:
    """Send what waits and stop recording; True when all of it was delivered in time.

    Programs need not call it: at exit what waits is sent within ``exit_timeout_s``.

    Args:
        timeout_s: Longest wait in seconds.
    """
    delivered = flush(timeout_s)
    if _standing_in.current() is not None:
        return delivered
    with guarded("shutting down"), _provider.State.lock:
        _settings.change(disabled=True)
        _uninstall()
        if _provider.State.exporter is not None:
            _provider.State.exporter.stop()
        _State.running = False
    return delivered


@contextmanager
def borrowed(provider: TracerProvider) -> Iterator[None]:
    """Record into *provider* for a while, with all hooks in place; for `tellwhy.testing`."""
    was_running = _State.running
    with _provider.borrowed(provider):
        ensure_configured()
        try:
            yield
        finally:
            if not was_running:
                with _provider.State.lock:
                    _uninstall()
                    _State.running = False


def reset() -> None:
    """Undo everything in this process; for tests."""
    shutdown(0)
    _provider.forget()
    _settings.reset()
    _redact.set_rules(defaults=True, hook=None)


@atexit.register
def _at_exit() -> None:
    with guarded("sending the last spans"):
        if _provider.State.exporter is not None:
            _provider.State.exporter.close(_settings.current().exit_timeout_s, reason="exit")
        if _provider.State.own is not None:
            # Processors that others added to it expect what the SDK does at exit.
            _provider.State.own.shutdown()
