"""Our own tracer provider, for processes whose user has none."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider

from tellwhy._settings import Settings, otel_limits, program_name
from tellwhy._version import __version__


def build(settings: Settings, processor: SpanProcessor) -> TracerProvider:
    """A provider with room for whole message lists, which never delays the program's exit.

    Sampler and identifiers are the SDK's own, so ``OTEL_TRACES_SAMPLER`` keeps its meaning.
    """
    provider = TracerProvider(
        resource=Resource.create(_resource(settings)),
        # The SDK's exit handler joins exporters for up to 30 s; ours waits `exit_timeout_s`.
        shutdown_on_exit=False,
        span_limits=_limits(otel_limits()),
    )
    provider.add_span_processor(processor)
    return provider


def _resource(settings: Settings) -> dict[str, str | int]:
    return {
        "service.name": settings.service_name or program_name(),
        "telemetry.distro.name": "tellwhy",
        "telemetry.distro.version": __version__,
        "process.pid": os.getpid(),
        "host.name": socket.gethostname(),
    }


def _limits(said: Collection[str]) -> SpanLimits:
    """No limits, except those that the user set on purpose.

    The default of 128 attributes evicts the oldest: on a busy span, the ones that name it.
    """
    chosen = {
        name: None
        for name, variable in (
            ("max_span_attributes", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"),
            ("max_event_attributes", "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT"),
            ("max_link_attributes", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"),
            ("max_events", "OTEL_SPAN_EVENT_COUNT_LIMIT"),
            ("max_links", "OTEL_SPAN_LINK_COUNT_LIMIT"),
        )
        if variable in said or ("attributes" in name and "OTEL_ATTRIBUTE_COUNT_LIMIT" in said)
    }
    unlimited = dict.fromkeys(
        ("max_span_attributes", "max_event_attributes", "max_link_attributes"), SpanLimits.UNSET
    )
    unlimited |= dict.fromkeys(("max_events", "max_links"), 100_000)
    return SpanLimits(**(unlimited | chosen))
