"""The SDK side of the hook: one logical call, with its retries, of anthropic and openai.

`SyncAPIClient.request` and `AsyncAPIClient.request` of the SDKs' ``_base_client`` are where every
method ends up: create, raw streams, stream helpers, raw responses, tool runners, beta. The names are
the same from anthropic 0.x to 2.x and openai 2.x to 3.x. If one day they are not, `transport` still
writes one span for each attempt.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from tellwhy import _settings
from tellwhy._clients.beside import without_native_span
from tellwhy._clients.call import Call
from tellwhy._clients.routes import of_path
from tellwhy._clients.tee import drain_abandoned
from tellwhy._clients.transport import CURRENT
from tellwhy._guard import guarded

_beginning = guarded("looking at an SDK call")


def patch(base_client: ModuleType) -> Callable[[], None]:
    """Hook the clients of one SDK; gives the way back."""
    module: Any = base_client
    hooked: list[tuple[Any, Any, Any]] = []
    for base, wrap in (
        (module.SyncAPIClient, _sync_request),
        (module.AsyncAPIClient, _async_request),
    ):
        for owner in _owners(base):
            before = owner.request
            owner.request = wrap(before)
            hooked.append((owner, owner.request, before))

    def restore() -> None:
        for owner, mine, before in hooked:
            if owner.request is mine:
                owner.request = before

    return restore


def _owners(base: Any) -> list[Any]:
    """*base*, and the clients below it whose ``request`` somebody has wrapped before we came.

    OpenInference does: what it has wrapped is the method as it was, around which ours would be left.
    """
    found, below = [base], list(base.__subclasses__())
    while below:
        owner = below.pop()
        below += owner.__subclasses__()
        if "request" in vars(owner):
            found.append(owner)
    return found


def _sync_request(original: Any) -> Any:
    @functools.wraps(original)
    def request(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = _begin(args, kwargs)
        if call is None:
            return original(self, *args, **kwargs)
        args, kwargs = _prepared(self, args, kwargs)
        token = CURRENT.set(call)
        try:
            result = original(self, *args, **kwargs)
        except BaseException as error:
            call.failed(error, _options(args, kwargs))
            raise
        finally:
            CURRENT.reset(token)
        call.returned()
        return result

    return request


def _async_request(original: Any) -> Any:
    @functools.wraps(original)
    async def request(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = _begin(args, kwargs)
        if call is None:
            return await original(self, *args, **kwargs)
        args, kwargs = _prepared(self, args, kwargs)
        token = CURRENT.set(call)
        try:
            result = await original(self, *args, **kwargs)
        except BaseException as error:
            call.failed(error, _options(args, kwargs))
            raise
        finally:
            _reset(token)
        call.returned()
        return result

    return request


def _begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
    """The call that begins here, or None when the request is of another kind."""
    with _beginning:
        options = _options(args, kwargs)
        around = CURRENT.get()
        if around is not None and not around.ended:
            return None  # the same call, as the client below has it
        if options is None or str(options.method).lower() != "post":
            return None
        spoken = of_path(str(options.url))
        settings = _settings.current()
        if spoken is None or settings.disabled or not settings.client_hook:
            return None
        drain_abandoned()
        return Call(spoken)
    return None


def _options(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The request options: the second parameter in every major version, by place or name."""
    return kwargs.get("options", args[1] if len(args) > 1 else None)


def _prepared(
    client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    options = without_native_span(client, _options(args, kwargs))
    if "options" in kwargs:
        return args, {**kwargs, "options": options}
    return (args[0], options, *args[2:]), kwargs


def _reset(token: Any) -> None:
    try:
        CURRENT.reset(token)
    except ValueError:
        # A coroutine that was dropped is closed in another context; nothing is left to undo there.
        return
