"""Decides whose tracer provider our spans go through.

1. **The user's own**, whenever there is one: we join it and never replace it. Our exporter is added
   to it only when a collector was named for tellwhy (`configure(endpoint=…)` or
   ``TELLWHY_ENDPOINT``) and nothing in it posts there yet. Otherwise our spans go where theirs go.
2. **Ours**, where there is none. It stands in as the global provider, so that spans of SDKs and
   frameworks join the run, but it does not use up OpenTelemetry's one `set_tracer_provider`: if
   the user's own comes later, it takes the place, rule 1 holds from then on, and what older
   tracers still send to ours is handed on to it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, cast

from opentelemetry import trace
from opentelemetry.trace import NoOpTracer, Tracer

from tellwhy import _attributes as names
from tellwhy import _settings, _stated_ids
from tellwhy._guard import guarded
from tellwhy._settings import logger
from tellwhy._version import __version__

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider

    from tellwhy._export import Exporter

_NOBODYS = "ProxyTracerProvider"
"""Class of the global provider while nobody has set one."""


class _Processor(Protocol):
    """The part of a span processor that `_Route` calls."""

    def on_start(self, span: Span, parent_context: Any = None) -> None: ...
    def on_end(self, span: ReadableSpan) -> None: ...


class _Route:
    """The only processor of our own provider: passes spans to whoever exports them now."""

    def __init__(self, target: _Processor) -> None:
        self.target = target

    def on_start(self, span: Span, parent_context: Any = None) -> None:
        """A span started."""
        self.target.on_start(span, parent_context)

    def _on_ending(self, span: Span) -> None:
        """A span is about to end; newer SDKs call it."""
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


class State:
    """What was found or built in this process."""

    lock = threading.RLock()
    own: TracerProvider | None = None
    joined: Any = None
    route: _Route | None = None
    exporter: Exporter | None = None
    tracer: Tracer | None = None
    tracer_of: Any = None
    borrowed: Tracer | None = None


def _after_fork() -> None:
    """In the child: a lock may be held by a thread that is gone."""
    State.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def tracer() -> Tracer:
    """The tracer of the provider that holds now.

    Asks each time which provider is the global one, because the user's may come after ours.
    """
    if State.borrowed is not None:
        return State.borrowed
    if trace.get_tracer_provider() is not State.tracer_of:
        with guarded("finding the tracer provider"):
            find()
    return State.tracer or NoOpTracer()


def noted(span: Any) -> None:
    """Spool the start of *span* again: it was told more right after it had started."""
    if State.exporter is not None:
        State.exporter.noted(span)


def left_open(span: Any) -> None:
    """Say that the open *span* is ended by another process, which tells all of it again."""
    if State.exporter is not None and State.borrowed is None:
        State.exporter.left_open(span)


def is_borrowed() -> bool:
    """Whether spans go to a provider that somebody lent for a while."""
    return State.borrowed is not None


def tells_aside() -> bool:
    """Whether there is anybody to take what `tell_aside` is given."""
    return State.exporter is not None and State.borrowed is None


def tell_aside(span: Any, attributes: Mapping[str, Any]) -> None:
    """Say of the open *span* of ours what only a tellwhy collector is told, once it has ended."""
    if State.exporter is not None and span.is_recording():
        State.exporter.tell_aside(span.get_span_context().span_id, attributes)


def find() -> None:
    """Decide whose provider is used, after the rules at the top of this file."""
    if State.borrowed is not None:
        return
    with State.lock:
        found = trace.get_tracer_provider()
        if type(found).__name__ == _NOBODYS:
            provider = _stand_in()
        elif found is State.own:
            provider = found
        else:
            provider = _join(found)
        State.tracer_of = trace.get_tracer_provider()
        State.tracer = _stated_ids.heeding(provider.get_tracer(names.SCOPE, __version__))
        if State.exporter is not None:
            State.exporter.resume()


def _stand_in() -> Any:
    """Our own provider, put where SDKs look for the global one."""
    own = _own()
    if hasattr(trace, "_TRACER_PROVIDER"):
        # `set_tracer_provider` works once a process, and that once is the user's.
        cast("Any", trace)._TRACER_PROVIDER = own  # noqa: SLF001
    else:
        trace.set_tracer_provider(own)
    return own


def _own() -> Any:
    if State.own is None:
        from tellwhy._own_provider import build  # noqa: PLC0415 - imported at first use: 90 ms

        State.route = _Route(_exporter())
        State.own = build(_settings.current(), cast("SpanProcessor", State.route))
    return State.own


def _exporter() -> Any:
    if State.exporter is None:
        from tellwhy._export import Exporter  # noqa: PLC0415 - imported at first use
        from tellwhy._post import HttpSink  # noqa: PLC0415

        settings = _settings.current()
        State.exporter = Exporter(HttpSink(settings), settings)
    return State.exporter


def _join(found: Any) -> Any:
    """Use the user's provider, with our exporter in it if a collector was named for us."""
    if found is State.joined:
        return found
    wants_export = _settings.endpoint_is_chosen()
    if not hasattr(found, "add_span_processor"):
        if wants_export:
            logger.info(
                "The tracer provider %s takes no span processors; tellwhy uses one of its own.",
                type(found).__name__,
            )
            return _own()
        return found
    State.joined = found
    if wants_export and not _posts_to(found, _settings.traces_url(_settings.current())):
        found.add_span_processor(_exporter())
    target = getattr(found, "_active_span_processor", None)
    if State.route is not None and target is not None:
        # Tracers made while ours stood in keep their provider: hand their spans on.
        State.route.target = target
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
        if processor is State.exporter:
            return True
        batch = getattr(processor, "_batch_processor", None)
        exporter = getattr(processor, "span_exporter", None) or getattr(batch, "_exporter", None)
        if str(getattr(exporter, "_endpoint", "")).rstrip("/") == url:
            return True
    return False


@contextmanager
def borrowed(provider: TracerProvider) -> Iterator[None]:
    """Send every span to *provider* for a while, ours and the SDKs'; for `tellwhy.testing`."""
    before, tracer_before = getattr(trace, "_TRACER_PROVIDER", None), State.borrowed
    with State.lock:
        State.borrowed = _stated_ids.heeding(provider.get_tracer(names.SCOPE, __version__))
        cast("Any", trace)._TRACER_PROVIDER = provider  # noqa: SLF001 - see `_stand_in`
    try:
        yield
    finally:
        with State.lock:
            State.borrowed = tracer_before
            cast("Any", trace)._TRACER_PROVIDER = before  # noqa: SLF001


def forget() -> None:
    """Take ours out of its place and forget what was found; for tests."""
    with State.lock:
        if State.own is not None and trace.get_tracer_provider() is State.own:
            cast("Any", trace)._TRACER_PROVIDER = None  # noqa: SLF001
        State.own = State.joined = State.route = State.exporter = None
        State.tracer = State.tracer_of = None
