"""Whether what was asked about is what was done: arguments beside arguments. Pure."""

from typing import Any

import orjson

from tellwhy_collector.reconstruct.canonical import canonical, sha256_of

MAX_TEXT_CHARACTERS = 1024**2
"""Texts that may be JSON are read up to this length."""


def parsed(payload: Any) -> Any:
    """*payload*, read if it is an object or list written as text, as some senders do."""
    if not isinstance(payload, str) or not payload.lstrip().startswith(("{", "[")):
        return payload
    if len(payload) > MAX_TEXT_CHARACTERS:
        return payload
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return payload


def hash_of(payload: Any) -> str | None:
    """SHA-256 of the canonical text; None for None, and for what nests too deep to be written."""
    try:
        return None if payload is None else sha256_of(payload)
    except RecursionError:
        return None


def differ(asked: Any, done: Any) -> bool | None:
    """Whether arguments that both name have another value; None when they cannot be compared.

    What stands in one alone says nothing: senders leave arguments out, frameworks add their own.
    """
    if not isinstance(asked, dict) or not isinstance(done, dict):
        return None
    both = asked.keys() & done.keys()
    if not both:
        return None if asked or done else False
    if any(not _same(asked[name], done[name]) for name in both):
        return True
    # What was done with more than was asked about is not known to be the same.
    return None if done.keys() - asked.keys() else False


def _same(one: Any, other: Any) -> bool:
    """Equal, or the same text: frameworks turn "80" into 80."""
    if isinstance(one, dict | list) or isinstance(other, dict | list):
        return canonical(parsed(one)) == canonical(parsed(other))
    return _plain(one) == _plain(other)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)
