"""Exactly one model-call span for a call, whoever else is there to write one.

* **anthropic ≥ 1 traces itself** as soon as there is a TracerProvider. Its switch is the environment
  variable ``ANTHROPIC_OPEN_TELEMETRY``, read when a client is made. We set it to ``false`` if the
  user has not set it. A client that traces all the same (made before us, or because the user wants
  the SDK's spans of tools, files, batches …) keeps those; only the span of a call that we write
  is left out, by taking the name of that span from the request's options: "a request … which has no
  span name" has no span. A client with a ``tracer_provider`` of its own writes elsewhere: it
  keeps everything.
* **Official instrumentors** (``opentelemetry-instrumentation-genai-*``) make their spans through
  `TelemetryHandler`. It knows calls that something further out already records (it finds
  ``InferenceData`` in the context) and writes no span, event or measurement for them. We put that
  into the context of the calls that we record. An instrumentor with a provider of its own keeps
  everything.
"""

from __future__ import annotations

import copy
import os  # the SDK's own switch is a variable of this process
from collections.abc import Callable
from types import ModuleType
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace

from tellwhy import _configure
from tellwhy._guard import guarded
from tellwhy._settings import logger

SWITCH = "ANTHROPIC_OPEN_TELEMETRY"

RECORDED = frozenset({"anthropic", "openai"})
"""Providers whose SDKs are hooked."""

_looking = guarded("looking at other instrumentation")


def switch_native_off() -> Callable[[], None]:
    """Switch the anthropic package's own tracing off, unless the user decided; gives the way back."""
    environ = os.environ  # noqa: TID251 - not a setting of ours
    if SWITCH in environ:
        return lambda: None
    environ[SWITCH] = "false"
    logger.debug(
        "tellwhy records the calls of the anthropic package in place of its own tracing. "
        "Set %s=true to keep the package's spans of tools, files and batches as well.",
        SWITCH,
    )

    def restore() -> None:
        if environ.get(SWITCH) == "false":
            del environ[SWITCH]

    return restore


def without_native_span(client: Any, options: Any) -> Any:
    """The same request options, without the name of the span that the SDK would write."""
    if not getattr(options, "span_name", None):
        return options
    with _looking:
        tracing = getattr(client, "_open_telemetry", {})
        if not (tracing.get("traces") or {}).get("enabled", True):
            return options
        chosen = tracing.get("tracer_provider")
        if chosen is not None and chosen is not trace.get_tracer_provider():
            return options
        options = copy.copy(options)
        options.span_name = None
    return options


def patch_official(handler_module: ModuleType) -> Callable[[], None]:
    """Tell the official instrumentors which calls we record; gives the way back."""
    module: Any = handler_module
    handler = module.TelemetryHandler
    restores = [
        _announce(handler, "inference", module.CLIENT_INFERENCE_CONTEXT_KEY, module.InferenceData),
        _announce(handler, "embedding", module.CLIENT_EMBEDDING_CONTEXT_KEY, module.EmbeddingData),
    ]

    def restore() -> None:
        for step in restores:
            step()

    return restore


def _announce(handler: Any, method: str, key: str, data: Any) -> Callable[[], None]:
    original = getattr(handler, method)

    def announced(self: Any, provider: str, **kwargs: Any) -> Any:
        with _looking:
            if provider in RECORDED and _is_of_an_sdk(self) and _writes_where_we_do(self):
                # Uploads of content that the user asked for go on.
                marker = data(provider_name=provider, upload_completion=True)
                kwargs["context"] = otel_context.set_value(key, marker, kwargs.get("context"))
        return original(self, provider, **kwargs)

    setattr(handler, method, announced)

    def restore() -> None:
        if getattr(handler, method) is announced:
            setattr(handler, method, original)

    return restore


def _is_of_an_sdk(handler: Any) -> bool:
    """Whether it instruments an SDK that we hook, not a framework above one."""
    tracer = _real(handler._tracer)  # noqa: SLF001 - it tells its scope nowhere else
    scope = getattr(getattr(tracer, "instrumentation_scope", None), "name", None)
    return scope is None or scope.rpartition(".")[2] in RECORDED


def _writes_where_we_do(handler: Any) -> bool:
    theirs = getattr(_real(handler._tracer), "span_processor", None)  # noqa: SLF001
    ours = getattr(_real(_configure.tracer()), "span_processor", None)
    return theirs is ours or theirs is None


def _real(tracer: Any) -> Any:
    """Behind the stand-in that was handed out before there was a provider."""
    return getattr(tracer, "_tracer", tracer) if type(tracer).__name__ == "ProxyTracer" else tracer
