"""What an examination gives, and what it is told."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from typing import Literal

from tellwhy import _settings
from tellwhy._settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One line."""

    level: Literal["ok", "note", "problem"]
    text: str
    remedy: str = ""
    """What to do, in one line."""


def ok(text: str) -> Finding:
    """As it should be."""
    return Finding("ok", text)


def note(text: str, remedy: str = "") -> Finding:
    """Worth knowing, and no problem."""
    return Finding("note", text, remedy)


def problem(text: str, remedy: str) -> Finding:
    """Something that loses records, or hides them."""
    return Finding("problem", text, remedy)


@dataclass(slots=True)
class Patient:
    """The environment as an agent would meet it."""

    settings: Settings
    complaints: list[str]
    """What the settings could not be read for."""
    collector_url: str
    """Where questions are asked."""
    is_tellwhy: bool = False
    """Whether a tellwhy collector answers there."""
    environ: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls, url: str | None) -> Patient:
        """Read the settings, and hear what they complain of.

        Args:
            url: Where the person says that the collector answers.
        """
        hearing = _Hearing()
        _settings.logger.addHandler(hearing)
        try:
            settings = _settings.from_environment()
        finally:
            _settings.logger.removeHandler(hearing)
        environ = dict(os.environ)
        base = _settings.traces_url(settings).removesuffix("/v1/traces")
        asked = url or environ.get("TELLWHY_COLLECTOR_URL") or base
        return cls(settings, hearing.said, asked.rstrip("/"), environ=environ)


class _Hearing(logging.Handler):
    """Keeps what was said."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def count(number: int, thing: str) -> str:
    """`1 span`, `2 spans`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def size(number: float) -> str:
    """Bytes for people."""
    for unit in ("bytes", "KiB", "MiB"):
        if number < 1024:
            return f"{number:,.0f} {unit}"
        number /= 1024
    return f"{number:,.1f} GiB"
