"""Requests and responses of plain HTTP in the shape in which `call` reads those of httpx."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit


class Headers:
    """Names and values in their order; a name is found in any spelling."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = list(pairs)

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """As bytes."""
        return [
            (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
            for name, value in self._pairs
        ]

    def multi_items(self) -> list[tuple[str, str]]:
        """All of them."""
        return self._pairs

    def items(self) -> Iterator[tuple[str, str]]:
        """All of them, names in lower case."""
        return ((name.lower(), value) for name, value in self._pairs)

    def get(self, name: str, default: str = "") -> str:
        """The first value of a name."""
        wanted = name.lower()
        return next((value for key, value in self.items() if key == wanted), default)


class Address:
    """The parts of an address."""

    __slots__ = ("host", "path", "port", "scheme")

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or ""
        self.path = parts.path
        self.port = parts.port
        self.scheme = parts.scheme


class Request:
    """One request that goes out."""

    __slots__ = ("_content", "headers", "method", "url")

    def __init__(self, url: str, headers: Iterable[tuple[str, str]], content: bytes) -> None:
        self.method = "POST"
        self.url = Address(url)
        self.headers = Headers(headers)
        self._content = content


@dataclass(frozen=True, slots=True)
class Response:
    """One response; *content* is empty when it is read as a stream."""

    status_code: int
    headers: Headers
    content: bytes = b""
