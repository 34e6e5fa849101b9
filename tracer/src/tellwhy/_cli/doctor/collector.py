"""Whether somebody takes spans, and who."""

from __future__ import annotations

from collections.abc import Iterator

from tellwhy._cli import asking
from tellwhy._cli.doctor.findings import Finding, Patient, note, ok, problem
from tellwhy._post import Batch, HttpSink
from tellwhy._version import __version__


def examine(patient: Patient) -> Iterator[Finding]:
    """An empty export, as the tracer itself asks, and the collector's health."""
    sink = HttpSink(patient.settings)
    answer = sink.put(Batch(b"", 0), patient.settings.export_timeout_s)
    if answer.is_barred or answer.outcome in ("refused", "too_large"):
        yield problem(f"{sink.name} refuses spans: {answer.detail}", _remedy(answer.detail))
        return
    if answer.outcome != "delivered":
        yield problem(
            f"{sink.name} does not take spans now: {answer.detail}",
            "Start a collector (tellwhy up), or set TELLWHY_ENDPOINT. Until then spans wait.",
        )
        return
    if not answer.is_tellwhy:
        yield note(
            f"{sink.name} takes spans and is no tellwhy collector: it is told of steps that have "
            "ended, and nothing is known of gaps."
        )
        return
    yield ok(f"{sink.name} is a tellwhy collector and takes spans")
    yield from _health(patient)


def _remedy(detail: str) -> str:
    if "401" in detail or "403" in detail:
        return "Set TELLWHY_HEADERS=authorization=Bearer%20… with the collector's ingest token."
    return "Set TELLWHY_ENDPOINT to the address of the collector's HTTP port."


def _health(patient: Patient) -> Iterator[Finding]:
    try:
        health = asking.get(patient, "/healthz")
    except asking.Silent as error:
        yield problem(f"{patient.collector_url} does not answer questions: {error}", error.remedy)
        return
    patient.is_tellwhy = True
    version = health.get("version")
    if version != __version__:
        yield note(f"It is version {version}; this tracer is {__version__}.")
    try:
        asking.get(patient, "/readyz")
    except asking.Silent as error:
        yield problem(f"It is not ready: {error}", "See its log.")
    failed = health.get("adopted", {}).get("failed", 0)
    if failed:
        yield problem(
            f"It could not read {failed} of the spools that it should adopt.",
            "See its log; it has to run as the user of the agents.",
        )
