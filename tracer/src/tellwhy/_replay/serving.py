"""Recorded answers in place of the network, below everything that httpx and httpx2 do themselves.

A client's transport is where bytes would leave; above it event hooks, redirects, logging and the
types of what comes back stay the library's own.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import Any

from tellwhy._clients.routes import goes_to_model
from tellwhy._replay.edits import edited
from tellwhy._replay.player import Player
from tellwhy._replay.recording import Call

IN_PROCESS = frozenset({"MockTransport", "ASGITransport", "WSGITransport"})
"""Transports of the libraries that reach nobody outside."""


def patch(library: ModuleType, player: Player) -> Callable[[], None]:
    """Let all clients of *library* (httpx or httpx2) ask *player*; gives the way back."""
    made = _transports(library, player)
    owners: list[Any] = [library.Client, library.AsyncClient]
    originals = [owner._transport_for_url for owner in owners]  # noqa: SLF001 - see above
    for owner, original, transport in zip(owners, originals, made, strict=True):
        owner._transport_for_url = _asking(original, transport)  # noqa: SLF001

    def restore() -> None:
        for owner, original in zip(owners, originals, strict=True):
            owner._transport_for_url = original  # noqa: SLF001

    return restore


def _asking(original: Any, transport: type) -> Any:
    def transport_for_url(self: Any, url: Any) -> Any:
        return transport(original(self, url))

    return transport_for_url


def _transports(library: Any, player: Player) -> tuple[type, type]:
    class Recorded(library.BaseTransport):  # type: ignore[misc]
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def handle_request(self, request: Any) -> Any:
            call = _recorded(player, request, request.read(), self._inner)
            if call is None:
                return self._inner.handle_request(_edited(library, player, request))
            if player.options.timing and call.chunks:
                time.sleep(call.chunks[0][0] / 1000)
            _raise_unanswered(library, call, request)
            stream = _stream_class(library, player)(call, request)
            return _response(library, call, stream)

    class AsyncRecorded(library.AsyncBaseTransport):  # type: ignore[misc]
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        async def handle_async_request(self, request: Any) -> Any:
            call = _recorded(player, request, await request.aread(), self._inner)
            if call is None:
                return await self._inner.handle_async_request(_edited(library, player, request))
            if player.options.timing and call.chunks:
                await asyncio.sleep(call.chunks[0][0] / 1000)
            if (
                call.error is not None
                and not call.status
                and call.error["type"] == "CancelledError"
            ):
                # The program gave up waiting; it will again.
                await asyncio.Event().wait()
            _raise_unanswered(library, call, request)
            stream = _async_stream_class(library, player)(call, request)
            return _response(library, call, stream)

    return Recorded, AsyncRecorded


def _recorded(player: Player, request: Any, content: bytes, inner: Any) -> Call | None:
    """The recorded call; None when the request may go out."""
    if goes_to_model(request.method, request.url.raw_path):
        body = _json(content)
        if body is not None:
            return player.request(request.method, request.url.path, body)  # None: it is live
    if player.is_live or player.options.allow_network or type(inner).__name__ in IN_PROCESS:
        return None
    raise player.refused(str(request.url.copy_with(query=None)))


def _edited(library: Any, player: Player, request: Any) -> Any:
    """A live request to a model, with what the user wants to be different."""
    body = _json(request.content) if player.is_live and player.options.edits else None
    if body is None or not goes_to_model(request.method, request.url.raw_path):
        return request
    content = json.dumps(edited(body, player.options.edits), ensure_ascii=False).encode()
    headers = [each for each in request.headers.raw if each[0].lower() != b"content-length"]
    return library.Request(
        request.method,
        request.url,
        headers=headers,
        content=content,
        extensions=request.extensions,
    )


def _json(content: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _response(library: Any, call: Call, stream: Any) -> Any:
    return library.Response(
        call.status,
        headers=call.headers,
        stream=stream,
        extensions={"http_version": b"HTTP/1.1"},
    )


def _raise_unanswered(library: Any, call: Call, request: Any) -> None:
    if not call.status:
        raise _error(library, call, request)


def _error(library: Any, call: Call, request: Any) -> Exception:
    said = call.error or {}
    kind = getattr(library, said.get("type", ""), None)
    if not (isinstance(kind, type) and issubclass(kind, library.TransportError)):
        kind = library.ReadError
    made: Exception = kind(said.get("message", ""), request=request)
    return made


def _stream_class(library: Any, player: Player) -> type:
    class Chunks(library.SyncByteStream):  # type: ignore[misc]
        def __init__(self, call: Call, request: Any) -> None:
            self._call, self._request = call, request

        def __iter__(self) -> Iterator[bytes]:
            for wait_s, data in _paced(self._call):
                if player.options.timing:
                    time.sleep(wait_s)
                yield data
            if self._call.error is not None:
                raise _error(library, self._call, self._request)

    return Chunks


def _async_stream_class(library: Any, player: Player) -> type:
    class AsyncChunks(library.AsyncByteStream):  # type: ignore[misc]
        def __init__(self, call: Call, request: Any) -> None:
            self._call, self._request = call, request

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for wait_s, data in _paced(self._call):
                if player.options.timing:
                    await asyncio.sleep(wait_s)
                yield data
            if self._call.error is not None:
                raise _error(library, self._call, self._request)

    return AsyncChunks


def _paced(call: Call) -> Iterator[tuple[float, bytes]]:
    """Chunks with the seconds that lay before each."""
    before = call.chunks[0][0] if call.chunks else 0
    for at_ms, data in call.chunks:
        yield max(at_ms - before, 0) / 1000, data
        before = at_ms
