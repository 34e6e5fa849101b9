"""Recorded answers in place of the network, below botocore's own sending, its retries and its parsers.

Where botocore asks urllib3 for a connection it gets one that asks the recording. What comes back is a
response of urllib3 around bytes in memory, so that streams and bodies stay botocore's own.

Source:
    botocore 1.44.8: httpsession.py, `URLLib3Session.send`.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Generator
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

from tellwhy._clients.routes import goes_to_model
from tellwhy._replay.edits import edited
from tellwhy._replay.player import Player
from tellwhy._replay.recording import Call


def patch(module: ModuleType, player: Player) -> Callable[[], None]:
    """Let all sessions of `botocore.httpsession` ask *player*; gives the way back."""
    owner: Any = module.URLLib3Session
    original = owner._get_connection_manager  # noqa: SLF001 - see above

    def connection_manager(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _Manager(original(self, *args, **kwargs), player)

    owner._get_connection_manager = connection_manager  # noqa: SLF001

    def restore() -> None:
        owner._get_connection_manager = original  # noqa: SLF001

    return restore


class _Manager:
    """A pool manager of urllib3 whose connections ask the recording."""

    def __init__(self, inner: Any, player: Player) -> None:
        self._inner, self._player = inner, player

    def connection_from_url(self, url: str) -> Any:
        return _Connection(self._inner, self._player, url)


class _Connection:
    """A pool of connections to one host, of which none is made while answers are recorded."""

    def __init__(self, manager: Any, player: Player, url: str) -> None:
        self._manager, self._player, self._url = manager, player, url
        self.proxy_headers: dict[str, str] = {}

    def urlopen(self, *, method: str, url: str, body: Any, **options: Any) -> Any:
        """An answer of the recording, or of the network where that may be asked."""
        parts, found = urlsplit(url), _json(body)
        call = None
        if goes_to_model(method, parts.path.encode()) and found is not None:
            call = self._player.request(method, unquote(parts.path), found)
        elif not (self._player.is_live or self._player.options.allow_network):
            raise self._player.refused(self._url)
        if call is None:
            if found is not None and self._player.is_live and self._player.options.edits:
                body = json.dumps(edited(found, self._player.options.edits)).encode()
            live = self._manager.connection_from_url(self._url)
            return live.urlopen(method=method, url=url, body=body, **options)
        return _response(call, is_timed=self._player.options.timing)


def _response(call: Call, *, is_timed: bool) -> Any:
    # botocore, which is here, brings urllib3; without it there is nothing to import.
    from urllib3.exceptions import ProtocolError  # noqa: PLC0415
    from urllib3.response import HTTPResponse  # noqa: PLC0415

    if is_timed and call.chunks:
        time.sleep(call.chunks[0][0] / 1000)
    if not call.status:
        raise ProtocolError((call.error or {}).get("message", ""))

    class Recorded(HTTPResponse):
        """A body that comes in the pieces in which it came."""

        def stream(self, *_: Any, **__: Any) -> Generator[bytes, None, None]:
            before = call.chunks[0][0] if call.chunks else 0
            for at_ms, data in call.chunks:
                if is_timed:
                    time.sleep(max(at_ms - before, 0) / 1000)
                before = at_ms
                yield data
            if call.error is not None:
                raise ProtocolError(call.error.get("message", ""))

    data = b"".join(each for _, each in call.chunks)
    return Recorded(
        io.BytesIO(data), headers=dict(call.headers), status=call.status, preload_content=False
    )


def _json(body: Any) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (TypeError, ValueError):
        return None
    return found if isinstance(found, dict) else None
