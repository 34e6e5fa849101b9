"""Questions to a person, and the answers with which a run goes on, often in a later call.

A question is a step of kind human that was asked and not answered. The answer is another one: it
lasts from the question to the answer where both were in this process.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan

from tellwhy import _attributes as names
from tellwhy import _pending, _redact, _runs, _spans
from tellwhy._capture import bounded, sha256_of, to_json
from tellwhy._frameworks.steps import content, labelled
from tellwhy._places import here
from tellwhy._settings import current as current_settings

MAX_WAITING = 4096
"""Questions that are remembered; the oldest is forgotten first."""

YES = frozenset(
    {"yes", "y", "ok", "okay", "true", "allow", "allowed", "approve", "approved"}
    | {"accept", "accepted", "edit", "edited", "confirm", "confirmed"}
)
NO = frozenset(
    {"no", "n", "false", "deny", "denied", "reject", "rejected", "decline", "declined"}
    | {"refuse", "refused", "cancel", "cancelled", "canceled", "ignore"}
)
VERDICT_KEYS = ("approved", "approve", "decision", "type", "action", "accepted", "response")
"""Where structured answers of the frameworks' own examples and middleware say it."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a person was asked."""

    key: str
    """The framework's id."""
    name: str
    """The tool that wants to run, or the node that asks."""
    shown: Any = None
    call_id: str | None = None
    asked_ns: int = 0
    context: Context | None = None
    """Where it was asked."""

    @property
    def inside_tool(self) -> bool:
        """Whether the tool itself asked, and runs again when it is answered."""
        tool = _spans.current_tool(self.context) if self.context is not None else None
        return tool is not None and tool.name == self.name


def verdict(answer: Any) -> str | None:
    """``approved`` or ``denied`` where *answer* says so in a word; else None: nothing is guessed."""
    if isinstance(answer, bool):
        return "approved" if answer else "denied"
    if isinstance(answer, str):
        word = answer.strip().lower().rstrip(".!")
        return "approved" if word in YES else "denied" if word in NO else None
    if isinstance(answer, Mapping):
        found = {verdict(answer[key]) for key in VERDICT_KEYS if key in answer} - {None}
        if not found and isinstance(answer.get("decisions"), list):
            found = {verdict(each) for each in answer["decisions"]}
        return found.pop() if len(found) == 1 else None
    if isinstance(answer, list | tuple) and len(answer) == 1:
        return verdict(answer[0])
    return None


class Pauses:
    """The open questions of one framework, by conversation."""

    def __init__(self, framework: str) -> None:
        self._framework = framework
        self._lock = threading.Lock()
        self._waiting: OrderedDict[tuple[str, str], Question] = OrderedDict()

    def ask(
        self,
        conversation: str,
        key: str,
        name: str,
        *,
        shown: Any = None,
        call_id: str | None = None,
        context: Context | None = None,
    ) -> bool:
        """A person is asked *shown*; False when the same question stands already.

        Args:
            conversation: The thread that goes on with the answer.
            key: The framework's id of the question; several may wait at a time.
            name: The tool that wants to run, or the node that asks.
            shown: What the person sees.
            call_id: The model's id of the tool's call.
            context: Where it is asked; default: here.
        """
        around = here() if context is None else context
        if call_id is None:
            found = _pending.find(name, shown, _runs.run_in(around))
            call_id = found.call_id if found is not None else None
        asked = Question(key, name, shown, call_id, time.time_ns(), around)
        with self._lock:
            if (conversation, key) in self._waiting:
                return False
            self._waiting[conversation, key] = asked
            while len(self._waiting) > MAX_WAITING:
                self._waiting.popitem(last=False)
        said = self._said(asked) | {names.APPROVAL_DECISION: "asked", names.PAUSED: True}
        _spans.begin_approval(name, said, asked.asked_ns, around).ended()
        return True

    def waiting(self, conversation: str) -> list[Question]:
        """The open questions of *conversation*, the oldest first."""
        return [asked for (of, _), asked in self._waiting.items() if of == conversation]

    def goes_on(self, conversation: str | None) -> Context | None:
        """The context of the run that waits in *conversation*, to go on in it."""
        for asked in self.waiting(conversation or ""):
            run = _runs.run_in(asked.context) if asked.context is not None else None
            if run is not None:
                root = NonRecordingSpan(run.root)
                return _runs.context_with(run, trace.set_span_in_context(root, Context()))
        return None

    def answer(
        self,
        conversation: str,
        asked: Question,
        answer: Any,
        *,
        context: Context | None = None,
        approved: bool | None = None,
        by: str | None = None,
    ) -> None:
        """*asked* was answered with *answer*.

        Args:
            conversation: Its conversation.
            asked: The question; one that this process did not see has an empty ``shown``.
            answer: What the person said.
            context: Where the run goes on; default: here.
            approved: What it means, where the framework says so.
            by: Who answered.
        """
        with self._lock:
            self._waiting.pop((conversation, asked.key), None)
        decision = verdict(answer)
        if approved is not None:
            decision = "approved" if approved else "denied"
        said = self._said(asked) | labelled({names.APPROVAL_DECISION: decision})
        said[names.APPROVAL_APPROVER_KIND] = "person" if by else "unknown"
        if by:
            said[names.APPROVAL_APPROVER] = _redact.label(by)
        if answer is not None and current_settings().captures_content:
            text = answer if isinstance(answer, str) else to_json(answer)
            said[names.APPROVAL_NOTE] = bounded(text, name="note")
        around = here() if context is None else context
        _spans.begin_approval(asked.name, said, asked.asked_ns or None, around).ended()

    def by_call(self, call_id: str | None) -> Question | None:
        """The open question about the call *call_id*."""
        return next((q for q in self._waiting.values() if q.call_id == call_id is not None), None)

    def clear(self) -> None:
        """Forget every question."""
        with self._lock:
            self._waiting.clear()

    def _said(self, asked: Question) -> dict[str, Any]:
        said: dict[str, Any] = labelled(
            {
                names.FRAMEWORK: self._framework,
                names.PAUSE_ID: asked.key,
                names.APPROVAL_TOOL_NAME: asked.name,
                names.APPROVAL_TOOL_CALL_ID: asked.call_id,
            }
        )
        if asked.shown is not None:
            said[names.APPROVAL_SHOWN_SHA256] = sha256_of(asked.shown)
        return said | content(names.APPROVAL_SHOWN, asked.shown)
