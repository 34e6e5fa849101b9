"""Draws: the model asked again, from the cache where it was asked the same before, within the caps."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
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
        allowed = self._budget.reserve(len(missing))
        rows = self._answers([wanted[at] for at in missing[:allowed]])
        made = [row for row in rows if isinstance(row, dict)]
        for row in rows:
            if isinstance(row, Unanswered):
                self.tally.calls += row.lost
                self.tally.reason = f"the provider does not answer: {row}"
        if len(made) < len(rows):
            raise Spent
        if allowed < len(missing):
            self.tally.reason = self._budget.reason
            raise Spent
        for at, row in zip(missing, made, strict=True):
            places[at] = row
        return [self._outcome(left, row) for (left, _), row in zip(wanted, places, strict=True)]

    def _answers(self, wanted: Sequence[tuple[Left, int]]) -> list[Row | Unanswered]:
        """An answer to each, stored as soon as it is there: it is paid for, whatever comes next."""
        asked = [self._pool.submit(self._asked, left, stage) for left, stage in wanted]
        under_way = set(asked)
        try:
            while under_way:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                self._count(done)
        except BaseException:
            self._provider.stopping.set()
            self._count(wait({each for each in under_way if not each.cancel()}).done)
            raise
        return [each.result() for each in asked]

    def _count(self, done: Iterable[Future[Row | Unanswered]]) -> None:
        made = [row for each in done if isinstance(row := each.result(), dict)]
        for row in made:
            self.tally.calls += 1 + row.pop("lost")
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
        """The row of a new call, or why there is none; what it took is in the budget by then."""
        body, digest = self._request(left)
        reserved, lost = 1, 0
        cost_usd: float | None = None

        def again() -> bool:
            nonlocal reserved
            granted = self._budget.reserve(1)
            reserved += granted
            return granted == 1

        row: Row | None = None
        try:
            answered = self._provider.ask(body, again)
            lost = answered.lost
            if answered.error is None and not is_answer(self._recorded.wire.name, answered.body):
                lost += 1
                said = json.dumps(answered.body, ensure_ascii=False)[:200]
                return Unanswered(f"its answer has not the form of one: {said}", lost)
            row = self._row(left, stage, digest, answered)
            cost_usd = row["cost_usd"]
        except Unanswered as error:
            lost = error.lost
            return error
        finally:
            self._budget.settle(reserved, answered=row is not None, cost_usd=cost_usd, lost=lost)
        return row

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
