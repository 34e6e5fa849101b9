"""`Gate`: asks before a tool runs, and lets it run only after a yes.

This is the one place where we stand in the way of a call, because the developer said so. So nothing
here is guarded: what cannot be asked, or answers with something else than yes, does not run. The
gate also works where recording is off.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tellwhy import _standing_in
from tellwhy._approval import Approval
from tellwhy._calls import Arguments
from tellwhy._denied import Denied

Answer = bool | str | Approval | None
Ask = Callable[[Approval], "Answer | Awaitable[Answer]"]
"""True: it may run. False, or a text that says why: it may not. None: nobody answered, it may not.
An `Approval`: as that one was answered."""


class Gate:
    """The question that one function is put before each call of a tool."""

    def __init__(
        self,
        ask: Ask,
        tool: str,
        *,
        call_id_of: Callable[[Mapping[str, Any]], str | None],
        denied: Callable[[str, Mapping[str, Any], Denied], object],
        arguments: Arguments | None = None,
    ) -> None:
        """Make the gate of one tool.

        Args:
            ask: Who is asked.
            tool: The tool's name.
            call_id_of: The model's id of a call, by its arguments.
            denied: Records a call of *tool* that was not let run.
            arguments: Names the arguments of a call; None for blocks, which have theirs by name.
        """
        self._ask = ask
        self._tool = tool
        self._call_id_of = call_id_of
        self._denied = denied
        self._arguments = arguments
        name = getattr(ask, "__name__", "")
        self._by = name if name.isidentifier() else None

    def check(self, tool_is_async: bool) -> None:
        """Refuse a function that could not be awaited, when the tool is defined.

        Raises:
            TypeError: *ask* is async and the tool is not.
        """
        called = self._ask if inspect.isroutine(self._ask) else type(self._ask).__call__
        if inspect.iscoroutinefunction(called) and not tool_is_async:
            raise TypeError(
                f"needs_approval of {self._tool} is async and {self._tool} is not, so nobody could "
                "wait for the answer. Give a plain function, or make the tool async."
            )

    def ask(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """`ask_for` with the arguments of a call."""
        self.ask_for(self._named(args, kwargs))

    async def ask_async(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """`ask_for_async` with the arguments of a call."""
        await self.ask_for_async(self._named(args, kwargs))

    def ask_for(self, arguments: Mapping[str, Any]) -> None:
        """Ask, and come back if the tool may run.

        In a replay nobody is asked, until it goes live: what came of the call is recorded, a denial
        too.

        Raises:
            Denied: It may not.
            TypeError: The answer is none that can be understood.
        """
        if _standing_in.answers_for_tools():
            return
        with self._question(arguments) as question:
            answer = self._ask(question)
            if inspect.isawaitable(answer):
                if inspect.iscoroutine(answer):
                    answer.close()
                raise self._not_understood(answer)
            self._take(question, answer)
        self._end(question, arguments)

    async def ask_for_async(self, arguments: Mapping[str, Any]) -> None:
        """`ask_for`, for tools that are async; the function that is asked may be plain or async."""
        if _standing_in.answers_for_tools():
            return
        async with self._question(arguments) as question:
            answer = self._ask(question)
            if inspect.isawaitable(answer):
                answer = await answer
            self._take(question, answer)
        self._end(question, arguments)

    def _named(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Mapping[str, Any]:
        return kwargs if self._arguments is None else self._arguments.of(args, kwargs)

    def _question(self, arguments: Mapping[str, Any]) -> Approval:
        return Approval(self._tool, arguments, None, self._call_id_of(arguments), None)

    def _take(self, question: Approval, answer: Any) -> None:
        """Record the answer, unless the function has done so itself."""
        if question.decision is not None or answer is None:
            return
        if isinstance(answer, Approval):
            if answer.decision is not None:
                self._settle(question, answer.decision == "approved", answer.by, answer.note)
        elif isinstance(answer, bool):
            self._settle(question, answer, self._by, None)
        elif isinstance(answer, str):
            self._settle(question, False, self._by, answer)
        else:
            raise self._not_understood(answer)

    def _settle(self, question: Approval, yes: bool, by: str | None, note: str | None) -> None:
        # Whether a person stands behind the function is not known here: it may say so itself.
        kind: Any = "unknown" if by is self._by else None
        (question.approve if yes else question.deny)(by=by, note=note, kind=kind)

    def _not_understood(self, answer: Any) -> TypeError:
        return TypeError(
            f"needs_approval of {self._tool} answered with {type(answer).__name__}, so it was not "
            "run. Return True, False, a text that says why not, or an Approval."
        )

    def _end(self, question: Approval, arguments: Mapping[str, Any]) -> None:
        if question.decision == "approved":
            return
        note = question.note if question.decision else "nobody answered"
        error = Denied(self._tool, question.by, note)
        self._denied(self._tool, arguments, error)
        raise error
