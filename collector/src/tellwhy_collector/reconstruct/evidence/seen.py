"""What each model call saw, as numbers of pieces in an `Index`, and where each piece stands.

Calls are taken in the order of asking. What one saw is what the call before it saw, shortened and
longer at the end, so only the difference is worked on. Where a request was not recorded, or not all
of it, what the run's steps had said by then stands in for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from tellwhy_collector.reconstruct.case import Case
from tellwhy_collector.reconstruct.contexts import Context, Messages, places_of
from tellwhy_collector.reconstruct.evidence.index import Index
from tellwhy_collector.reconstruct.rows import JsonText
from tellwhy_collector.records import Step

HISTORIES = 16
"""Exchanges whose history is held; of more, the one idle for longest is put together again."""

_RESULTS = ("tool_call_response", "server_tool_call_response", "server_tool_result", "tool_result")
_CALLS = ("tool_call", "server_tool_call")
_USERS = frozenset(["user", "human"])
_SYSTEMS = frozenset(["system", "developer"])


class Spot(NamedTuple):
    """Where a piece stands in what was recorded."""

    span_id: str
    column: str
    path: str
    order: int
    """Higher is later; -1 for what frames the conversation."""
    new_ns: int
    """Start of the call to which it was new, as far as that is known; else of the one that looks."""


class _Entry(NamedTuple):
    piece: int
    path: str
    span_id: str | None
    """None: in the request of the call that looks."""
    column: str
    new_ns: int


class _History:
    """The pieces of one exchange in their order."""

    def __init__(self) -> None:
        self.entries: list[_Entry] = []
        self.places: dict[int, list[int]] = {}
        self.messages: list[int] = []
        """Where in *entries* each message begins."""
        self._fixed = 0

    def push(self, entry: _Entry) -> None:
        self.places.setdefault(entry.piece, []).append(len(self.entries))
        self.entries.append(entry)

    def cut(self, messages: int) -> None:
        """Keep so many messages from the front."""
        if messages >= len(self.messages):
            return
        start = self.messages[messages]
        while len(self.entries) > start:
            piece = self.entries.pop().piece
            places = self.places[piece]
            places.pop()
            if not places:
                del self.places[piece]
        del self.messages[messages:]

    def fix(self, span_id: str) -> None:
        """What the last request holds is not repeated by the next: it stands there for good."""
        for place in range(self._fixed, len(self.entries)):
            entry = self.entries[place]
            if entry.span_id is None:
                self.entries[place] = entry._replace(span_id=span_id)
        self._fixed = len(self.entries)


class Seen:
    """What one call saw; true until the next call is looked at."""

    def __init__(self, step: Step, framing: Mapping[int, tuple[str, str]]) -> None:
        self.span_id = step.span_id
        self._asked_ns = step.start_ns
        self._framing = framing
        self._histories: list[_History] = []

    def also(self, history: _History) -> None:
        """It saw this as well."""
        self._histories.append(history)

    def __contains__(self, piece: int) -> bool:
        return piece in self._framing or any(piece in h.places for h in self._histories)

    def __len__(self) -> int:
        return len(self._framing) + sum(len(h.places) for h in self._histories)

    def __iter__(self) -> Iterator[int]:
        for history in self._histories:
            yield from history.places
        yield from self._framing

    @property
    def anything_said(self) -> bool:
        """Whether anything beside the offered tools is known."""
        return any(h.places for h in self._histories) or any(
            column == "system_instructions" for column, _ in self._framing.values()
        )

    def newest(self) -> Iterator[int]:
        """Pieces of the conversation, the newest first; one that was said twice comes twice."""
        for history in self._histories:
            for entry in reversed(history.entries):
                yield entry.piece

    def order(self, piece: int) -> int:
        """How late it was said last."""
        return max((h.places[piece][-1] for h in self._histories if piece in h.places), default=-1)

    def spot(self, piece: int) -> Spot:
        """Where it stands, the last time."""
        for history in self._histories:
            if piece in history.places:
                at = history.places[piece][-1]
                entry = history.entries[at]
                place = entry.span_id or self.span_id
                return Spot(place, entry.column, entry.path, at, entry.new_ns)
        column, path = self._framing[piece]
        return Spot(self.span_id, column, path, -1, self._asked_ns)


class Sight:
    """Follows the calls of one case."""

    def __init__(self, case: Case, index: Index) -> None:
        self._case, self._index = case, index
        self._contexts = case.contexts
        self._histories: dict[str, _History] = {}
        self._framings: dict[tuple[int, int], dict[int, tuple[str, str]]] = {}
        self._messages: dict[int, list[tuple[int, str]]] = {}
        self._told = _History()
        self._asked_ns = 0
        ended = [step for step in case.steps if step.end_ns is not None]
        self._ended = sorted(ended, key=lambda step: (step.end_ns or 0, step.start_ns))
        self._begun = [s for s in case.steps if s.kind in ("agent", "other") and s.input]
        self._ended_at = self._begun_at = 0

    def of(self, step: Step) -> Seen:
        """What the call *step* saw. Calls come in the order of their start."""
        context = self._contexts.get(step.span_id)
        if context is None:
            return self._from_steps(step, Seen(step, {}))
        self._asked_ns = step.start_ns
        seen = Seen(step, self._framing(context))
        seen.also(self._history(context))
        continues = step.previous_response_id is not None and not context.continued
        if continues or not (context.new or context.kept):
            self._from_steps(step, seen)
        return seen

    def _framing(self, context: Context) -> dict[int, tuple[str, str]]:
        known = id(context.system), id(context.tools)
        if known not in self._framings:
            found: dict[int, tuple[str, str]] = {}
            system, tools = context.system, context.tools
            for at, part in enumerate(system if isinstance(system, list) else ()):
                found[self._index.add("system", part)] = ("system_instructions", f"$[{at}]")
            if isinstance(system, str | dict):
                found[self._index.add("system", system)] = ("system_instructions", "$")
            for at, tool in enumerate(tools if isinstance(tools, list) else ()):
                found[self._index.add("tool_schema", tool)] = ("tools_offered", f"$[{at}]")
            self._framings[known] = found
        return self._framings[known]

    def _history(self, context: Context) -> _History:
        before = context.previous
        history = self._histories.pop(before.span_id, None) if before is not None else _History()
        if history is None:
            history = self._put_together(context)
        else:
            if context.continued and before is not None:
                history.fix(before.span_id)
                self._push(history, before.output, 0, before.span_id, "output_messages")
            else:
                history.cut(context.kept)
            self._push(history, context.new, context.kept, None, "input_messages")
        self._histories[context.span_id] = history
        if len(self._histories) > HISTORIES:
            del self._histories[next(iter(self._histories))]
        return history

    def _put_together(self, context: Context) -> _History:
        """All of it anew: an exchange that forks, or was idle for long."""
        history = _History()
        for place in [*places_of(context)][::-1]:
            own = place.span_id == context.span_id
            span_id = None if own else place.span_id
            self._push(history, [place.message], place.at, span_id, place.column)
        return history

    def _push(
        self, history: _History, messages: Messages, at: int, span_id: str | None, column: str
    ) -> None:
        for offset, message in enumerate(messages):
            history.messages.append(len(history.entries))
            for piece, path in self._of_message(message):
                where = f"$[{at + offset}]{path}"
                history.push(_Entry(piece, where, span_id, column, self._asked_ns))

    def _of_message(self, message: Any) -> list[tuple[int, str]]:
        """Pieces of a message and their paths in it; the contexts hold each message once."""
        known = self._messages.get(id(message))
        if known is None:
            known = self._messages[id(message)] = [
                (self._index.add(role, value, call_id=call_id), path)
                for role, value, path, call_id in _parts(message)
            ]
        return known

    def _from_steps(self, step: Step, seen: Seen) -> Seen:
        begun, ended = self._begun, self._ended
        while self._begun_at < len(begun) and begun[self._begun_at].start_ns <= step.start_ns:
            asked = begun[self._begun_at]
            self._tell(asked, "input", asked.input, "user")
            self._begun_at += 1
        while self._ended_at < len(ended) and (ended[self._ended_at].end_ns or 0) <= step.start_ns:
            told = ended[self._ended_at]
            if told.span_id != step.span_id:
                self._tell_end(told)
            self._ended_at += 1
        seen.also(self._told)
        return seen

    def _tell_end(self, step: Step) -> None:
        if step.kind == "tool_call":
            self._tell(step, "tool_result", step.tool_result, "tool")
        elif step.kind == "retrieval":
            self._tell(step, "tool_result", step.tool_result, "document")
            self._tell(step, "output", step.output, "document")
        elif step.kind == "model_call":
            role = speaker(step.agent_name, "assistant")
            for at, message in enumerate(step.output_messages or ()):
                for own, value, path, _ in _parts(message):
                    said = role if own == "assistant" else own
                    piece = self._index.add(said, value)
                    place = f"$[{at}]{path}", step.span_id, "output_messages"
                    self._told.push(_Entry(piece, *place, step.start_ns))
        elif step.kind in ("agent", "other", "human"):
            self._tell(step, "output", step.output, speaker(step.agent_name, "assistant"))

    def _tell(self, step: Step, column: str, value: Any, role: str) -> None:
        if value is None:
            return
        if isinstance(value, JsonText):
            value = orjson.loads(str(value))
        piece = self._index.add(role, value, call_id=step.tool_call_id, part=False)
        self._told.push(_Entry(piece, "$", step.span_id, column, step.start_ns))


def _parts(message: Any) -> Iterator[tuple[str, Any, str, str | None]]:
    """Role, part, its path in the message, and the call it answers."""
    if not isinstance(message, dict):
        yield "user", message, "", None
        return
    parts = message.get("parts")
    if not isinstance(parts, list):
        yield _role(message.get("role")), message, "", None
        return
    if isinstance(name := message.get("name"), str) and name:
        yield _role(message.get("role")), name, ".name", None
    for at, part in enumerate(parts):
        kind = part.get("type") if isinstance(part, dict) else None
        call_id = None
        if kind in _RESULTS:
            role, call_id = "tool", part.get("id")
        else:
            role = "assistant" if kind in _CALLS else _role(message.get("role"))
            if kind in ("document", "search_result", "retrieval"):
                role = "document"
        yield role, part, f".parts[{at}]", call_id if isinstance(call_id, str) else None


def _role(said: Any) -> str:
    """Who speaks, in the five words of ``source_role``."""
    word = said.lower() if isinstance(said, str) else ""
    if word in ("user", "assistant", "system", "tool"):
        return word
    if word in _SYSTEMS:
        return "system"
    if word in ("model", "ai") or ("tool" in word and "call" in word):
        return "assistant"
    if "tool" in word or "function" in word or "observation" in word:
        return "tool"
    return "user"


def speaker(agent_name: str | None, otherwise: str) -> str:
    """Who an agent speaks for, where it is named so."""
    name = (agent_name or "").lower()
    if name in _USERS:
        return "user"
    return "system" if name in _SYSTEMS else otherwise
