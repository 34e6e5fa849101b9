"""What each model call saw, told as the difference to the call before it. Pure.

Every request repeats the whole history, so what is held is what is new: in sum the unique content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from tellwhy_collector.records import noun

THREADS = 8
"""Exchanges of one run that are followed at the same time; of more, the one idle for longest ends."""

Messages = list[dict[str, Any]]


class Request(NamedTuple):
    """One model call as its request was recorded, in JSON text."""

    span_id: str
    input_messages: str | None
    system_instructions: str | None = None
    tools_offered: str | None = None
    response_id: str | None = None
    previous_response_id: str | None = None
    output_messages: str | None = None
    """Given only where a later request continues by id."""


@noun
class Context:
    """What one model call saw, beside the call before it in the same exchange."""

    span_id: str
    previous: Context | None
    """The call whose messages this one goes on from."""
    kept: int
    """So many messages from the front are the same as there."""
    new: Messages
    """The messages behind them; the first stands at ``input_messages[kept]``."""
    continued: bool
    """The provider keeps the history: the request holds the new messages alone, *kept* is 0."""
    system: Any
    """Instructions, shared between calls that have the same; None when not recorded."""
    tools: list[dict[str, Any]] | None
    """Tools offered, shared in the same way."""
    output: Messages
    """What was answered; empty unless a later request continues by id."""

    @property
    def has_messages(self) -> bool:
        """Whether its messages were recorded; of some calls only the tools are."""
        return bool(self.kept or self.new)

    @property
    def tools_added(self) -> list[str] | None:
        """Names offered now and not before; None when either is not known."""
        return _more(self.tools, self.previous.tools if self.previous else None)

    @property
    def tools_removed(self) -> list[str] | None:
        """Names offered before and not now; None when either is not known."""
        return _more(self.previous.tools if self.previous else None, self.tools)


class Place(NamedTuple):
    """One message that a call saw, and where it stands in what was recorded."""

    message: dict[str, Any]
    span_id: str
    """The call in whose *column* it stands."""
    column: str
    """``input_messages`` or ``output_messages``."""
    at: int
    """Its place in that list, from 0."""


def contexts_of(requests: Iterable[Request]) -> dict[str, Context]:
    """What each call saw, by its span id.

    Args:
        requests: The model calls of one run in the order in which they were asked.

    Returns:
        In the same order. The time is linear in the text of the requests.
    """
    exchanges = _Exchanges()
    answered: dict[str, Context] = {}
    shared: dict[str, Any] = {}
    found: dict[str, Context] = {}
    previous: Context | None
    for request in requests:
        before = answered.get(request.previous_response_id or "")
        if before is not None:
            previous, kept, new = before, 0, exchanges.once(_loaded(request.input_messages))
        else:
            previous, kept, new = exchanges.follow(request.input_messages or "[]")
        made = Context(
            request.span_id,
            previous,
            kept,
            new,
            continued=before is not None,
            system=_shared(shared, request.system_instructions),
            tools=_shared(shared, request.tools_offered),
            output=_loaded(request.output_messages),
        )
        if before is None:
            exchanges.went_on(made)
        found[request.span_id] = made
        if request.response_id:
            answered[request.response_id] = made
    return found


def places_of(context: Context) -> Iterator[Place]:
    """Every message that the call saw, the newest first.

    Each stands in the call's own request; where the provider keeps the history, what came before
    stands in the requests and answers of earlier calls.
    """
    at: Context | None = context
    holder, limit = context, None
    while at is not None:
        for offset in range(len(at.new) - 1, -1, -1):
            place = at.kept + offset
            if limit is None or place < limit:
                yield Place(at.new[offset], holder.span_id, "input_messages", place)
        if not at.continued:
            limit = at.kept if limit is None else min(limit, at.kept)
            at = at.previous if limit else None
            continue
        at = at.previous
        if at is not None:
            holder, limit = at, None
            for place in range(len(at.output) - 1, -1, -1):
                yield Place(at.output[place], at.span_id, "output_messages", place)


@dataclass(slots=True)
class _Exchange:
    """The newest request of an exchange, as text and as messages."""

    text: str
    messages: Messages
    last: Context | None = None


class _Exchanges:
    """Finds the exchange that a request goes on with: the one it shares most messages with."""

    def __init__(self) -> None:
        self._known: list[_Exchange] = []
        self._messages: dict[bytes, dict[str, Any]] = {}

    def once(self, messages: Messages) -> Messages:
        """The same messages; one that was sent before as the object that it was then.

        An agent that sends the last so many messages repeats each of them as often.
        """
        known = self._messages
        return [known.setdefault(_digest(message), message) for message in messages]

    def follow(self, text: str) -> tuple[Context | None, int, Messages]:
        """The call before, how many messages are kept, and the rest; that exchange is the last now."""
        for place in range(len(self._known) - 1, -1, -1):
            known = self._known[place]
            # One writer made both texts, so a list that goes on begins with the same characters.
            if known.messages and text.startswith(known.text[:-1] + ","):
                new = self.once(_loaded("[" + text[len(known.text) :]))
                kept = len(known.messages)
                known.messages += new
                return self._move(place, text), kept, new
        messages = self.once(_loaded(text))
        kept, best = 0, -1
        for place, known in enumerate(self._known):
            same = _same(messages, known.messages)
            if same and same >= kept:
                kept, best = same, place
        if best >= 0 and kept * 2 >= len(self._known[best].messages):
            self._known[best].messages = list(messages)
            return self._move(best, text), kept, messages[kept:]
        self._known.append(_Exchange(text, list(messages)))
        if len(self._known) > THREADS:
            del self._known[0]
        return None, 0, messages

    def went_on(self, made: Context) -> None:
        """*made* is what `follow` found last."""
        self._known[-1].last = made

    def _move(self, place: int, text: str) -> Context | None:
        known = self._known.pop(place)
        known.text = text
        self._known.append(known)
        return known.last


def _digest(message: Any) -> bytes:
    return hashlib.blake2b(orjson.dumps(message), digest_size=16).digest()


def _shared(shared: dict[str, Any], text: str | None) -> Any:
    if text is None:
        return None
    if text not in shared:
        shared[text] = orjson.loads(text)
    return shared[text]


def _loaded(text: str | None) -> Messages:
    messages = orjson.loads(text) if text else []
    return messages if isinstance(messages, list) else []


def _same(one: Messages, other: Messages) -> int:
    """How many elements from the front are equal."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left is not right and left != right:
            break
        count += 1
    return count


def _more(one: Messages | None, other: Messages | None) -> list[str] | None:
    if one is None or other is None:
        return None
    known = {_name(tool) for tool in other}
    return [name for name in map(_name, one) if name not in known]


def _name(tool: Any) -> str:
    return str(tool.get("name", "")) if isinstance(tool, dict) else str(tool)
