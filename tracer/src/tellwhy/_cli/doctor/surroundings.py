"""Which settings are in force, and where they come from."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import fields

from tellwhy import _settings
from tellwhy._cli.doctor.findings import Finding, Patient, note, ok, problem
from tellwhy._settings import Settings
from tellwhy._version import __version__


def examine(patient: Patient) -> Iterator[Finding]:
    """The version, what is set, and what could not be read."""
    settings, plain = patient.settings, Settings()
    yield ok(f"tellwhy {__version__}, Python {platform.python_version()}")
    sends_to = _settings.traces_url(settings)
    yield ok(f"spans go to {sends_to} ({_source(patient, 'endpoint')})")
    for spec in fields(Settings):
        value = getattr(settings, spec.name)
        if spec.name == "endpoint" or value == getattr(plain, spec.name):
            continue
        shown = ", ".join(value) if spec.name == "headers" else value
        yield ok(f"{spec.name} = {shown} ({_source(patient, spec.name)})")
    for complaint in patient.complaints:
        yield problem(complaint, "Correct the variable, or unset it.")
    if settings.disabled:
        yield problem("Nothing is recorded.", "Unset TELLWHY_DISABLED.")
    if not settings.captures_content:
        yield note("Arguments, results and messages are not recorded.", "TELLWHY_CONTENT=full")


def _source(patient: Patient, name: str) -> str:
    """The variable that says it."""
    names = (f"TELLWHY_{name.upper()}", *_settings.ALTERNATIVES.get(name, ()))
    said = [each for each in names if patient.environ.get(each, "").strip()]
    return said[0] if said else "the default"
