"""What a client of ours knows of a collector before it asks: address, token, certificates.

The collector's own commands (`tellwhy sql`, `explain`, `prove`, `backup`) are such clients.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tellwhy_collector.settings import Settings, variable


def collector_url(environ: Mapping[str, str] | None = None) -> str:
    """Where a client finds the collector when nobody says: ``TELLWHY_COLLECTOR_URL``."""
    around = os.environ if environ is None else environ
    return around.get("TELLWHY_COLLECTOR_URL") or "http://127.0.0.1:4318"


@dataclass(frozen=True, kw_only=True)
class Asking:
    """How a client of ours asks a collector: what it shows, and whom it trusts."""

    token: str = field(default="", repr=False)
    ca: str = ""
    """PEM file of authorities; the system's when empty."""
    cert: str = ""
    """PEM file of a certificate that is shown; none when empty."""
    key: str = ""
    """PEM file of its private key, when that is not in the same file."""


_SHOWN = {
    "read": ("read", "review", "admin"),
    "review": ("review", "admin", "read"),
    "admin": ("admin", "review", "read"),
}
"""Role -> whose tokens are shown, the first that there is."""


def asking(role: str = "read", environ: Mapping[str, str] | None = None) -> Asking:
    """What the environment says: ``TELLWHY_READ_TOKEN`` (or ``_FILE``), ``TELLWHY_COLLECTOR_CA``,
    ``TELLWHY_CLIENT_CERT`` and ``TELLWHY_CLIENT_KEY``.

    Args:
        role: Whose token is wanted: read, review or admin; without it another one of them.
        environ: Variable name to text; this process's environment when not given.

    Raises:
        SettingsError: A token's file cannot be read, or the token is none.
    """
    around = os.environ if environ is None else environ
    roles = _SHOWN[role]
    names = [f"{one}_token{end}" for one in roles for end in ("", "_file")]
    given: dict[str, Any] = {name: around.get(variable(name), "") for name in names}
    found = Settings(**given)
    shown = (getattr(found, f"{one}_token") for one in roles)
    return Asking(
        token=next(filter(None, shown), ""),
        ca=around.get("TELLWHY_COLLECTOR_CA", ""),
        cert=around.get("TELLWHY_CLIENT_CERT", ""),
        key=around.get("TELLWHY_CLIENT_KEY", ""),
    )


def of_providers(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Keys and addresses of model providers, by the variables that their SDKs read."""
    around = os.environ if environ is None else environ
    return {
        name: value for name, value in around.items() if name.startswith(("ANTHROPIC_", "OPENAI_"))
    }
