"""boto3 and botocore: calls of Bedrock's models by converse, converse_stream and invoke_model.

`BaseClient._make_api_call` is where every method of every client ends up, with its retries;
`URLLib3Session.send` is called once for each attempt. Both have been there since botocore 1.11. Of what
botocore tells by its public events, none is told of a stream's end, nor of an attempt's place in
its call. aiobotocore has clients and transports of its own, and is not seen.

Source:
    botocore 1.44.8: client.py, httpsession.py, awsrequest.py, eventstream.py, response.py.
"""

from __future__ import annotations

import atexit
import functools
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

from opentelemetry import context as otel_context
from opentelemetry import trace

from tellwhy import _settings
from tellwhy._clients.call import Call
from tellwhy._clients.routes import CONVERSE, MESSAGES, Format
from tellwhy._clients.tee import Watched, drain_abandoned
from tellwhy._clients.transport import CURRENT
from tellwhy._guard import guarded
from tellwhy._runs import detach

INVOKED = replace(MESSAGES, provider="aws.bedrock")
"""What invoke_model sends to the models of Anthropic; those of others each have a format of their own."""

STREAMING = frozenset({"ConverseStream", "InvokeModelWithResponseStream"})

_streaming: weakref.WeakSet[Call] = weakref.WeakSet()
"""Calls whose stream is open: botocore's streams hold themselves, and many are never closed."""

_beginning = guarded("looking at a call of boto3")
_attempting = guarded("looking at a request of boto3")
_answering = guarded("looking at an answer to boto3")


def patch_client(module: ModuleType) -> Callable[[], None]:
    """Hook the clients of botocore; gives the way back."""
    owner: Any = module.BaseClient
    before = owner._make_api_call  # noqa: SLF001 - see above

    @functools.wraps(before)
    def make_api_call(self: Any, operation_name: Any, api_params: Any) -> Any:
        call = _begin(self, operation_name, api_params)
        if call is None:
            return before(self, operation_name, api_params)
        token = CURRENT.set(call)
        try:
            result = before(self, operation_name, api_params)
        except BaseException as error:
            call.failed(error, SimpleNamespace(json_data=_asked(call, api_params)))
            raise
        finally:
            CURRENT.reset(token)
        call.returned()
        return result

    owner._make_api_call = make_api_call  # noqa: SLF001
    atexit.register(_end_streams)

    def restore() -> None:
        atexit.unregister(_end_streams)
        if owner._make_api_call is make_api_call:  # noqa: SLF001
            owner._make_api_call = before  # noqa: SLF001

    return restore


def patch_transport(module: ModuleType) -> Callable[[], None]:
    """Hook the transport of botocore; gives the way back."""
    owner: Any = module.URLLib3Session
    before = owner.send

    @functools.wraps(before)
    def send(self: Any, request: Any) -> Any:
        call = CURRENT.get()
        if call is None or call.ended:
            return before(self, request)
        token = _goes_out(call, request)
        try:
            response = before(self, request)
        except BaseException as error:
            call.attempt_failed(error)
            raise
        finally:
            if token is not None:
                detach(token)
        _answered(call, response, streamed=bool(request.stream_output))
        return response

    owner.send = send

    def restore() -> None:
        if owner.send is send:
            owner.send = before

    return restore


def _begin(client: Any, operation: Any, params: Any) -> Call | None:
    """The call that begins here, or None when it asks no model."""
    with _beginning:
        if client.meta.service_model.service_name != "bedrock-runtime":
            return None
        spoken = _format(operation, params)
        settings = _settings.current()
        if spoken is None or settings.disabled or not settings.client_hook:
            return None
        drain_abandoned()
        return Call(spoken)
    return None


def _format(operation: Any, params: Any) -> Format | None:
    if operation in ("Converse", "ConverseStream"):
        return CONVERSE
    if operation in ("InvokeModel", "InvokeModelWithResponseStream"):
        body = params.get("body")
        text = body.decode("utf-8", "replace") if isinstance(body, bytes | bytearray) else body
        if isinstance(text, str) and '"anthropic_version"' in text:
            return INVOKED
    return None


def _asked(call: Call, params: Any) -> dict[str, Any]:
    """What was about to be sent, for a call that failed before its first request."""
    named = {"model": params.get("modelId")}
    return {**params, **named} if call.spoken is CONVERSE else named


def _goes_out(call: Call, request: Any) -> Any:
    """An attempt begins; what stands below it has the call's span as its parent."""
    with _attempting:
        call.attempt(_Request(request))
        if call.span is not None:
            return otel_context.attach(trace.set_span_in_context(call.span))
    return None


def _answered(call: Call, response: Any, *, streamed: bool) -> None:
    with _answering:
        told = _Response(response, streamed=streamed)
        call.attempt_answered(told, "urllib3", streamed=streamed)
        if streamed and call.body is not None:
            response.raw = _Body(response.raw, call)
            _streaming.add(call)


def _end_streams() -> None:
    """The program ends, and no more is read of any stream."""
    for call in list(_streaming):
        call.stream_ended()


class _Request:
    """A prepared request as `Call` reads those of httpx."""

    def __init__(self, request: Any) -> None:
        parts = urlsplit(request.url)
        self.method = request.method
        self.url = SimpleNamespace(
            path=unquote(parts.path), host=parts.hostname, port=parts.port, scheme=parts.scheme
        )
        body = request.body
        self._content = body if isinstance(body, bytes) else str(body or "").encode()
        self.headers = {str(name): _text(value) for name, value in request.headers.items()}


class _Headers(dict[str, str]):
    """Headers by name in lower case, as `Call` reads those of httpx."""

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        return [(name.encode(), value.encode("latin-1", "replace")) for name, value in self.items()]

    def multi_items(self) -> list[tuple[str, str]]:
        return [*self.items()]


class _Response:
    """An answer as `Call` reads those of httpx; one that the host streams is not read."""

    def __init__(self, response: Any, *, streamed: bool) -> None:
        self.status_code = response.status_code
        self.headers = _Headers(
            (str(name).lower(), str(value)) for name, value in response.headers.items()
        )
        self.content: bytes = b"" if streamed else response.content


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


class _Body(Watched):
    """A response of urllib3 whose bytes we see pass."""

    def __iter__(self) -> Iterator[bytes]:
        return self.stream()

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[bytes]:
        chunks = iter(self._inner.stream(*args, **kwargs))
        while True:
            try:
                chunk = next(chunks)
            except StopIteration:
                break
            except BaseException as error:
                self._call.stream_ended(error)
                raise
            self._call.chunk(chunk)
            if self._call.body is not None and self._call.body.broke:
                self._call.stream_ended()
            yield chunk
        self._call.stream_ended()

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        amount = args[0] if args else kwargs.get("amt")
        try:
            data: bytes = self._inner.read(*args, **kwargs)
        except BaseException as error:
            self._call.stream_ended(error)
            raise
        if data:
            self._call.chunk(data)
        if amount is None or (not data and amount != 0):
            self._call.stream_ended()
        return data

    def readinto(self, buffer: Any) -> int:
        try:
            length: int = self._inner.readinto(buffer)
        except BaseException as error:
            self._call.stream_ended(error)
            raise
        if length:
            self._call.chunk(bytes(memoryview(buffer)[:length]))
        else:
            self._call.stream_ended()
        return length

    def readlines(self, *args: Any) -> list[bytes]:
        lines: list[bytes] = self._inner.readlines(*args)
        for line in lines:
            self._call.chunk(line)
        self._call.stream_ended()
        return lines

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._call.stream_ended()
