"""Puts the tracer into the process: settings, provider, exporter, hooks. Once, at first use.

Which provider is used:

1. **The user's own**, whenever there is one: we join it and never replace it. Our exporter is added
   to it only when a collector was named for tellwhy (`configure(endpoint=…)` or
   ``TELLWHY_ENDPOINT``) and nothing in it posts there yet. Otherwise our spans go where theirs go.
2. **Ours**, where there is none. It stands in as the global provider, so that spans of SDKs and
   frameworks join the run, but it does not use up OpenTelemetry's one `set_tracer_provider`: if
   the user's own comes later, it takes the place, rule 1 holds from then on, and what older
   tracers still send to ours is handed on to it.
"""

from __future__ import annotations

import atexit
import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, cast

from opentelemetry import trace
from opentelemetry.trace import NoOpTracer, Tracer

from tellwhy import _attributes as names
from tellwhy import _redact, _settings
from tellwhy._guard import guarded
from tellwhy._settings import Settings, logger
from tellwhy._version import __version__

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider

    from tellwhy._export import Exporter

HOOKS = ("tellwhy._threads", "tellwhy._clients")
"""Modules whose ``install()`` runs at first use, and ``uninstall()`` at `shutdown()` if they have
one. Named and not imported: they stand above this file."""

FIXED_ONCE_RUNNING = frozenset(
    [
        "service_name",
        "endpoint",
        "headers",
        "compression",
        "max_queue_spans",
        "max_queue_bytes",
        "max_batch_bytes",
        "export_interval_s",
        "export_timeout_s",
    ]
)
"""Settings that are built into the provider and the exporter."""

_NO_METER = frozenset({"_ProxyMeterProvider", "NoOpMeterProvider"})
_NO_TRACER = frozenset({"ProxyTracerProvider"})


class _State:
    """What `ensure_configured` built."""

    lock = threading.RLock()
    running = False
    own: TracerProvider | None = None
    joined: Any = None
    route: _Route | None = None
    exporter: Exporter | None = None
    tracer: Tracer | None = None
    tracer_of: Any = None
    borrowed: Tracer | None = None


class _Processor(Protocol):
    """The part of a span processor that `_Route` calls."""

    def on_start(self, span: Span, parent_context: Any = None) -> None: ...
    def on_end(self, span: ReadableSpan) -> None: ...


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
            gives back what may be recorded. It runs after the default rules.
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
    with guarded("configuring"), _State.lock:
        wanted = {name: value for name, value in given.items() if value is not None}
        _settings.change(**_without_refused(wanted))
        if redact is not None:
            _redact.set_rules(defaults=_settings.current().redact_defaults, hook=redact)
        ensure_configured()


def _without_refused(wanted: dict[str, Any]) -> dict[str, Any]:
    if not _State.running:
        return wanted
    now = _settings.current()
    late = {
        name for name in FIXED_ONCE_RUNNING & wanted.keys() if wanted[name] != getattr(now, name)
    }
    for name in sorted(late):
        shown = "" if name == "headers" else f" to {wanted[name]!r}"
        logger.warning(
            "configure(%s=…) came after the first recorded step: %s stays as it was and is not "
            "changed%s. Call configure() earlier.",
            name,
            name,
            shown,
        )
    return {name: value for name, value in wanted.items() if name not in late}


def ensure_configured() -> bool:
    """Set everything up if nobody did; whether anything is recorded at all."""
    settings = _settings.current()
    if settings.disabled or _State.running:
        return not settings.disabled
    with _State.lock:
        if not _State.running:
            _State.running = True  # first, so that a failure below is not repeated at every call
            with guarded("setting up"):
                _set_up(settings)
    return True


def _set_up(settings: Settings) -> None:
    _redact.set_rules(defaults=settings.redact_defaults, hook=_redact.hook())
    if _State.borrowed is None:
        _find_provider()
    if _State.exporter is not None:
        _State.exporter.resume()
    for name in HOOKS:
        with guarded(f"installing {name}"):
            try:
                module = importlib.import_module(name)
            except ModuleNotFoundError as error:
                if error.name != name:
                    raise
                continue
            if hasattr(module, "install"):
                module.install()


def tracer() -> Tracer:
    """The tracer that every span of ours is started with; recording nothing when disabled.

    Asks each time which provider is the global one, because the user's may come after ours.
    """
    if not ensure_configured():
        return NoOpTracer()
    if _State.borrowed is not None:
        return _State.borrowed
    if trace.get_tracer_provider() is not _State.tracer_of:
        with guarded("finding the tracer provider"), _State.lock:
            _find_provider()
    return _State.tracer or NoOpTracer()


def _find_provider() -> None:
    """Decide whose provider is used, after the rules at the top of this file."""
    found = trace.get_tracer_provider()
    if _is_nobodys(found):
        provider = _stand_in()
    elif found is _State.own:
        provider = found
    else:
        provider = _join(found)
    _State.tracer_of = trace.get_tracer_provider()
    _State.tracer = provider.get_tracer(names.SCOPE, __version__)


def _is_nobodys(provider: Any) -> bool:
    return type(provider).__name__ in _NO_TRACER


def _stand_in() -> Any:
    """Our own provider, put where SDKs look for the global one."""
    own = _own_provider()
    if hasattr(trace, "_TRACER_PROVIDER"):
        # `set_tracer_provider` works once a process, and that once is the user's.
        cast("Any", trace)._TRACER_PROVIDER = own  # noqa: SLF001
    else:
        trace.set_tracer_provider(own)
    return own


def _own_provider() -> Any:
    if _State.own is None:
        from tellwhy._provider import build  # noqa: PLC0415 - imported at first use: 90 ms

        _State.route = _Route(_exporter())
        _State.own = build(_settings.current(), cast("SpanProcessor", _State.route))
    return _State.own


def _join(found: Any) -> Any:
    """Use the user's provider, with our exporter in it if a collector was named for us."""
    if found is _State.joined:
        return found
    wants_export = _settings.endpoint_is_chosen()
    if not hasattr(found, "add_span_processor"):
        if wants_export:
            logger.info(
                "The tracer provider %s takes no span processors; tellwhy uses one of its own.",
                type(found).__name__,
            )
            return _own_provider()
        return found
    _State.joined = found
    if wants_export and not _posts_to(found, _settings.traces_url(_settings.current())):
        found.add_span_processor(_exporter())
    if _State.route is not None:
        # Tracers made while ours stood in keep their provider: hand their spans on.
        target = getattr(found, "_active_span_processor", None)
        if target is not None:
            _State.route.target = target
    if not wants_export:
        logger.info(
            "tellwhy joins the tracer provider that is already set; its spans go where yours go. "
            "To send them to a tellwhy collector too, set TELLWHY_ENDPOINT."
        )
    return found


def _posts_to(provider: Any, url: str) -> bool:
    """Whether a processor of *provider* already exports to *url*, as far as can be seen."""
    active = getattr(provider, "_active_span_processor", None)
    for processor in getattr(active, "_span_processors", ()):
        if processor is _State.exporter:
            return True
        exporter = getattr(processor, "span_exporter", None)
        batch = getattr(processor, "_batch_processor", None)
        exporter = exporter or getattr(batch, "_exporter", None)
        if str(getattr(exporter, "_endpoint", "")).rstrip("/") == url:
            return True
    return False


def _exporter() -> Any:
    if _State.exporter is None:
        from tellwhy._export import Exporter  # noqa: PLC0415 - imported at first use
        from tellwhy._post import HttpSink  # noqa: PLC0415

        settings = _settings.current()
        _State.exporter = Exporter(HttpSink(settings), settings)
    return _State.exporter


class _Route:
    """The only processor of our own provider: passes spans to whoever exports them now."""

    def __init__(self, target: _Processor) -> None:
        self.target = target

    def on_start(self, span: Span, parent_context: Any = None) -> None:
        """A span started."""
        self.target.on_start(span, parent_context)

    def _on_ending(self, span: Span) -> None:
        """A span is about to end; part of the SDK's interface since 1.30."""
        ending = getattr(self.target, "_on_ending", None)
        if ending is not None:
            ending(span)

    def on_end(self, span: ReadableSpan) -> None:
        """A span ended."""
        self.target.on_end(span)

    def shutdown(self) -> None:
        """Nothing: `tellwhy.shutdown` ends the exporter, the user ends theirs."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what waits."""
        flush_target = getattr(self.target, "force_flush", None)
        return bool(flush_target(timeout_millis)) if flush_target else True


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
    exporter = _State.exporter
    if exporter is None:
        return True
    with guarded("flushing"):
        return exporter.flush(timeout_s)
    return False


def shutdown(timeout_s: float = 5.0) -> bool:
    """Send what waits and stop recording; True when all of it was delivered in time.

    Programs need not call it: at exit what waits is sent within ``exit_timeout_s``.

    Args:
        timeout_s: Longest wait in seconds.
    """
    delivered = flush(timeout_s)
    with guarded("shutting down"), _State.lock:
        _settings.change(disabled=True)
        _uninstall()
        if _State.exporter is not None:
            _State.exporter.stop()
        _State.running = False
    return delivered


def _uninstall() -> None:
    for name in HOOKS:
        uninstall = getattr(sys.modules.get(name), "uninstall", None)
        if uninstall is not None:
            uninstall()


@contextmanager
def borrowed(provider: TracerProvider) -> Iterator[None]:
    """Send every span to *provider* for a while, ours and the SDKs'; for `tellwhy.testing`."""
    before, was_running = getattr(trace, "_TRACER_PROVIDER", None), _State.running
    with _State.lock:
        _State.borrowed = provider.get_tracer(names.SCOPE, __version__)
        cast("Any", trace)._TRACER_PROVIDER = provider  # noqa: SLF001 - see `_stand_in`
        ensure_configured()
    try:
        yield
    finally:
        with _State.lock:
            _State.borrowed = None
            cast("Any", trace)._TRACER_PROVIDER = before  # noqa: SLF001
            if not was_running:
                _uninstall()
                _State.running = False


def reset() -> None:
    """Undo everything in this process; for tests."""
    shutdown(0)
    with _State.lock:
        if trace.get_tracer_provider() is _State.own and _State.own is not None:
            cast("Any", trace)._TRACER_PROVIDER = None  # noqa: SLF001
        _State.own = _State.joined = _State.route = _State.exporter = None
        _State.tracer = _State.tracer_of = None
        _settings.reset()
        _redact.set_rules(defaults=True, hook=None)


@atexit.register
def _at_exit() -> None:
    with guarded("sending the last spans"):
        if _State.exporter is not None:
            _State.exporter.close(_settings.current().exit_timeout_s)
        if _State.own is not None:
            # Processors that others added to it expect what the SDK does at exit.
            _State.own.shutdown()
