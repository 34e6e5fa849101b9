"""Draws: the model asked again, from the cache where it was asked the same before, within the caps."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tellwhy_collector.prove.budget import Budget
from tellwhy_collector.prove.items import Item, without
from tellwhy_collector.prove.provider import Answered, Provider, Unanswered
from tellwhy_collector.prove.recorded import REDACTED, Recorded
from tellwhy_collector.prove.search import Spent
from tellwhy_collector.prove.tree import Left
from tellwhy_collector.prove.wire import Choice, Usage
from tellwhy_collector.reconstruct.canonical import sha256_of
from tellwhy_collector.shell.errors import Refused

Row = dict[str, Any]
Same = Callable[[Sequence[Row]], bool]
"""Whether choices, as they are kept, hold the one that is tested."""


@dataclass(slots=True)
class Tally:
    """What was spent."""

    calls: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    reason: str | None = None
    """Why nothing more may be asked."""


class Drawer:
    """Asks one recorded request again, with items left out."""

    def __init__(
        self,
        recorded: Recorded,
        items: Sequence[Item],
        provider: Provider,
        budget: Budget,
        *,
        same: Same,
        said: str = "",
        parallel: int = 4,
    ) -> None:
        self.tally = Tally()
        self.keep: Callable[[list[Row]], object] = lambda _rows: None
        """Gets the rows of calls that were made, as soon as they are."""
        self.refusals: dict[Left, str] = {}
        self._recorded = recorded
        self._items = items
        self._provider = provider
        self._budget = budget
        self._same = same
        self._said = said
        self._pool = ThreadPoolExecutor(parallel, thread_name_prefix="tellwhy-prove")
        self._waiting: dict[tuple[str, int], deque[Row]] = defaultdict(deque)
        self._bodies: dict[Left, tuple[dict[str, Any], str]] = {}

    def remember(self, rows: Sequence[Row]) -> None:
        """Answers of earlier tests, the oldest first."""
        for row in rows:
            self._waiting[row["request_sha256"], row["stage"]].append(row)

    def close(self) -> None:
        """Ask nothing more."""
        self._provider.stopping.set()
        self._pool.shutdown(cancel_futures=True)

    def __call__(self, wanted: Sequence[tuple[Left, int]]) -> list[bool | None]:
        """Whether the choice was the same, for each wanted draw.

        Raises:
            Spent: Calls or money are at their end, or the provider is.
        """
        places: list[Row | None] = []
        for left, stage in wanted:
            waiting = self._waiting[self._request(left)[1], stage]
            places.append(waiting.popleft() if waiting else None)
        self.tally.cached += sum(place is not None for place in places)
        missing = [at for at, place in enumerate(places) if place is None]
        allowed = self._budget.allowed(len(missing))
        rows = list(self._pool.map(lambda at: self._asked(*wanted[at]), missing[:allowed]))
        made = [row for row in rows if isinstance(row, dict)]
        self._count(made)
        for row in rows:
            if isinstance(row, Unanswered):
                self.tally.calls += row.lost
                self._budget.lose(row.lost)
                self.tally.reason = f"the provider does not answer: {row}"
        if len(made) < len(rows):
            raise Spent
        if allowed < len(missing):
            self.tally.reason = self._budget.reason
            raise Spent
        for at, row in zip(missing, made, strict=True):
            places[at] = row
        return [self._outcome(left, row) for (left, _), row in zip(wanted, places, strict=True)]

    def _count(self, made: list[Row]) -> None:
        for row in made:
            lost = row.pop("lost")
            self._budget.lose(lost)
            self._budget.spend(row["cost_usd"])
            self.tally.calls += 1 + lost
            self.tally.input_tokens += row["input_tokens"]
            self.tally.output_tokens += row["output_tokens"]
        if made:
            self.keep(made)

    def _outcome(self, left: Left, row: Row | None) -> bool | None:
        if row is None or row["choices"] is None:
            self.refusals[left] = str(row["error"] if row else "")
            return None
        return self._same(json.loads(row["choices"]))

    def _request(self, left: Left) -> tuple[dict[str, Any], str]:
        """Body and hash of the request without *left*."""
        if left not in self._bodies:
            chosen = [self._items[at] for at in sorted(left)]
            body = self._recorded.wire.plain(without(self._recorded.body, chosen, self._said))
            text = json.dumps([self._provider.url, body], sort_keys=True, ensure_ascii=False)
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
            self._bodies[left] = body, digest
        return self._bodies[left]

    def _asked(self, left: Left, stage: int) -> Row | Unanswered:
        """The row of a new call, or why there is none."""
        body, digest = self._request(left)
        try:
            answered = self._provider.ask(body)
        except Unanswered as error:
            return error
        if answered.error is None and not is_answer(self._recorded.wire.name, answered.body):
            said = json.dumps(answered.body, ensure_ascii=False)[:200]
            return Unanswered(f"its answer has not the form of one: {said}", answered.lost + 1)
        return self._row(left, stage, digest, answered)

    def _row(self, left: Left, stage: int, digest: str, answered: Answered) -> Row:
        wire = self._recorded.wire
        usage = wire.usage(answered.body) if answered.error is None else Usage()
        choices = None
        if answered.error is None:
            choices = json.dumps(list(map(kept, wire.choices(answered.body))))
        return {
            "request_sha256": digest,
            "stage": stage,
            "paths": json.dumps([self._items[at].where for at in sorted(left)]),
            "status": answered.status,
            "choices": choices,
            "error": answered.error,
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cost_usd": self._cost(answered, usage),
            "duration_ms": round(answered.duration_ms, 1),
            "lost": answered.lost,
        }

    def _cost(self, answered: Answered, usage: Usage) -> float | None:
        """By its tokens; an answer that tells none is taken to be as dear as it may be."""
        if answered.error is None and not usage.input_tokens and not usage.output_tokens:
            return self._budget.worst_usd
        return self._budget.price(usage)


def is_answer(wire: str, body: Any) -> bool:
    """Whether *body* has the form of an answer in that wire format, and is no error in disguise."""
    if not isinstance(body, dict) or body.get("error"):
        return False
    if wire == "openai_chat":
        choices = body.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        return isinstance(first, dict) and isinstance(first.get("message"), dict)
    return _objects(body.get("content" if wire == "anthropic_messages" else "output"))


def _objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def kept(choice: Choice) -> Row:
    """What is kept of a choice: no text that a model wrote."""
    found: Row = {"action": choice.action}
    if choice.name is not None:
        found["name"] = choice.name
    if choice.action == "tool_call":
        found["arguments_sha256"] = sha256_of(choice.arguments or {})
    return found


def same_choice(recorded: Recorded, *, with_arguments: bool) -> tuple[Same, str]:
    """When an answer counts as the recorded choice, and in a word what that means.

    Raises:
        Refused: A part of the recorded arguments is not known.
    """
    if recorded.action not in {"tool_call", "handoff"}:
        return lambda choices: any(each["action"] == recorded.action for each in choices), "kind"
    if with_arguments and REDACTED in json.dumps(recorded.arguments):
        raise Refused(
            "The recorded arguments hold a redacted value, which no answer can equal. Leave "
            "--same-arguments out."
        )
    wanted = sha256_of(recorded.arguments or {})

    def same(choices: Sequence[Row]) -> bool:
        return any(
            each.get("name") == recorded.chosen
            and (not with_arguments or each.get("arguments_sha256") == wanted)
            for each in choices
        )

    return same, "arguments" if with_arguments else "tool"
