"""Questions to a tellwhy collector over HTTP."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tellwhy._cli.doctor.findings import Patient
from tellwhy._post import trust

TIMEOUT_S = 15.0


class Silent(Exception):  # noqa: N818 - says what happened
    """No answer, or none that helps."""

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(text)
        self.remedy = remedy


def get(patient: Patient, path: str) -> dict[str, Any]:
    """The JSON at *path*.

    Raises:
        Silent: There is none; says why.
    """
    return _ask(patient, urllib.request.Request(patient.collector_url + path))  # noqa: S310


def rows(patient: Patient, sql: str) -> list[list[Any]]:
    """Rows of one SELECT.

    Raises:
        Silent: There are none; says why.
    """
    request = urllib.request.Request(  # noqa: S310
        f"{patient.collector_url}/api/sql",
        json.dumps({"sql": sql}).encode(),
        {"Content-Type": "application/json"},
    )
    found: list[list[Any]] = _ask(patient, request)["rows"]
    return found


def _ask(patient: Patient, request: urllib.request.Request) -> dict[str, Any]:
    try:
        token = _token(patient)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        trust = _trust(patient)
        with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=trust) as answer:  # noqa: S310
            said = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        remedy = "See the collector's log."
        if error.code in {401, 403}:
            remedy = "Set TELLWHY_READ_TOKEN, or TELLWHY_READ_TOKEN_FILE, to the collector's."
        raise Silent(f"status {error.code}: {_words(error)}", remedy) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise Silent(str(reason), "Set TELLWHY_COLLECTOR_URL, or use --url.") from None
    return said if isinstance(said, dict) else {}


def _trust(patient: Patient) -> ssl.SSLContext:
    """By the variables of `tellwhy sql` and the viewer."""
    names = ("TELLWHY_COLLECTOR_CA", "TELLWHY_CLIENT_CERT", "TELLWHY_CLIENT_KEY")
    return trust(*(patient.environ.get(name, "") for name in names))


def _token(patient: Patient) -> str:
    if token := patient.environ.get("TELLWHY_READ_TOKEN"):
        return token
    path = patient.environ.get("TELLWHY_READ_TOKEN_FILE")
    return Path(path).read_text("utf-8").strip() if path else ""


def _words(error: urllib.error.HTTPError) -> str:
    text = error.read(2000)
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text.decode("utf-8", "replace")
