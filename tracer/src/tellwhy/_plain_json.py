"""What came off the wire as JSON → JSON text, as `_capture.to_json` gives it, and much sooner.

A message list holds nothing but JSON, and mostly nothing to hide or cut. So it is encoded as it is
after a look for secrets; only when the look finds something does the careful way begin. The same history comes
again with every request, so that only its last messages need a look.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from tellwhy import _blobs, _capture, _redact, _settings

# One look-up instead of a call; both are changed in place only.
_verdicts = _redact._verdicts  # noqa: SLF001
_clean = _redact._clean  # noqa: SLF001


def text_of(value: Any) -> str:
    """*value* as JSON text, bounded and redacted; *value* is made of JSON's own types."""
    if _redact.hook() is None:
        try:
            if type(value) is list and len(value) <= _capture.MAX_ITEMS:
                text = f"[{','.join([piece_of(each) for each in value])}]"
            else:
                text = piece_of(value)
        except (ValueError, TypeError, RecursionError):
            # NaN, or an integer of thousands of digits: the careful way knows them.
            return _capture.to_json(value)
        if len(text) <= _settings.current().max_value_bytes:
            return text
    return _capture.to_json(value)


def piece_of(value: Any) -> str:
    """One message, or one tool: what was clean once is known by its length and hash.

    Raises:
        ValueError, TypeError, RecursionError: Something in it is no JSON that can be sent.
    """
    text: str = compact(value)
    mark = (-len(text), hash(text))  # negative: the marks of bare texts stand in the same set
    if mark in _clean:
        return text
    if not is_clean([value]):
        return _capture.to_json(value)
    valid = _capture.valid_unicode(text)
    if valid is text and len(_clean) < _redact.MAX_REMEMBERED:
        _clean.add(mark)
    return valid


_read = json.JSONDecoder().raw_decode


def loads(raw: bytes | None) -> dict[str, Any] | None:
    """The JSON object that a body is; None when it is something else."""
    if not raw:
        return None
    try:
        text = raw.decode().strip()  # text is read faster than bytes
        found, end = _read(text)  # `json.loads` without its three looks at white space
    except ValueError:
        return None
    return found if isinstance(found, dict) and end == len(text) else None


compact = _capture.encoder(allow_nan=False)
"""Any JSON value as JSON text, without a look: for names and ids of ours."""


def is_clean(values: list[Any]) -> bool:
    """Whether nothing in *values*, made of JSON's own types, has to be hidden or cut."""
    short: list[str] = []
    waiting = values  # what is left to look at; grows while we walk
    for value in waiting:
        kind = type(value)
        if kind is str:
            if len(value) < _redact.SHORTEST:
                continue
            if len(value) < _redact.LONG:
                short.append(value)
            elif not _is_clean_long(value):
                return False
        elif kind is dict or kind is list:
            if _needs_care(value):
                return False
            if kind is dict:
                short += [name for name in value if len(name) >= _redact.SHORTEST]
            waiting += value.values() if kind is dict else value
        elif (kind is int or kind is float) and _redact.is_card(value):
            return False
    # A separator that is part of no word and no number keeps neighbours apart.
    return _redact.is_clean("\0".join(short))


def _needs_care(container: Any) -> bool:
    """Whether a mapping or list has something to hide, to measure or to cut."""
    if len(container) > _capture.MAX_ITEMS:
        return True
    return _hides(container) if type(container) is dict else _announces(container)


def _hides(mapping: dict[str, Any]) -> bool:
    """Whether a name in *mapping* says that its value is a secret, or base64 to be measured."""
    for name, value in mapping.items():
        if _verdicts.get(name, True) and _redact.hides(name, value):
            return True
    if "value" in mapping and ("name" in mapping or "key" in mapping):
        return True  # a header, a cookie: the careful way knows
    return type(mapping.get("data")) is str and len(mapping["data"]) >= _redact.LONG


def _announces(items: list[Any]) -> bool:
    """Whether one item names the next a secret: a header as a pair, a command line's option."""
    is_pair = len(items) == 2
    return any(
        type(one) is str
        and (is_pair or one[:1] == "-")
        and _redact.announces(one, other, is_pair=is_pair)
        for one, other in pairwise(items)
    )


def _is_clean_long(text: str) -> bool:
    return _redact.text(text) is text and _blobs.as_blob(text) is None
