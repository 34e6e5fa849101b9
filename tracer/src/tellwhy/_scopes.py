"""What `agent` and `tool` give: put it above a function, or behind ``with``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar, cast

from tellwhy import _configure, _standing_in
from tellwhy._calls import Arguments, is_async, wrapped
from tellwhy._denied import Denied
from tellwhy._gate import Ask, Gate
from tellwhy._guard import guarded
from tellwhy._open_step import NOTHING, OpenStep
from tellwhy._recording.entry import tell_entry
from tellwhy._settings import logger
from tellwhy._spans import Effect, begin_agent, begin_tool
from tellwhy._standing_in import ReplayDiverged

F = TypeVar("F", bound="Callable[..., Any] | classmethod[Any, ..., Any] | staticmethod[..., Any]")
"""What is decorated comes back as the type it was, so type checkers see the same signature."""

CALL_ID_PARAMETERS = ("tool_call_id", "tool_use_id")
"""Parameters by which frameworks hand a tool the model's call id."""


TOOL_OBJECT_METHODS = ("to_dict", "invoke", "on_invoke_tool")
"""A callable object with one of them is a framework's tool, which a function cannot stand in for."""


class Step:
    """What ``with tellwhy.agent(…) as step`` and ``with tellwhy.tool(…) as step`` give."""

    __slots__ = ("_open",)

    def __init__(self, opened: OpenStep) -> None:
        self._open = opened

    def result(self, value: Any) -> None:
        """Record what came of it: what a function would have returned."""
        self._open.result(value)

    @property
    def run_id(self) -> str | None:
        """The run that the step belongs to, for your own log lines; None outside of every agent."""
        return self._open.run.run_id if self._open.run is not None else None


class _Scope:
    """What `agent(…)` and `tool(…)` give: put it above a function, or behind ``with``."""

    def __init__(self, name: str | None, arguments: Mapping[str, Any] | None) -> None:
        self._name = name
        self._arguments = arguments
        self._open: list[OpenStep] = []
        self._function: Callable[..., Any] | None = None

    def __call__(self, function: F) -> F:
        """Decorate *function*; it keeps its kind, its signature and its attributes."""
        if isinstance(function, classmethod | staticmethod):
            return cast("F", type(function)(self(function.__func__)))
        self._check(function)
        if isinstance(function, type):
            logger.warning(
                "tellwhy does not decorate the class %s: decorate the method that does the work.",
                function.__qualname__,
            )
            return cast("F", function)
        with guarded("decorating a function"):
            if _is_tool_object(function):
                logger.warning(
                    "tellwhy does not decorate the %s object %s: put the decorator below the "
                    "framework's, directly above the function.",
                    type(function).__name__,
                    _name_of(function),
                )
                return function
            begin, admission = self._begin_of(function), self._admission_of(function)
            return cast("F", wrapped(function, begin, admission))
        return self._undecorated(function)

    def _undecorated(self, function: F) -> F:
        """What is given when decorating failed: the function as it was."""
        return function

    def _admission_of(self, function: Callable[..., Any]) -> Gate | None:  # noqa: ARG002
        """Who is asked before each call."""
        return None

    def __enter__(self) -> Step:
        """Start the step; `Step.result` records what comes of it."""
        step: OpenStep = NOTHING
        name = self._name or "unnamed"
        if _configure.ensure_configured():
            with _STARTING:
                step = self._begin(name, self._arguments, is_block=True)
        if step is NOTHING:
            step = _unseen(name)
        if step.stand_in is not None:
            try:
                step.stand_in.call()
            except BaseException as error:
                step.failed(error)
                raise
        self._open.append(step)
        step.enter()
        return Step(step)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the step; an exception goes on its way."""
        step = self._open.pop() if self._open else NOTHING
        if error is None:
            step.ended()
        else:
            step.failed(error)

    async def __aenter__(self) -> Step:
        """Start the step."""
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the step; an exception goes on its way."""
        self.__exit__(kind, error, trace)

    def _begin_of(
        self, function: Callable[..., Any]
    ) -> Callable[[tuple[Any, ...], dict[str, Any]], OpenStep]:
        name = self._name or _name_of(function)
        arguments = Arguments(function)
        self._function = function
        self._look_at(function)

        def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> OpenStep:
            if not _configure.ensure_configured():
                return NOTHING
            with _STARTING:
                return self._begin(name, arguments.of(args, kwargs), args, kwargs)
            return _unseen(name)

        return begin

    def _begin(
        self,
        name: str,
        arguments: Mapping[str, Any] | None,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        is_block: bool = False,
    ) -> OpenStep:
        raise NotImplementedError

    def _check(self, function: Callable[..., Any]) -> None:
        """Refuse a function that cannot be decorated as was asked for."""

    def _look_at(self, function: Callable[..., Any]) -> None:
        """Take what the function itself says."""


_STARTING = guarded("starting a step")


def _unseen(name: str) -> OpenStep:
    """The step of what could not be looked at: it runs as if it were bare, but never in a replay.

    Raises:
        ReplayDiverged: This is one.
    """
    if _standing_in.current() is None:
        return NOTHING
    raise ReplayDiverged(f"{name} could not be looked at, and is not run again.")


class AgentScope(_Scope):
    """An agent at work: ``with tellwhy.agent("planner") as run: …``."""

    def __init__(
        self,
        name: str | None,
        arguments: Mapping[str, Any] | None,
        version: str | None,
        conversation_id: str | Callable[..., object] | None,
        *,
        replayable: bool,
    ) -> None:
        super().__init__(name, arguments)
        self._version = version
        self._conversation_id = conversation_id
        self._replayable = replayable

    def _begin(
        self,
        name: str,
        arguments: Mapping[str, Any] | None,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        is_block: bool = False,  # noqa: ARG002 - matters to tools
    ) -> OpenStep:
        step = begin_agent(
            name,
            arguments,
            version=self._version,
            conversation_id=self._conversation(args, kwargs or {}),
            replayable=self._replayable,
        )
        run = step.run
        if self._function is not None and run is not None and run.is_outermost and run.replayable:
            tell_entry(step.span, self._function, arguments)
        return step

    def _conversation(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
        given = self._conversation_id
        if callable(given):
            with guarded("calling the function given as conversation_id"):
                value = given(*args, **kwargs)
                return None if value is None else str(value)
            return None
        return None if given is None else str(given)


class ToolScope(_Scope):
    """A tool at work: ``with tellwhy.tool("search", arguments={…}) as step: …``."""

    def __init__(
        self,
        name: str | None,
        arguments: Mapping[str, Any] | None,
        effect: Effect | None,
        description: str | None,
        call_id: str | None,
        *,
        needs_approval: bool | Ask,
    ) -> None:
        super().__init__(name, arguments)
        if not isinstance(needs_approval, bool) and not callable(needs_approval):
            raise TypeError(
                f"tool(needs_approval={needs_approval!r}) would let every call pass. Give True, or "
                "a function that is asked before each call."
            )
        if effect not in {None, "read", "write", "irreversible"}:
            logger.warning(
                "tool(effect=%r) is left out: it takes read, write or irreversible.", effect
            )
            effect = None
        self._effect = effect
        self._description = description
        self._call_id = call_id
        self._needs_approval = needs_approval is not False
        self._ask = None if isinstance(needs_approval, bool) else needs_approval

    def __enter__(self) -> Step:
        """Ask, if somebody is to be asked, and start the step.

        Raises:
            Denied: Nobody let it run.
        """
        if self._ask is not None:
            self._gate(self._ask, self._name or "unnamed").ask_for(self._arguments or {})
        return super().__enter__()

    async def __aenter__(self) -> Step:
        """The same; the function that is asked may be async."""
        if self._ask is not None:
            gate = self._gate(self._ask, self._name or "unnamed")
            await gate.ask_for_async(self._arguments or {})
        return super().__enter__()

    def _check(self, function: Callable[..., Any]) -> None:
        if self._ask is None or isinstance(function, classmethod | staticmethod):
            return
        name = self._name or _name_of(function)
        if isinstance(function, type) or _is_tool_object(function):
            # To leave it undecorated, as without a gate, would let every call pass.
            raise TypeError(
                f"tool(needs_approval=…) cannot stand above {name}, which is no function: decorate "
                "the function or method that does the work."
            )
        self._gate(self._ask, name).check(is_async(function))

    def _undecorated(self, function: F) -> F:
        if self._ask is not None:
            raise TypeError(
                f"tool(needs_approval=…) could not be put around {self._name or 'a function'}"
                "; the log says why. Put it directly above a function."
            )
        return function

    def _admission_of(self, function: Callable[..., Any]) -> Gate | None:
        if self._ask is None:
            return None
        return self._gate(self._ask, self._name or _name_of(function), Arguments(function))

    def _gate(self, ask: Ask, name: str, arguments: Arguments | None = None) -> Gate:
        return Gate(
            ask, name, call_id_of=self._call_id_of, denied=self._denied, arguments=arguments
        )

    def _call_id_of(self, arguments: Mapping[str, Any] | None) -> str | None:
        """The model's id, if it was given, or stands among the arguments."""
        if self._call_id is not None or not arguments:
            return self._call_id
        found = (arguments.get(parameter) for parameter in CALL_ID_PARAMETERS)
        return next((given for given in found if isinstance(given, str)), None)

    def _denied(self, name: str, arguments: Mapping[str, Any], error: Denied) -> None:
        """Record a call that was not let run."""
        if _configure.ensure_configured():
            with _STARTING:
                call_id = self._call_id_of(arguments)
                step = begin_tool(name, arguments, effect=self._effect, call_id=call_id)
                step.failed(error)

    def _look_at(self, function: Callable[..., Any]) -> None:
        text = getattr(function, "__doc__", None)
        if self._description is None and isinstance(text, str):
            self._description = " ".join(text.strip().partition("\n\n")[0].split()) or None

    def _begin(
        self,
        name: str,
        arguments: Mapping[str, Any] | None,
        args: tuple[Any, ...] = (),  # noqa: ARG002 - an agent's conversation is read from it
        kwargs: Mapping[str, Any] | None = None,  # noqa: ARG002
        *,
        is_block: bool = False,
    ) -> OpenStep:
        return begin_tool(
            name,
            arguments,
            effect=self._effect,
            description=self._description,
            call_id=self._call_id_of(arguments),
            needs_approval=self._needs_approval,
            is_block=is_block,
        )


def _is_tool_object(function: Any) -> bool:
    return any(hasattr(type(function), method) for method in TOOL_OBJECT_METHODS)


def _name_of(function: Callable[..., Any]) -> str:
    """The function's name; for a partial or an object, that of what it calls."""
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__name__", None) or type(function).__name__
