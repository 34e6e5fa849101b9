"""What a replay came to: the same as the recording, or where it first left it. Pure.

Calls of one lane happen in an order, and lanes beside each other in none. So the order is looked at
as a tree: the recorded lanes are its paths, and what each lane of the replay asks for is followed
down from the top. Which lane of which it is does not matter, nor how they took turns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

from tellwhy._replay.differences import differences
from tellwhy._replay.recording import Call, Recording

MAX_DIFFERENCES = 12
"""Lines of a difference that are told; more are counted."""

COMPARED = 20_000
"""Characters of two requests that are compared to find the most similar one."""

Event = dict[str, Any]


@dataclass(slots=True)
class Divergence:
    """One place where a replay left its recording."""

    kind: str
    """``request``, ``tool``, ``order``, ``not_made``, ``network``, ``program``, ``block``, ``missing``."""
    what: str
    """One sentence."""
    place: str = ""
    """``file:line in function: source`` of the program, where that is known."""
    recorded: str = ""
    """The recorded call that was expected or comes nearest, by name."""
    step: str = ""
    """Its span_id."""
    differences: list[str] = field(default_factory=list)
    """From the recorded call to the one that was made."""


@dataclass(slots=True)
class Verdict:
    """What a replay came to."""

    run_id: str = ""
    identical: bool = False
    model_calls: int = 0
    """Recorded HTTP attempts that were served."""
    recorded_model_calls: int = 0
    tool_calls: int = 0
    """Recorded tool calls whose outcome was given."""
    recorded_tool_calls: int = 0
    divergences: list[Divergence] = field(default_factory=list)
    """The first one first."""
    masked: list[str] = field(default_factory=list)
    """Calls that were the same but for ids, times and temporary paths."""
    notes: list[str] = field(default_factory=list)
    replay_run_id: str = ""
    """The run that the replay itself is; stored with --record alone."""
    by_proxy: bool = False
    """Whether the program was answered by a proxy: its own tools ran."""
    live_from: str = ""
    """The model call from which on all was live; empty when nothing was."""
    live_requests: int = 0
    """Requests that were sent to models then."""
    decisions: list[dict[str, str]] = field(default_factory=list)
    """``recorded`` and ``now`` of each decision from there on; empty where one has no more."""

    @property
    def flipped(self) -> bool:
        """Whether a decision that was live is another one than in the recording."""
        return any(each["recorded"] != each["now"] for each in self.decisions)

    @property
    def first(self) -> Divergence | None:
        """The first divergence; None when there is none."""
        return self.divergences[0] if self.divergences else None

    def __str__(self) -> str:
        """In words, as a failing test tells it."""
        from tellwhy._replay.report import text_of  # noqa: PLC0415 - reads this file

        return text_of(self)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class _Node:
    """A place in the tree of recorded lanes."""

    __slots__ = ("call", "next")

    def __init__(self, call: Call | None = None) -> None:
        self.call = call
        self.next: dict[str, _Node] = {}


class _Order:
    """Follows the lanes of a replay through those of the recording."""

    def __init__(self, calls: Iterable[Call]) -> None:
        self._root = _Node()
        self._at: dict[int, _Node] = {}
        """Call number -> its place."""
        lanes: dict[tuple[str, int], _Node] = {}
        for call in calls:
            lane = (call.run_id, call.lane)
            node = lanes.get(lane, self._root)
            node = lanes[lane] = self._at[call.number] = node.next.setdefault(call.key, _Node(call))
        self._here: dict[tuple[str, int], _Node] = {}

    def expected(self, lane: tuple[str, int]) -> list[Call]:
        """What the recording has next for this lane."""
        node = self._here.get(lane, self._root)
        return [each.call for each in node.next.values() if each.call is not None]

    def follow(self, lane: tuple[str, int], call: Call) -> bool:
        """Go on to *call*; False when the recording has something else there."""
        node = self._here.get(lane, self._root).next.get(call.key)
        self._here[lane] = node or self._at[call.number]
        return node is not None


def verdict_of(recording: Recording, events: Iterable[Event]) -> Verdict:
    """Judge a replay by what happened in it, in the order in which it happened."""
    return _Judge(recording, list(events)).verdict()


class _Judge:
    def __init__(self, recording: Recording, events: list[Event]) -> None:
        self._recording = recording
        self._events = events
        self._calls = recording.calls
        self._order = _Order(self._calls)
        self._served = {each["call"] for each in events if each["event"] == "served"}
        self._told: set[int] = set()
        """Calls that a divergence has named as the expected one."""
        self._found: list[Divergence] = []
        self._live_from: int | None = None
        self._decided: list[str] = []
        self._result = Verdict(recording.run_id)

    def verdict(self) -> Verdict:
        for event in self._events:
            look = getattr(self, f"_look_{event['event']}", None)
            if look is not None:
                look(event)
        self._result.replay_run_id = next((e["run"] for e in self._events if e.get("run")), "")
        self._not_made()
        self._compare_decisions()
        result = self._result
        served = [self._calls[number] for number in self._served]
        result.model_calls = sum(call.kind == "model" for call in served)
        result.tool_calls = len(served) - result.model_calls
        result.recorded_model_calls = sum(call.kind == "model" for call in self._calls)
        result.recorded_tool_calls = len(self._calls) - result.recorded_model_calls
        result.divergences = self._found
        result.identical = not self._found
        result.notes += [f"{name} was not kept for replays" for name in self._recording.unkept]
        return result

    def _look_served(self, event: Event) -> None:
        call = self._calls[event["call"]]
        if "missing" in event:
            what = f"{call.name} was recorded and cannot be given again: {event['missing']}"
            self._add(Divergence("missing", what, event["place"], call.name, call.step))
            return
        lane = (event["run"], event["lane"])
        expected = self._order.expected(lane)
        if not self._order.follow(lane, call) and self._live_from is None:
            self._add(self._in_another_order(call, expected, event))
        if event["how"] == "masked":
            lines = list(differences(_loaded(call.canonical), _loaded(event["canonical"])))
            self._result.masked.append(f"{call.name}: {'; '.join(lines[:MAX_DIFFERENCES])}")

    def _in_another_order(self, call: Call, expected: list[Call], event: Event) -> Divergence:
        if not expected:
            what = f"{call.name} was made where the recording has no further call"
            return Divergence("order", what, event.get("place", ""), call.name, call.step)
        first = expected[0]
        if first.number in self._served:
            what = f"{call.name} was made where the recording has {first.name}, which came later"
            kind = "order"
        else:
            what = f"{first.name} was not made; {call.name} came in its place"
            kind = "not_made"
            self._told.add(first.number)
        return Divergence(kind, what, event.get("place", ""), first.name, first.step)

    def _look_unrecorded(self, event: Event) -> None:
        kind = event["kind"]
        expected = self._order.expected((event["run"], event["lane"]))
        like = self._nearest(event, expected)
        name = event["path"]
        if kind == "tool":
            what = f"the tool {name} was called with arguments that the recording does not have"
            if like is None or like.path != name:
                what = f"the tool {name} was called, which the recording does not have here"
        else:
            what = f"a request to {name} is not the recorded one"
        found = Divergence("tool" if kind == "tool" else "request", what, event["place"])
        if like is None and self._recording.unkept and self._recording.head.get("lost_reason"):
            found.kind = "end"
            found.what = (
                f"the recording ends here: its process ended ({self._recording.head['lost_reason']}) in "
                f"{self._recording.unkept[-1]}"
            )
        if like is not None:
            found.recorded, found.step = like.name, like.step
            self._told.add(like.number)
            if like.kind == kind and like.path == name:
                lines = list(differences(_loaded(like.canonical), _loaded(event["canonical"])))
                found.differences = lines[:MAX_DIFFERENCES]
                if len(lines) > MAX_DIFFERENCES:
                    found.differences.append(f"… and {len(lines) - MAX_DIFFERENCES:,} more")
        self._add(found)

    def _nearest(self, event: Event, expected: list[Call]) -> Call | None:
        """The recorded call that was due, else the most similar one that was not served."""
        same = [
            call
            for call in expected
            if call.kind == event["kind"]
            and call.path == event["path"]
            and call.number not in self._served
        ]
        if not same:
            same = [
                call
                for call in self._calls
                if call.kind == event["kind"]
                and call.path == event["path"]
                and call.number not in self._served
            ]
        if len(same) > 1:
            mine = event["canonical"][-COMPARED:]
            ratios = [
                (
                    SequenceMatcher(None, call.canonical[-COMPARED:], mine).quick_ratio(),
                    -call.number,
                )
                for call in same
            ]
            best = max(ratios)
            return self._calls[-best[1]]
        return same[0] if same else next(iter(expected), None)

    def _look_network(self, event: Event) -> None:
        what = f"a connection to {event['address']} was refused"
        self._add(Divergence("network", what, event["place"]))

    def _look_program(self, event: Event) -> None:
        what = f"the program {event['program']!r} was not started"
        self._add(Divergence("program", what, event["place"]))

    def _look_block(self, event: Event) -> None:
        what = f"the block of the tool {event['name']} would have run again"
        self._add(Divergence("block", what, event["place"]))

    def _look_outside(self, event: Event) -> None:
        kind = "the program" if event.get("kind") == "program" else "a connection to"
        note = f"{kind} {event['address']}, of no run, was refused"
        if note not in self._result.notes:
            self._result.notes.append(note)

    def _look_undeclared(self, event: Event) -> None:
        what = f"{event['agent']} asked for {event['kind']}() more often than in the recording"
        self._result.notes.append(what)

    def _look_live(self, event: Event) -> None:
        if self._live_from is None:
            call = self._calls[event["call"]]
            self._live_from, self._result.live_from = call.number, call.name
        self._result.live_requests += 1

    def _look_asked(self, event: Event) -> None:
        del event
        self._result.live_requests += 1

    def _look_decided(self, event: Event) -> None:
        arguments = {
            part.get("id"): part["arguments"]
            for message in event["messages"]
            for part in message.get("parts", ())
            if "arguments" in part
        }
        chosen = [
            {**each, "arguments": arguments[each["tool_call_id"]]}
            if each.get("tool_call_id") in arguments
            else each
            for each in event["chosen"]
        ]
        self._decided.append(_in_words(chosen))

    def _compare_decisions(self) -> None:
        """Decisions from where it went live, side by side."""
        if self._live_from is None:
            return
        first = self._recording.model_steps.index(self._calls[self._live_from].step)
        recorded = [_in_words(each) for each in self._recording.decisions[first:]]
        self._result.decisions = [
            {"recorded": before, "now": now}
            for before, now in zip_longest(recorded, self._decided, fillvalue="")
        ]

    def _not_made(self) -> None:
        for call in self._calls[: self._live_from]:
            if call.number not in self._served and call.number not in self._told:
                what = f"{call.name} was not made"
                self._add(Divergence("not_made", what, "", call.name, call.step))

    def _add(self, found: Divergence) -> None:
        self._found.append(found)


def _in_words(chosen: list[dict[str, Any]]) -> str:
    """A decision in a line: calls with their arguments, else what was done."""
    said = []
    for each in chosen:
        arguments = each.get("arguments")
        given = "" if arguments is None else json.dumps(arguments, sort_keys=True)
        said.append(f"{each['name']}({given})" if "name" in each else str(each.get("action")))
    return " and ".join(said)


def _loaded(text: str) -> Any:
    return json.loads(text)
