"""The HTTP side of the hook: every request that an httpx or httpx2 client sends to a model.

`Client.send` and `AsyncClient.send` are where we stand: public, the same in both libraries, called
once for each attempt of an SDK, and above whatever transport is below: the library's own, a mock,
one of the user's, aiohttp's. A transport class of the user's own would not pass by a hook on
`HTTPTransport`. Redirects and authentication rounds stay inside one attempt.

Nothing is read or held back for our sake: a body that the host streams passes through a `Tee`,
chunk by chunk; one that it has read is looked at where it already is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace

from tellwhy import _settings
from tellwhy._clients.body import UnpackedExchange
from tellwhy._clients.call import Call
from tellwhy._clients.routes import goes_to_model, of_path
from tellwhy._clients.tee import async_tee_class, drain_abandoned, tee_class
from tellwhy._guard import guarded
from tellwhy._runs import detach

CURRENT: ContextVar[Call | None] = ContextVar("tellwhy_model_call", default=None)
"""The SDK call that this code runs in."""

_arriving = guarded("looking at a request")


def patch(library: ModuleType) -> Callable[[], None]:
    """Hook the clients of *library* (httpx or httpx2); gives the way back."""
    name = library.__name__
    sync_class, async_class = library.Client, library.AsyncClient
    tees = (tee_class(library), async_tee_class(library))
    originals = (sync_class.send, async_class.send)
    sync_class.send = _sync_send(sync_class.send, name, tees[0])
    async_class.send = _async_send(async_class.send, name, tees[1])
    ours = (sync_class.send, async_class.send)

    def restore() -> None:
        for owner, mine, before in zip((sync_class, async_class), ours, originals, strict=True):
            if owner.send is mine:  # else somebody wrapped ours: leave it, it is inert
                owner.send = before

    return restore


def _sync_send(original: Any, library: str, tee: type) -> Any:
    @functools.wraps(original)
    def send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        call = _call_for(request)
        if call is None:
            return original(self, request, *args, **kwargs)
        call.attempt(request)
        token = _enter(call)
        try:
            response = original(self, request, *args, **kwargs)
        except BaseException as error:
            _no_response(call, error)
            raise
        finally:
            _leave(token)
        _response(call, response, library, tee, streamed=bool(kwargs.get("stream")))
        return response

    return send


def _async_send(original: Any, library: str, tee: type) -> Any:
    @functools.wraps(original)
    async def send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        call = _call_for(request)
        if call is None:
            return await original(self, request, *args, **kwargs)
        call.attempt(request)
        token = _enter(call)
        try:
            response = await original(self, request, *args, **kwargs)
        except BaseException as error:
            _no_response(call, error)
            raise
        finally:
            _leave(token)
        _response(call, response, library, tee, streamed=bool(kwargs.get("stream")))
        return response

    return send


def _call_for(request: Any) -> Call | None:
    """The model call that a request is an attempt of; a bare request to a model is one itself."""
    with _arriving:
        if not goes_to_model(request.method, request.url.raw_path):
            return None
        call = CURRENT.get()
        if call is not None:
            return call
        return _implicit_call(request)
    return None


def _implicit_call(request: Any) -> Call | None:
    spoken = of_path(request.url.path)
    settings = _settings.current()
    if spoken is None or settings.disabled or not settings.client_hook:
        return None
    # The body decides: many an API has a path that ends with /responses.
    content = getattr(request, "_content", b"")
    if b'"model"' not in content:
        return None
    if not any(f'"{field}"'.encode() in content for field in spoken.needs):
        return None
    drain_abandoned()
    return Call(spoken, implicit=True)


def _enter(call: Call) -> Any:
    """Make the call's span the current one, so that spans of the HTTP library stand below it."""
    with _arriving:
        if call.span is not None:
            return otel_context.attach(trace.set_span_in_context(call.span))
    return None


def _leave(token: Any) -> None:
    if token is not None:
        # A coroutine that was dropped is closed in another context; nothing is left to undo there.
        detach(token)


def _no_response(call: Call, error: BaseException) -> None:
    call.attempt_failed(error)
    if call.implicit:
        call.failed(error)


def _response(call: Call, response: Any, library: str, tee: type, *, streamed: bool) -> None:
    call.attempt_answered(response, library, streamed=streamed)
    if call.body is not None:
        with _arriving:
            if hasattr(response, "_content"):
                # A cache or a mock had the whole body: nobody will read its stream.
                call.body.is_unpacked()
                call.chunk(response.content)
                call.stream_ended()
            else:
                response.stream = tee(response.stream, call)
        return
    if streamed and call.exchange is not None:
        # A refusal, which the SDK reads to its end before it tries again.
        with _arriving:
            watched = UnpackedExchange(call.exchange, response.headers, library)
            if hasattr(response, "_content"):
                call.exchange.chunk(response.content)
            else:
                response.stream = tee(response.stream, watched)
    if call.implicit:
        call.returned()
