"""Texts that only their owner knows to be private: values of the environment, e-mail, telephone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from tellwhy._redact import names
from tellwhy._redact.formats import REPLACED

SHORTEST_VALUE = 8
"""Characters of the shortest environment value that is looked for."""

MAX_VALUES = 64
"""Values of the environment that are looked for."""

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}(?:@|%40)"
    r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}(?![A-Za-z0-9@-])"
)
_PHONE = re.compile(
    r"(?<![\w.+/-])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d(?:[ .-]?\d){6,12}"
    r"|\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}[.-]\d{3}[.-]\d{4})(?![\w-])"
)


def values_of(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Values in *environ* that are secrets by their names, as they stand in texts; longest first.

    A value without digits, such as ``postgres``, is a word that stands elsewhere too: it is left out.
    Neither is the path of a file with a secret in it a secret.
    """
    found: set[str] = set()
    for name, value in environ.items():
        if len(value) >= SHORTEST_VALUE and names.is_secret(name) and _is_random(value):
            found |= {value, json.dumps(value)[1:-1], quote(value, safe="")}
    return tuple(sorted(found, key=len, reverse=True)[:MAX_VALUES])


def _is_random(value: str) -> bool:
    if value.startswith(("/", "./", "~", "file:")) or value.isdigit():
        return False
    return any(character.isdigit() for character in value) and not value.isspace()


def without_values(value: str, secrets: Iterable[str]) -> str:
    """*value* without any of *secrets*."""
    for secret in secrets:
        if secret in value:
            value = value.replace(secret, REPLACED)
    return value


def without_emails(value: str) -> str:
    """*value* without e-mail addresses."""
    return _EMAIL.sub(REPLACED, value) if "@" in value or "%40" in value else value


def without_phones(value: str) -> str:
    """*value* without telephone numbers, as they are written for people."""
    return _PHONE.sub(REPLACED, value)
