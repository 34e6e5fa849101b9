"""The GenAI client histograms, recorded only into a MeterProvider that the user has set.

Source: OpenTelemetry GenAI conventions 1.42.0-dev, "Generative AI client metrics".
"""

from __future__ import annotations

from typing import Any

from opentelemetry import metrics as otel_metrics
from opentelemetry.metrics import Histogram, Meter

from tellwhy import _configure

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""Bucket boundaries of durations, in seconds."""

TOKENS = (
    1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864,
)  # fmt: skip
"""Bucket boundaries of token counts."""

LABELS = (
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "server.address",
    "server.port",
    "error.type",
)
"""Attributes of the span that its measurements carry; all of low cardinality."""


class _Instruments:
    """The histograms of one meter."""

    def __init__(self, meter: Meter) -> None:
        def histogram(name: str, unit: str, said: str, bounds: tuple[float, ...]) -> Histogram:
            return meter.create_histogram(
                name, unit, said, explicit_bucket_boundaries_advisory=list(bounds)
            )

        self.duration = histogram(
            "gen_ai.client.operation.duration", "s", "Duration of GenAI client operation", SECONDS
        )
        self.tokens = histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Number of input and output tokens used by GenAI clients",
            TOKENS,
        )
        self.first_chunk = histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            "s",
            "Time from the request to the first chunk of a streamed response",
            SECONDS,
        )


class _Known:
    """The instruments of the MeterProvider that was used last."""

    provider: Any = None
    instruments: _Instruments | None = None


def record(
    asked: dict[str, Any],
    answered: dict[str, Any],
    *,
    duration_s: float,
    first_chunk_s: float | None,
) -> None:
    """Record one model call.

    Args:
        asked: the attributes with which its span started.
        answered: those that it got at its end.
        duration_s: from the call to the end of the answer, retries included.
        first_chunk_s: from the call to the first chunk; None when the answer was not streamed.
    """
    provider = otel_metrics.get_meter_provider()
    if provider is not _Known.provider:
        meter = _configure.meter()
        _Known.instruments = _Instruments(meter) if meter is not None else None
        _Known.provider = provider
    instruments = _Known.instruments
    if instruments is None:
        return
    attributes = {**asked, **answered}
    labels = {name: attributes[name] for name in LABELS if attributes.get(name) is not None}
    instruments.duration.record(duration_s, labels)
    if first_chunk_s is not None:
        instruments.first_chunk.record(first_chunk_s, labels)
    for kind in ("input", "output"):
        count = attributes.get(f"gen_ai.usage.{kind}_tokens")
        if count is not None:
            instruments.tokens.record(count, {**labels, "gen_ai.token.type": kind})
