"""VCR recordings → exchanges: what a client sent and a provider answered, byte for byte where kept."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

STREAM_STARTS = (b"event:", b"data:", b":")
"""How a body begins that is a stream of server-sent events."""

SERVED_HEADERS = ("content-type", "retry-after", "request-id", "x-request-id", "x-amzn-requestid")
"""Recorded headers that are served again, beside those of rate limits."""


@dataclass(frozen=True)
class Exchange:
    """One recorded request and its response."""

    provider: str
    file: str
    number: int
    """Place in its file, from 0."""
    method: str
    url: str
    request_headers: dict[str, str]
    request: bytes
    status: int
    headers: dict[str, str]
    """Response headers, names in lower case."""
    body: bytes
    """The response body as it went over the wire, still packed when `packing` is set."""
    asked: Any = field(compare=False)
    """The request body as JSON; None when it is something else."""

    @property
    def path(self) -> str:
        """The path of the URL."""
        return urlsplit(self.url).path

    @property
    def name(self) -> str:
        """Says which exchange it is."""
        return f"{self.provider}/{self.file}#{self.number}"

    @property
    def packing(self) -> str:
        """``gzip`` when the recording kept the packed bytes, else empty."""
        return "gzip" if self.body.startswith(b"\x1f\x8b") else ""

    @property
    def is_stream(self) -> bool:
        """Whether the answer is a stream of events, in text or in Amazon's frames."""
        return self.is_framed or (not self.packing and self.body.lstrip().startswith(STREAM_STARTS))

    @property
    def is_framed(self) -> bool:
        """Whether the answer comes in Amazon's binary frames."""
        return "amazon.eventstream" in self.headers.get("content-type", "")


def read_folder(folder: Path) -> Iterator[Exchange]:
    """Every exchange of every recording below *folder*; the first folder is the provider."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".yaml", ".yml", ".json"}:
            provider = path.relative_to(folder).parts[0]
            yield from read_file(path, provider)


def read_file(path: Path, provider: str) -> Iterator[Exchange]:
    """The exchanges of one recording, in their order."""
    for number, each in enumerate(_loaded(path)["interactions"]):
        request, response = each["request"], each["response"]
        sent = _body(request)
        yield Exchange(
            provider=provider,
            file=path.stem,
            number=number,
            method=request["method"],
            url=request["uri"],
            request_headers=_headers(request),
            request=sent,
            status=response["status"]["code"],
            headers=_headers(response),
            body=_body(response),
            asked=_json(sent),
        )


def served_headers(exchange: Exchange) -> dict[str, str]:
    """Headers to serve; a content type that the recording left out follows from the body."""
    found = {
        name: value
        for name, value in exchange.headers.items()
        if name in SERVED_HEADERS or "ratelimit" in name
    }
    kind = "text/event-stream; charset=utf-8" if exchange.is_stream else "application/json"
    return {"content-type": kind, **found}


def _loaded(path: Path) -> Any:
    if path.suffix == ".json":  # every JSON text is YAML: a recording without a YAML reader
        return json.loads(path.read_text())
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_bytes(), Loader=loader)


def _headers(message: dict[str, Any]) -> dict[str, str]:
    return {
        name.lower(): str(value[0] if isinstance(value, list) else value)
        for name, value in (message.get("headers") or {}).items()
        if value
    }


def _body(message: dict[str, Any]) -> bytes:
    if message.get("parsed_body") is not None:
        return json.dumps(message["parsed_body"], ensure_ascii=False).encode()
    body = message.get("body")
    if isinstance(body, dict):
        if "base64_string" in body:
            return base64.b64decode(body["base64_string"])
        body = body.get("string")
    return body.encode() if isinstance(body, str) else body or b""


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
