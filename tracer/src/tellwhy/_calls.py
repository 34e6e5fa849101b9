"""Wrappers around the host's functions: plain, async, generator, async generator.

The host's call stands between `begin` and the step's end, with nothing of ours around it: its
result, its exception and its timing pass untouched. A generator's step is current only while the
generator's own code runs, never in the code that reads from it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, Protocol

from tellwhy._guard import guarded
from tellwhy._open_step import OpenStep
from tellwhy._standing_in import StandIn
from tellwhy._streams import Yielded

Begin = Callable[[tuple[Any, ...], dict[str, Any]], OpenStep]
"""Starts the step of one call from its arguments; never raises."""


class Admission(Protocol):
    """Stands before every call; what it raises is raised in place of the call."""

    def ask(self, args: tuple[Any, ...], kwargs: dict[str, Any], /) -> None:
        """Come back if the call may be made."""

    async def ask_async(self, args: tuple[Any, ...], kwargs: dict[str, Any], /) -> None:
        """The same, for async functions."""


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calls of *function* are awaited, or iterated asynchronously."""
    called = _called(function)
    return inspect.iscoroutinefunction(called) or inspect.isasyncgenfunction(called)


def _called(function: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.isroutine(function) or isinstance(function, functools.partial):
        return function
    return type(function).__call__


def wrapped(
    function: Callable[..., Any], begin: Begin, admission: Admission | None = None
) -> Callable[..., Any]:
    """*function* with a step around every call, of the same kind and with the same signature."""
    called = _called(function)
    if inspect.iscoroutinefunction(called):
        wrapper = _coroutine(function, begin, admission)
    elif inspect.isasyncgenfunction(called):
        wrapper = _async_generator(function, begin, admission)
    elif inspect.isgeneratorfunction(called):
        wrapper = _generator(function, begin, admission)
    else:
        wrapper = _plain(function, begin, admission)
    return functools.wraps(function)(wrapper)


def _plain(
    function: Callable[..., Any], begin: Begin, admission: Admission | None
) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        if admission is not None:
            admission.ask(args, kwargs)
        step = begin(args, kwargs)
        step.enter()
        try:
            value = step.stand_in.call() if step.stand_in else function(*args, **kwargs)
        except BaseException as error:
            step.failed(error)
            raise
        step.returned(value)
        return value

    return call


def _coroutine(
    function: Callable[..., Any], begin: Begin, admission: Admission | None
) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        if admission is not None:
            await admission.ask_async(args, kwargs)
        step = begin(args, kwargs)
        step.enter()
        try:
            value = step.stand_in.call() if step.stand_in else await function(*args, **kwargs)
        except BaseException as error:
            step.failed(error)
            raise
        step.returned(value)
        return value

    return call


def _generator(
    function: Callable[..., Any], begin: Begin, admission: Admission | None
) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        if admission is not None:
            admission.ask(args, kwargs)
        step = begin(args, kwargs)
        inner = _given(step.stand_in) if step.stand_in else function(*args, **kwargs)
        yielded = Yielded(step)
        proceed: Callable[[], Any] = functools.partial(next, inner)
        while True:
            step.enter()
            try:
                item = proceed()
            except StopIteration as end:
                yielded.finish(end.value)
                step.ended()
                return end.value
            except BaseException as error:
                yielded.finish(left_early=isinstance(error, GeneratorExit))
                step.failed(error)
                raise
            step.leave()
            yielded.add(item)
            try:
                proceed = functools.partial(inner.send, (yield item))
            except GeneratorExit:
                _close(inner, step, yielded)
                raise
            except BaseException as error:  # noqa: BLE001 - thrown in by the reader: hand it on
                proceed = functools.partial(inner.throw, error)

    return call


def _given(stand_in: StandIn) -> Generator[Any, Any, Any]:
    yield from stand_in.items()
    return stand_in.call()


async def _given_async(stand_in: StandIn) -> AsyncGenerator[Any, Any]:
    for item in stand_in.items():
        yield item
    stand_in.call()


def _close(inner: Generator[Any, Any, Any], step: OpenStep, yielded: Yielded) -> None:
    """The reader left: let the generator clean up inside its step."""
    step.enter()
    try:
        inner.close()
    except BaseException as error:
        yielded.finish(left_early=True)
        step.failed(error)
        raise
    yielded.finish(left_early=True)
    step.ended()


def _async_generator(
    function: Callable[..., Any], begin: Begin, admission: Admission | None
) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        if admission is not None:
            await admission.ask_async(args, kwargs)
        step = begin(args, kwargs)
        inner = _given_async(step.stand_in) if step.stand_in else function(*args, **kwargs)
        yielded = Yielded(step)
        proceed: Callable[[], Any] = inner.__anext__
        while True:
            step.enter()
            try:
                item = await proceed()
            except StopAsyncIteration:
                yielded.finish()
                step.ended()
                return
            except BaseException as error:
                yielded.finish(left_early=isinstance(error, GeneratorExit))
                step.failed(error)
                raise
            step.leave()
            yielded.add(item)
            try:
                proceed = functools.partial(inner.asend, (yield item))
            except GeneratorExit:
                await _aclose(inner, step, yielded)
                raise
            except BaseException as error:  # noqa: BLE001 - thrown in by the reader: hand it on
                proceed = functools.partial(inner.athrow, error)

    return call


async def _aclose(inner: AsyncGenerator[Any, Any], step: OpenStep, yielded: Yielded) -> None:
    """The reader left: let the generator clean up inside its step."""
    step.enter()
    try:
        await inner.aclose()
    except BaseException as error:
        yielded.finish(left_early=True)
        step.failed(error)
        raise
    yielded.finish(left_early=True)
    step.ended()


class Arguments:
    """Turns the arguments of a call into a mapping by parameter name, as they were passed.

    Defaults are left out: what the caller did not say is in the code, not in the call.
    """

    __slots__ = ("_function", "_known", "_names", "_rest")

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._known = False
        self._names: tuple[str, ...] = ()
        self._rest = "args"

    def of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """``{"name": value}`` in the order of the signature; `self` and `cls` are left out."""
        if not self._known:
            self._read_signature()
        found = dict(zip(self._names, args, strict=False))
        if len(args) > len(self._names):
            found[self._rest] = list(args[len(self._names) :])
        found.pop("self", None)
        found.pop("cls", None)
        found.update(kwargs)
        return found

    def _read_signature(self) -> None:
        self._known = True
        with guarded("reading a signature"):
            parameters = inspect.signature(self._function).parameters.values()
            places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
            self._names = tuple(each.name for each in parameters if each.kind in places)
            rest = [each.name for each in parameters if each.kind == each.VAR_POSITIONAL]
            self._rest = rest[0] if rest else "args"
