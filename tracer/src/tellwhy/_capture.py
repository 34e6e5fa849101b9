"""Any value → JSON text that is bounded, redacted and safe to make in the middle of an agent.

Nothing of the host is run to make it: no ``repr``, ``str``, property, iterator or serialiser of a
user's class, because those can block, query a database or change what they show. Fields are read
where Python keeps them. Generators, files and streams are named and never consumed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from itertools import islice
from json import encoder as json_encoder
from typing import Any

from tellwhy import _canonical, _objects, _redact
from tellwhy._blobs import as_blob, blob
from tellwhy._guard import swallow
from tellwhy._settings import current

MAX_DEPTH = 24
"""Levels of containers that are followed."""

MAX_ITEMS = 10_000
"""Entries of one container that are followed."""

MAX_TEXT_BYTES = 65_536
"""Bound of `bounded`, for error messages, notes and the like."""


def encoder(*, allow_nan: bool) -> Any:
    """The encoder of `json.dumps` without spaces, made once: `json` makes it anew for each value.

    Args:
        allow_nan: Whether what is no number may be written; else it is a ValueError.
    """
    public = json.JSONEncoder(
        ensure_ascii=False, separators=(",", ":"), check_circular=False, allow_nan=allow_nan
    )
    made = getattr(json_encoder, "c_make_encoder", None)
    if made is None:  # an interpreter without the C accelerator
        return public.encode
    options = (None, ":", ",", False, False, allow_nan)
    encode = made(None, public.default, json_encoder.encode_basestring, *options)
    return lambda value: "".join(encode(value, 0))


_encode = encoder(allow_nan=True)

SLACK = 4_096
"""Characters behind the cut that are searched too, so that no half of a secret stays in front."""


def to_json(value: Any, max_bytes: int | None = None) -> str:
    """*value* as JSON text of about *max_bytes* (default: ``max_value_bytes``); never raises.

    What was cut says so in its place: ``… [1,234 more characters]``, ``… [56 more items]``.
    """
    try:
        text = _encode(to_plain(value, max_bytes=max_bytes))
    except Exception as error:
        if not swallow("reading a value", error):
            raise
        return json.dumps(f"[not recorded: {type(error).__name__}]")
    return valid_unicode(text)


def to_plain(value: Any, name: str = "", max_bytes: int | None = None) -> Any:
    """*value* as dicts, lists, text, numbers, booleans and None, bounded and redacted."""
    return _Walk(max_bytes or current().max_value_bytes).plain(value, name, 0)


def sha256_of(value: Any) -> str:
    """Hash of the canonical form of what `to_json` records: equal values have equal ones."""
    return _canonical.sha256_of(json.loads(to_json(value)))


def bounded(text: str, limit: int = MAX_TEXT_BYTES, name: str = "") -> str:
    """*text* redacted, cut to *limit* characters (which is said), and encodable."""
    return valid_unicode(_cut(_redact.text(text[: limit + SLACK], name), len(text), limit))


def valid_unicode(text: str) -> str:
    """*text* without lone surrogates, which no protobuf message can carry."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def _cut(text: str, length: int, limit: int) -> str:
    if len(text) <= limit and length <= limit + SLACK:
        return text
    # What was searched may end in the middle of a secret, and stands further in front now.
    kept = text[:limit] if length <= limit + SLACK else text[: min(limit, len(text) - SLACK)]
    return f"{kept}… [{max(length - len(kept), 1):,} more characters]"


class _Walk:
    """One pass over a value with what is left of its budget."""

    __slots__ = ("left", "path")

    def __init__(self, budget: int) -> None:
        self.left = budget
        self.path: set[int] = set()

    def plain(self, value: Any, name: str, depth: int) -> Any:  # noqa: PLR0911 - one a type
        """One value; *name* is the nearest key above it, by which secrets are known."""
        kind = type(value)
        if kind is str:
            return self.text(value, name)
        if value is None or kind is bool:
            self.left -= 4
            return value
        if kind is int:
            return self.number(value)
        if kind is float:
            self.left -= 8
            if _redact.is_card(value):
                return _redact.REPLACED
            return value if math.isfinite(value) else repr(value)
        if kind is dict:
            return self.follow(value, dict.items(value), len(value), depth)
        if kind is list or kind is tuple:
            return self.sequence(value, value, name, depth)
        return self.other(value, name, depth)

    def text(self, value: str, name: str) -> Any:
        found = as_blob(value)
        if found is not None:
            self.left -= 128
            return found
        limit = max(self.left, 64)
        text = _cut(_redact.text(value[: limit + SLACK], name), len(value), limit)
        self.left -= len(text) + 3
        return text

    def number(self, value: int) -> Any:
        self.left -= 8
        if _redact.is_card(value):
            return _redact.REPLACED
        # CPython refuses to write integers of more than 4,300 digits.
        return value if value.bit_length() < 4096 else f"[integer of {value.bit_length()} bits]"

    def sequence(self, owner: Any, items: Iterable[Any], name: str, depth: int) -> Any:
        if not self.enter(owner, depth):
            return self.stop(owner, depth)
        result = []
        before: Any = None
        for count, item in enumerate(items):
            if self.left <= 0 or count >= MAX_ITEMS:
                more = f" [{len(owner) - count:,} more items]" if hasattr(owner, "__len__") else ""
                result.append(f"…{more}")
                break
            hidden = type(before) is str and _redact.announces(
                before, item, is_pair=type(owner) in {list, tuple} and len(owner) == 2
            )
            result.append(_redact.REPLACED if hidden else self.plain(item, name, depth + 1))
            before = item
        self.leave(owner)
        return result

    def follow(self, owner: Any, items: Iterable[tuple[Any, Any]], size: int, depth: int) -> Any:
        """A mapping's entries, in their order."""
        if not self.enter(owner, depth):
            return self.stop(owner, depth)
        result: dict[str, Any] = {}
        # A copy: another thread may change the mapping while we read it.
        for count, (key, item) in enumerate(list(islice(items, MAX_ITEMS))):
            if self.left <= 0:
                result["…"] = f"[{size - count:,} more items]"
                break
            label = self.key(key)
            if label in result:  # two keys with a secret in each, or 1 beside "1"
                label = f"{label} ({count})"
            self.left -= len(label) + 4
            if _redact.hides(label, item) or (label == "value" and _named_secret(owner, item)):
                result[label] = _redact.REPLACED
            elif label == "data" and type(item) is str and _holds_base64(owner):
                result[label] = as_blob(item, is_base64=True) or self.plain(item, label, depth + 1)
            else:
                result[label] = self.plain(item, label, depth + 1)
        self.leave(owner)
        return result

    def key(self, key: Any) -> str:
        if type(key) is str:
            if len(key) <= 512:
                return _redact.key(key)
            text = key
        elif isinstance(key, str | int | float | bool) or key is None:
            plain = self.plain(key, "", MAX_DEPTH)
            text = plain if isinstance(plain, str) else json.dumps(plain)
        elif isinstance(key, tuple):
            text = json.dumps(self.plain(key, "", MAX_DEPTH - 1), ensure_ascii=False)
        else:
            plain = self.plain(key, "", MAX_DEPTH)
            text = plain if isinstance(plain, str) else _objects.name_of(type(key))
        if len(text) > 512:
            return bounded(text, 512)
        return _redact.key(text)

    def other(self, value: Any, name: str, depth: int) -> Any:
        """Everything that is not one of JSON's own types."""
        if isinstance(value, bytes | bytearray | memoryview):
            self.left -= 128
            return blob(value)
        how, content = _objects.read(value)
        if how == "value":
            return self.plain(content, name, depth)
        if how == "items":
            return self.sequence(value, content, name, depth)
        if how == "fields":
            return self.follow(value, content.items(), len(content), depth)
        if how == "inside":
            # A plain object's own fields, but not those of the objects that it holds.
            return self.follow(value, _objects.shallow(value, content), len(content), depth)
        return self.text(content, name)

    def enter(self, owner: Any, depth: int) -> bool:
        self.left -= 2
        if depth >= MAX_DEPTH or id(owner) in self.path:
            return False
        self.path.add(id(owner))
        return True

    def leave(self, owner: Any) -> None:
        self.path.discard(id(owner))

    def stop(self, owner: Any, depth: int) -> str:
        self.left -= 16
        return "[circular]" if id(owner) in self.path else f"[deeper than {depth} levels]"


def _named_secret(owner: Any, value: Any) -> bool:
    """Whether *value* stands beside a name that hides it: ``{"name": "cookie", "value": …}``."""
    if type(owner) is not dict:
        return False
    names = (owner.get("name"), owner.get("key"))
    return any(type(name) is str and _redact.hides(name, value) for name in names)


def _holds_base64(owner: Any) -> bool:
    """Whether a mapping's ``data`` is base64, as in the providers' image and document parts."""
    return type(owner) is dict and (
        owner.get("type") == "base64" or "media_type" in owner or "mimeType" in owner
    )
