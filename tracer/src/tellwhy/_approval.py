"""`approval`: who allowed or denied which exact payload, and how long the answer took."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal, Self

from tellwhy import _attributes as names
from tellwhy import _configure, _granted, _pending, _redact, _runs
from tellwhy._capture import bounded, sha256_of, to_json
from tellwhy._guard import guarded
from tellwhy._open_step import NOTHING, OpenStep
from tellwhy._settings import current as current_settings
from tellwhy._spans import begin_approval, current_tool

ApproverKind = Literal["person", "rule", "unknown"]
Decision = Literal["approved", "denied"]


_HASHES = (names.APPROVAL_SHOWN_SHA256, names.APPROVAL_ARGUMENTS_SHA256)


class Approval:
    """One question to a person or a rule; its span lasts as long as the answer takes.

    Leaving the ``with`` block without an answer records that it was asked and not answered.
    """

    def __init__(
        self,
        tool: str,
        arguments: Mapping[str, Any] | None,
        shown: Any,
        call_id: str | None,
        approver_kind: ApproverKind | None,
    ) -> None:
        self.tool = tool
        """Name of the tool that wants to run."""
        self.arguments = arguments
        """What it would be called with, by name, as it was passed."""
        self.shown = arguments if shown is None else shown
        """What the approver sees."""
        self.decision: Decision | None = None
        """``approved`` or ``denied``; None until somebody answers."""
        self.by: str | None = None
        """Who or which rule answered, as far as it was said."""
        self.note: str | None = None
        """What they said about it."""
        self._call_id = call_id
        self._kind = approver_kind
        self._sha256: set[str] = set()
        self._step: OpenStep = NOTHING

    def approve(
        self, *, by: str | None = None, note: str | None = None, kind: ApproverKind | None = None
    ) -> None:
        """Record that *by* allowed it.

        Args:
            by: Who: a name, an account, the name of a rule.
            note: What they said about it.
            kind: ``person`` or ``rule``; default: what `approval` was told, else a person.
        """
        self._answer("approved", by, note, kind)

    def deny(
        self, *, by: str | None = None, note: str | None = None, kind: ApproverKind | None = None
    ) -> None:
        """Record that *by* forbade it; the arguments are those of `approve`."""
        self._answer("denied", by, note, kind)

    def __enter__(self) -> Self:
        """The question is put now."""
        with guarded("starting an approval"):
            if _configure.ensure_configured():
                self._begin(None)
                self._step.enter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """The wait is over; an exception goes on its way."""
        if error is not None and self.decision is None:
            self._step.failed(error)
        self._step.ended()

    async def __aenter__(self) -> Self:
        """The question is put now."""
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """The wait is over; an exception goes on its way."""
        self.__exit__(kind, error, trace)

    def _begin(self, start_ns: int | None) -> None:
        tool = _redact.label(self.tool)
        found = {names.APPROVAL_TOOL_NAME: tool, names.APPROVAL_DECISION: "asked"}
        call_id = self._call_id or self._find_call_id()
        if call_id is not None:
            found[names.APPROVAL_TOOL_CALL_ID] = _redact.label(call_id, "id")
        found |= self._payloads()
        self._step = begin_approval(self.tool, found, start_ns)

    def _payloads(self) -> dict[str, str]:
        """What is shown and what was asked about, with their hashes; what is both stands once."""
        found: dict[str, str] = {}
        with_content = current_settings().captures_content
        if self.shown is not None:
            found[names.APPROVAL_SHOWN_SHA256] = sha256_of(self.shown)
            if with_content:
                found[names.APPROVAL_SHOWN] = to_json(self.shown)
        if self.arguments is not None:
            found[names.APPROVAL_ARGUMENTS_SHA256] = sha256_of(self.arguments)
            if with_content and self.shown is not self.arguments:
                found[names.APPROVAL_ARGUMENTS] = to_json(self.arguments)
        self._sha256 = {value for name, value in found.items() if name in _HASHES}
        return found

    def _find_call_id(self) -> str | None:
        """The call of the tool that we stand in, else the one that a model is waiting for."""
        around = current_tool()
        if around is not None and around.name == self.tool:
            return around.call_id
        asked = self.shown if self.arguments is None else self.arguments
        found = _pending.find(self.tool, asked, _runs.current())
        return found.call_id if found is not None else None

    def _answer(
        self,
        decision: Decision,
        by: str | None,
        note: str | None,
        kind: ApproverKind | None,
    ) -> None:
        if self.decision is not None or self._step.is_over:
            return
        self.decision, self.by, self.note = decision, by, note
        with guarded("recording an approval"):
            if self._step is NOTHING and _configure.ensure_configured():
                self._begin(None)  # answered without ``with``: the question is put and answered now
            kind = kind or self._kind or ("person" if by else "unknown")
            span = self._step.span
            span.set_attribute(names.APPROVAL_DECISION, decision)
            span.set_attribute(names.APPROVAL_APPROVER_KIND, kind)
            if by is not None:
                span.set_attribute(names.APPROVAL_APPROVER, bounded(str(by), 1_024, "by"))
            if note is not None and current_settings().captures_content:
                span.set_attribute(names.APPROVAL_NOTE, bounded(str(note), name="note"))
            self._step.answered()
            if decision == "approved":
                self._cover()

    def _cover(self) -> None:
        """Let the call that this is about know that it may run: the tool around, or one to come."""
        around = current_tool()
        if around is not None and around.name == self.tool:
            if around.arguments_sha256 in self._sha256 or not self._sha256:
                around.span.set_attribute(names.TOOL_UNAPPROVED, False)
            return
        asked = self.shown if self.arguments is None else self.arguments
        if asked is not None:
            _granted.grant(self.tool, sha256_of(asked))

    def _record(self, *, approved: bool, by: str | None, note: str | None, waited_s: float) -> None:
        with guarded("recording an approval"):
            if _configure.ensure_configured():
                self._begin(time.time_ns() - int(max(waited_s, 0) * 1e9))
                self._answer("approved" if approved else "denied", by, note, None)
                self._step.ended()


def approval(
    tool: str,
    *,
    arguments: Mapping[str, Any] | None = None,
    shown: Any = None,
    call_id: str | None = None,
    approver_kind: ApproverKind | None = None,
    approved: bool | None = None,
    by: str | None = None,
    note: str | None = None,
    waited_s: float = 0.0,
) -> Approval:
    """Record an approval: around the wait for it, or after the fact.

    ``with tellwhy.approval("refund", arguments=args) as ask: ask.approve(by="ana")`` measures the
    wait; ``tellwhy.approval("refund", arguments=args, approved=True, by="ana")`` is one line in a
    log.

    Args:
        tool: Name of the tool that wants to run.
        arguments: What it would be called with.
        shown: What the approver saw, if that is something else than *arguments*. Give both, so that
            a call with other arguments than those can be told.
        call_id: The model's id of the call; found by itself inside the tool, or while exactly
            this call waits to be executed.
        approver_kind: ``person`` or ``rule``.
        approved: After the fact: the answer.
        by: After the fact: who or which rule.
        note: After the fact: what they said.
        waited_s: After the fact: how long the answer took, in seconds.
    """
    asked = Approval(tool, arguments, shown, call_id, approver_kind)
    if approved is not None:
        asked._record(approved=approved, by=by, note=note, waited_s=waited_s)  # noqa: SLF001
    return asked
