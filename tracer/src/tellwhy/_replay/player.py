"""Gives recorded answers to the calls of this process, and notes what it gave and could not give.

First by what a call says exactly, in the order of the recording among equals; then by the same but
for ids, times and temporary paths, which is noted. Never by order alone.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from tellwhy import _redact, _runs
from tellwhy._capture import to_json
from tellwhy._recording.exchange import text_of
from tellwhy._recording.giving import CannotGive, given
from tellwhy._recording.lane import number as lane_number
from tellwhy._replay import keys, place
from tellwhy._replay.recording import Call, Recording
from tellwhy._standing_in import ReplayDiverged

Event = dict[str, Any]
"""One thing that happened: ``event`` and what belongs to it; JSON."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a replay is to be."""

    allow_network: bool = False
    """Let connections through that are not to models."""
    allow_programs: tuple[str, ...] = ()
    """Names of programs that may be started, such as ``git``; ``*`` is every one."""
    timing: bool = False
    """Let answers take as long as they took."""
    run_blocks: bool = False
    """Let ``with tellwhy.tool(…)`` blocks run, whatever they do."""
    record: bool = False
    """Send the replay to the collector as a run of its own."""
    live_from: str = ""
    """The model call from which on everything is live: its step, or its number. Empty: nothing is."""
    edits: dict[str, Any] = field(default_factory=dict)
    """What is changed in live requests: paths such as ``$.messages[2].content`` and new values."""
    live_tools: tuple[str, ...] = ()
    """Tools that write and run all the same, once all is live."""
    main: str = "__main__"
    """The module that was the program when it was recorded, by its name now."""


class Player:
    """One replay."""

    def __init__(
        self,
        recording: Recording,
        options: Options | None = None,
        tell: Callable[[Event], None] | None = None,
    ) -> None:
        self.recording = recording
        self.options = options or Options()
        self.events: list[Event] = []
        self._tell_more = tell
        self._lock = threading.RLock()
        self._used: set[int] = set()
        wanted = self.options.live_from
        self._live_from = recording.place_of(wanted) if wanted else None
        self.is_live = False
        """Whether models are asked and tools run by now."""
        self._exact: dict[str, deque[Call]] = defaultdict(deque)
        self._masked: dict[str, deque[Call]] = defaultdict(deque)
        for call in recording.calls:
            self._exact[call.key].append(call)
            self._masked[call.masked].append(call)
        self._declared = {key: deque(values) for key, values in recording.declared.items()}

    @property
    def run_id(self) -> str:
        """The recorded run."""
        return self.recording.run_id

    @property
    def branch(self) -> str:
        """JSON text: ``run_id``, and where it goes live ``from`` (a step), ``edits``, ``live_tools``."""
        said: dict[str, Any] = {"run_id": self.run_id}
        if self._live_from is not None:
            said["from"] = self.recording.calls[self._live_from].step
            said["edits"] = self.options.edits
            said["live_tools"] = list(self.options.live_tools)
        return to_json(said)

    def request(self, method: str, path: str, body: dict[str, Any]) -> Call | None:
        """The recorded exchange of a request to a model; None when it goes out.

        Raises:
            ReplayDiverged: There is none, or it was not kept whole.
        """
        canonical = keys.canonical(json.loads(text_of(body)))
        path = _redact.text(path)
        return self._take("model", (method, path), canonical)

    def stand_in(
        self, name: str, arguments: str | None, effect: str | None, *, is_block: bool
    ) -> _StandIn | None:
        """What is called instead of a tool; None when it runs."""
        writes = effect in {"write", "irreversible"} and name not in self.options.live_tools
        if self.is_live and not writes:
            return None
        text = keys.canonical_json(None if arguments is None else json.loads(arguments))
        return _StandIn(self, name, text, effect, is_block=is_block)

    def tool(self, name: str, canonical: str) -> Call:
        """The recorded call of a tool.

        Raises:
            ReplayDiverged: There is none, or what it gave cannot be given again.
        """
        found = self._take("tool", ("tool", name), canonical)
        if found is None:
            raise AssertionError("Only requests go out.")
        return found

    def decided(self, chosen: str, messages: str) -> None:
        """A model call of this process has ended.

        Args:
            chosen: JSON text of the actions.
            messages: JSON text of the answer, which has their arguments.
        """
        if self.is_live:
            self.tell(
                {"event": "decided", "chosen": json.loads(chosen), "messages": json.loads(messages)}
            )

    def declared(self, agent: str, kind: str) -> Any:
        """The next value of that kind; None, which is noted, when there is none."""
        with self._lock:
            values = self._declared.get((agent, kind))
            found = values.popleft() if values else None
        if found is None:
            self.tell({"event": "undeclared", "kind": kind, "agent": agent})
            return None
        return given(found, self.options.main)

    def refused(self, address: str) -> ReplayDiverged:
        """The program wants to connect to *address*: what to raise."""
        where = place.of_caller()
        self.tell({"event": "network", "address": address, "place": where, **_here()})
        return ReplayDiverged(
            f"A connection to {address} was refused: the recording does not hold what would come back. "
            f"It was made at {where}. Put it into a @tellwhy.tool, whose results are recorded, or "
            "replay with --allow-network."
        )

    def refused_program(self, name: str, line: str) -> ReplayDiverged:
        """The program wants to start another: what to raise."""
        where = place.of_caller()
        self.tell({"event": "program", "program": line, "place": where, **_here()})
        return ReplayDiverged(
            f"The program {line!r} was not started: it could do again what it did, and the recording does "
            f"not hold what it would give. It was to be started at {where}. Put it into a @tellwhy.tool, "
            f"whose results are recorded, or replay with --allow-program {name}."
        )

    def refuse_block(self, name: str) -> NoReturn:
        """A ``with`` block of a tool wants to run.

        Raises:
            ReplayDiverged: Always.
        """
        where = place.of_caller()
        self.tell({"event": "block", "name": name, "place": where, **_here()})
        raise ReplayDiverged(
            f"`with tellwhy.tool({name!r})` at {where} would run what it did again, because a replay "
            'cannot leave the body of a block out. Use @tellwhy.tool on a function, or effect="read" '
            "if it only reads, or replay with --run-blocks."
        )

    def tell(self, event: Event) -> None:
        """Note what happened."""
        with self._lock:
            self.events.append(event)
            if self._tell_more is not None:
                self._tell_more(event)

    def _take(self, kind: str, who: tuple[str, str], canonical: str) -> Call | None:
        if self.is_live and kind == "model":
            self.tell({"event": "asked", "place": place.of_caller(), **_here()})
            return None
        exact = keys.exact(*who, canonical)
        with self._lock:
            found, how = self._next(self._exact.get(exact)), "exact"
            if found is None:
                mask = keys.exact(*who, keys.masked(canonical))
                found, how = self._next(self._masked.get(mask)), "masked"
            if found is not None:
                self._used.add(found.number)
        if found is None:
            self._unrecorded(kind, who, canonical)
        if kind == "model" and self._live_from is not None and found.number >= self._live_from:
            self.is_live = True
            self.tell(
                {"event": "live", "call": found.number, "place": place.of_caller(), **_here()}
            )
            return None
        where = place.of_caller()
        event: Event = {"event": "served", "call": found.number, "how": how, "place": where}
        event |= _here()
        if how == "masked":
            event["canonical"] = canonical
        if found.missing is not None:
            event["missing"] = found.missing
        self.tell(event)
        if found.missing is not None:
            raise ReplayDiverged(
                f"{found.name} was recorded and cannot be given again: {found.missing}."
            )
        return found

    def _next(self, waiting: deque[Call] | None) -> Call | None:
        while waiting:
            call = waiting.popleft()
            if call.number not in self._used:
                return call
        return None

    def _unrecorded(self, kind: str, who: tuple[str, str], canonical: str) -> NoReturn:
        where = place.of_caller()
        self.tell(
            {
                "event": "unrecorded",
                "kind": kind,
                "method": who[0] if kind == "model" else "",
                "path": who[1],
                "canonical": canonical,
                "place": where,
                **_here(),
            }
        )
        what = f"A call of the tool {who[1]}" if kind == "tool" else f"A request to {who[1]}"
        raise ReplayDiverged(
            f"{what} at {where} is not in the recording of run {self.recording.run_id}. "
            "Nothing was sent and nothing was run."
        )


class _StandIn:
    """What is called instead of one call of a tool."""

    __slots__ = ("_canonical", "_effect", "_is_block", "_name", "_player", "_taken")

    def __init__(
        self, player: Player, name: str, canonical: str, effect: str | None, *, is_block: bool
    ) -> None:
        self._player = player
        self._name = name
        self._canonical = canonical
        self._effect = effect
        self._is_block = is_block
        self._taken: Call | None = None

    def call(self) -> Any:
        """What the tool gave, or raised."""
        call = self._take()
        if self._is_block and "error" not in call.outcome:
            if self._effect != "read" and not self._player.options.run_blocks:
                self._player.refuse_block(self._name)
            return None
        error = call.outcome.get("error")
        if error is not None:
            raise self._given(error)
        return self._given(call.outcome.get("value"))

    def items(self) -> list[Any]:
        """What the tool yielded."""
        return [self._given(each) for each in self._take().outcome.get("items", ())]

    def _take(self) -> Call:
        if self._taken is None:
            self._taken = self._player.tool(self._name, self._canonical)
        return self._taken

    def _given(self, value: Any) -> Any:
        try:
            return given(value, self._player.options.main)
        except CannotGive as error:
            call = self._take()
            where = place.of_caller()
            event = {"event": "served", "call": call.number, "how": "exact", "missing": str(error)}
            self._player.tell({**event, "place": where, **_here()})
            raise ReplayDiverged(
                f"What {call.name} gave cannot be given again: {error}."
            ) from error


def _here() -> Event:
    """Where in the program this is."""
    run = _runs.current()
    return {"lane": lane_number(), "run": run.run_id if run is not None else ""}
