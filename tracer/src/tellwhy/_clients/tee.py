"""A byte stream in front of another: its chunks pass at once, and we see them pass."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from queue import Empty, SimpleQueue
from typing import Any

from tellwhy._clients.call import Call

_abandoned: SimpleQueue[tuple[Call, int]] = SimpleQueue()


def abandoned(call: Call, at_ns: int) -> None:
    """Note that the stream of *call* was dropped without being closed, at that Unix nanosecond."""
    _abandoned.put((call, at_ns))


def drain_abandoned() -> None:
    """End the calls whose streams were dropped without being closed.

    A stream may be collected while any lock is held, so its end is only noted there (`SimpleQueue`
    may be used from finalizers) and written here: at the next model call, and at exit.
    """
    while not _abandoned.empty():
        try:
            call, at_ns = _abandoned.get_nowait()
        except Empty:
            return
        call.stream_ended(at_ns=at_ns)


class Watched:
    """Bytes in front of others: everything but what passes is the other's."""

    def __init__(self, inner: Any, call: Call) -> None:
        self._inner = inner
        self._call = call

    def __getattr__(self, name: str) -> Any:
        # httpx2 reads `elapsed` from here, anthropic its `stream_observer`.
        if name in {"_inner", "_call"}:  # a half-made object: else this would ask itself for ever
            raise AttributeError(name)
        return getattr(self._inner, name)

    def __del__(self) -> None:
        call = self.__dict__.get("_call")
        if call is not None and not call.ended:
            abandoned(call, time.time_ns())


def tee_class(library: Any) -> type:
    """The class for responses of *library*'s synchronous client."""

    class Tee(Watched, library.SyncByteStream):  # type: ignore[misc]
        def __iter__(self) -> Iterator[bytes]:
            chunks = iter(self._inner)
            while True:
                try:
                    chunk = next(chunks)
                except StopIteration:
                    break
                except BaseException as error:
                    self._call.stream_ended(error)
                    raise
                self._call.chunk(chunk)
                yield chunk
            self._call.stream_ended()

        def close(self) -> None:
            try:
                self._inner.close()
            finally:
                self._call.stream_ended()

    return Tee


def async_tee_class(library: Any) -> type:
    """The class for responses of *library*'s asynchronous client."""

    class AsyncTee(Watched, library.AsyncByteStream):  # type: ignore[misc]
        async def __aiter__(self) -> AsyncIterator[bytes]:
            chunks = aiter(self._inner)
            try:
                while True:
                    try:
                        chunk = await anext(chunks)
                    except StopAsyncIteration:
                        break
                    except BaseException as error:
                        self._call.stream_ended(error)
                        raise
                    self._call.chunk(chunk)
                    yield chunk
            finally:
                # An async generator that is not closed here waits for the garbage collector.
                if hasattr(chunks, "aclose"):
                    await chunks.aclose()
            self._call.stream_ended()

        async def aclose(self) -> None:
            try:
                await self._inner.aclose()
            finally:
                self._call.stream_ended()

    return AsyncTee
