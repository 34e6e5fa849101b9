"""A run as turns: what each model call wrote and did, what it had just heard, what came of it. Pure.

Read from steps, not from requests: chats of which only the answers were recorded have turns too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from tellwhy_collector.reconstruct.case import Case, Decision
from tellwhy_collector.records import Step

MOST_TEXT = 20_000
"""Characters of one message or result that are read: half from its front, half from its end."""

PEOPLE = frozenset({"human", "user", "user_proxy", "userproxy", "system"})
"""Speakers of chats that are no agent: what they say is asked of the run, not done by it."""

_SAYS_FAILED = re.compile(
    r"\A\W*(?:\w+\.)*\w*(?:Error|Exception|ERROR)\b|\bTraceback \(most recent call last\)"
    r"|\bexit ?code:? *[1-9]|\bexecution failed\b|\A\W*(?:Failed to|Fatal|fatal:)",
)
"""A result that tells of its own failure: an error's name in front, a traceback, an exit code."""


@dataclass(slots=True)
class Turn:
    """One model call and what hangs on it."""

    step: Step
    place: int
    """Among the turns of the run, from 0."""
    text: str
    """What it wrote."""
    calls: tuple[Decision, ...]
    """The tools that it chose."""
    decision_id: str | None
    """Its first choice."""
    owner: str
    """The agent that it belongs to: span id of its step, else its name."""
    heard: str = ""
    """What stood before it: results of its last actions, or what another said."""
    results: list[str] = field(default_factory=list)
    """What its actions gave back."""
    ran: list[Step] = field(default_factory=list)
    """The tools that ran for it and the agents that worked for it."""
    enclosing: str = ""
    """What the step around it gave back: for code that a model wrote, what the code printed."""
    error: str | None = None
    """How its action failed, in the words of who says so."""

    @property
    def agent(self) -> str:
        """Who spoke."""
        return self.step.agent_name or ""

    @property
    def code(self) -> bool:
        """Whether it wrote code in a fence: many agents act by that instead of by calling tools."""
        return "```" in self.text

    @property
    def action(self) -> str:
        """The calls with their arguments in one text; the same text is the same action."""
        return "\n".join(f"{call.chosen} {plain(call.arguments)}" for call in self.calls)


def turns_of(case: Case) -> list[Turn]:
    """The turns of a run, by start."""
    reading = _Reading(case)
    for step in case.steps:
        reading.take(step)
    for step in case.steps:
        last = reading.inside.get(step.span_id)
        if last is not None and step.kind == "other":
            last.enclosing = plain(step.output)
            if last.error is None and step.status == "error":
                last.error = step.error_message or step.error_type or "it failed"
    return reading.turns


class _Reading:
    """Goes through the steps of a run by start."""

    def __init__(self, case: Case) -> None:
        self.turns: list[Turn] = []
        self.inside: dict[str, Turn] = {}
        """The last turn directly inside each step."""
        self._by_id: dict[str, Turn] = {}
        self._heard = ""
        self._agents = _agents(case.steps)
        self._chosen: dict[str, list[Decision]] = {}
        self._maker: dict[str, str] = {}
        for decision in case.decisions:
            self._chosen.setdefault(decision.span_id, []).append(decision)
            if decision.outcome_span_id:
                self._maker[decision.outcome_span_id] = decision.span_id

    def take(self, step: Step) -> None:
        """Go on to *step*."""
        if step.kind == "model_call" and (step.agent_name or "").lower() not in PEOPLE:
            self._turn(step)
        elif step.kind in ("tool_call", "retrieval"):
            self._result(step)
        elif step.kind == "agent" and step.parent_span_id in self.inside:
            self.inside[step.parent_span_id].ran.append(step)
        elif step.kind == "model_call":
            self._heard = written(step.output_messages) or self._heard
        elif step.kind in ("human", "other") and step.output is not None:
            self._heard = plain(step.output) or self._heard

    def _turn(self, step: Step) -> None:
        owner = self._agents.get(step.parent_span_id or "") or step.agent_name or ""
        turn = _turn(step, len(self.turns), self._chosen.get(step.span_id, []), owner)
        turn.heard, self._heard = self._heard, turn.text
        self.turns.append(turn)
        self._by_id[step.span_id] = turn
        if step.parent_span_id:
            self.inside[step.parent_span_id] = turn

    def _result(self, step: Step) -> None:
        result = plain(step.tool_result if step.kind == "tool_call" else step.output)
        self._heard = result or self._heard
        maker = self._by_id.get(self._maker.get(step.span_id, ""))
        if maker is None and self.turns:
            maker = self.turns[-1]
        if maker is not None:
            _came(maker, step, result)


def _agents(steps: Iterable[Step]) -> dict[str, str]:
    """For each step the nearest agent at or above it; steps stand behind what contains them."""
    found: dict[str, str] = {}
    for step in steps:
        above = found.get(step.parent_span_id or "")
        mine = step.span_id if step.kind == "agent" else above
        if mine is not None:
            found[step.span_id] = mine
    return found


def _turn(step: Step, place: int, decisions: list[Decision], owner: str) -> Turn:
    calls = tuple(d for d in decisions if d.action in ("tool_call", "handoff"))
    first = decisions[0].decision_id if decisions else None
    turn = Turn(step, place, written(step.output_messages) or _told(decisions), calls, first, owner)
    if step.status == "error":
        turn.error = step.error_message or step.error_type or "it failed"
    return turn


def _told(decisions: list[Decision]) -> str:
    """What the choices tell of it, where no messages were recorded."""
    reason = next((d.stated_reason for d in decisions if d.stated_reason_source == "text"), None)
    return "\n".join(text for text in (reason, *(d.answer_text for d in decisions)) if text)


def _came(turn: Turn, step: Step, result: str) -> None:
    turn.ran.append(step)
    turn.results.append(result)
    if turn.error is None:
        if step.status == "error":
            turn.error = step.error_message or step.error_type or "it failed"
        elif _SAYS_FAILED.search(result):
            turn.error = result


def written(messages: Iterable[Any] | None) -> str:
    """The texts of messages, without reasoning and calls."""
    texts = [
        part["content"]
        for message in messages or ()
        for part in message.get("parts", ())
        if part.get("type") == "text" and isinstance(part.get("content"), str)
    ]
    return _bounded("\n".join(texts))


def plain(value: Any) -> str:
    """A value as text: what is text stays so, all else as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        text = str(value)
        if text[:1] == '"':
            try:
                text = orjson.loads(text)
            except orjson.JSONDecodeError:
                return _bounded(text)
        return _bounded(str(text))
    return _bounded(orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode())


def _bounded(text: str) -> str:
    if len(text) <= MOST_TEXT:
        return text
    return text[: MOST_TEXT // 2] + "\n" + text[-MOST_TEXT // 2 :]
