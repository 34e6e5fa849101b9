"""Who let a tool of Claude Code run, or did not: callbacks, hooks and rules of its settings.

Source:
    claude-agent-sdk 0.2.189, types.py (`PermissionResult`, `HookJSONOutput`), _internal/query.py;
    Claude Code 2.1.332, captured: ``tool_result_meta``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from opentelemetry.context import Context

from tellwhy import _attributes as names
from tellwhy import _redact, _settings, _spans
from tellwhy._capture import bounded, sha256_of
from tellwhy._frameworks.steps import content, labelled
from tellwhy._open_step import OpenStep

DECISIONS = {
    "allow": "approved",
    "approve": "approved",
    "accept": "approved",
    "deny": "denied",
    "block": "denied",
    "reject": "denied",
}
"""Every word for yes and no -> ours; ``ask`` hands the question on and is neither."""

PEOPLE = "user"
"""Begins the sources of decisions that somebody made on the spot."""


class Gate:
    """One question about one call of a tool."""

    __slots__ = ("_call_id", "_context", "_name", "_shown", "_started_ns", "_step", "asks")

    def __init__(
        self, name: str, call_id: str | None, shown: Any, context: Context, *, asks: bool
    ) -> None:
        """It is asked now.

        Args:
            name: The tool.
            call_id: The model's id of the call.
            shown: Its arguments, which is what is decided about.
            context: The tool's place.
            asks: Whether an answer is sure to be meant: of a hook that stays silent nothing is told.
        """
        self._name = name
        self._call_id = call_id
        self._shown = shown
        self._context = context
        self._started_ns = time.time_ns()
        self.asks = asks
        self._step: OpenStep | None = None
        if asks:
            self._begin()

    def decided(
        self,
        word: str | None,
        *,
        by: str | None,
        kind: str,
        reason: Any = None,
        changed: Any = None,
    ) -> str | None:
        """It was answered with *word*; gives ``approved`` or ``denied``, None when it was neither.

        Args:
            word: As Claude Code has it.
            by: Who or what answered.
            kind: ``rule`` or ``unknown``.
            reason: What was said beside it.
            changed: Arguments that were allowed in the place of those that were asked about.
        """
        decision = DECISIONS.get(word or "")
        if self._step is None and decision is None:
            return None
        step = self._step or self._begin()
        said = {
            names.APPROVAL_DECISION: decision or "asked",
            names.APPROVAL_APPROVER: by,
            names.APPROVAL_APPROVER_KIND: kind,
        }
        found = labelled(said)
        if isinstance(reason, str) and reason and _settings.current().captures_content:
            found[names.APPROVAL_NOTE] = bounded(reason, name="note")
        if decision == "approved" and isinstance(changed, dict) and changed != self._shown:
            found[names.APPROVAL_ARGUMENTS_SHA256] = sha256_of(changed)
            found |= content(names.APPROVAL_ARGUMENTS, changed)
        step.span.set_attributes(found)
        step.ended()
        return decision

    def _begin(self) -> OpenStep:
        said: dict[str, Any] = labelled(
            {
                names.FRAMEWORK: "claude_agent",
                names.APPROVAL_TOOL_NAME: self._name,
                names.APPROVAL_TOOL_CALL_ID: self._call_id,
            }
        )
        said[names.APPROVAL_SHOWN_SHA256] = sha256_of(self._shown)
        said |= content(names.APPROVAL_SHOWN, self._shown)
        name = _redact.label(self._name)
        self._step = _spans.begin_approval(name, said, self._started_ns, self._context)
        return self._step


def answer_of_hook(output: Mapping[str, Any]) -> tuple[str | None, Any, Any]:
    """The word, the reason and the changed arguments in what a hook gave back."""
    inner = output.get("hookSpecificOutput")
    inner = inner if isinstance(inner, Mapping) else {}
    decision = inner.get("decision")
    if isinstance(decision, Mapping):  # PermissionRequest
        word = decision.get("behavior")
        return _word(word), decision.get("message"), decision.get("updatedInput")
    word = inner.get("permissionDecision") or output.get("decision")
    reason = inner.get("permissionDecisionReason") or output.get("reason")
    return _word(word), reason, inner.get("updatedInput")


def rule_of(meta: Mapping[str, Any]) -> tuple[str | None, str, str] | None:
    """Word, approver and kind, as a tool's result tells how it came to run or not."""
    told = meta.get("permission_decision")
    if not isinstance(told, Mapping):
        return None
    source = str(told.get("source") or "unknown")
    kind = "unknown" if source.startswith(PEOPLE) or source == "unknown" else "rule"
    parts = [source, *(str(told[key]) for key in ("reason_type", "rule") if told.get(key))]
    return _word(told.get("decision")), " ".join(parts), kind


def name_of(function: Any) -> str | None:
    """How a callback of the program is called."""
    name = getattr(function, "__qualname__", None) or getattr(type(function), "__qualname__", None)
    return None if function is None or name is None else str(name)


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) else None
