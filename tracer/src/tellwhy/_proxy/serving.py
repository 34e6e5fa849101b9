"""Answers from a recording: what it does not hold is refused, and nothing goes out."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from tellwhy._clients.routes import goes_to_model
from tellwhy._proxy.server import Answered, Asked, Broken, error
from tellwhy._replay.player import Event, Options, Player
from tellwhy._replay.recording import Call, Recording
from tellwhy._replay.verdict import Verdict, verdict_of
from tellwhy._standing_in import ReplayDiverged

REFUSED = 400
"""A status that no SDK tries again."""


class Serving:
    """Answers with what was recorded."""

    def __init__(self, recording: Recording, *, timing: bool = False) -> None:
        """Take the model calls of a recording; its tools ran in the program, and will again."""
        calls = [
            replace(call, number=number)
            for number, call in enumerate(each for each in recording.calls if each.kind == "model")
        ]
        self.recording = replace(recording, calls=calls)
        self._player = _Player(self.recording, Options(timing=timing))
        self._timing = timing
        self._others: dict[str, int] = {}
        self.diverged = threading.Event()
        """Set when something was refused: what the program does from here on is not the recorded run."""

    def answer(self, asked: Asked) -> Answered:
        """The recorded answer, or a refusal.

        Raises:
            Broken: The connection broke when it was recorded.
        """
        body = _json(asked.body)
        if body is None or not goes_to_model(asked.method, asked.path.encode()):
            what = f"{asked.method} {asked.path}"
            self._others[what] = self._others.get(what, 0) + 1
            return error(404, "not_found_error", f"A replay holds no {what}.")
        try:
            call = self._player.request(asked.method, asked.path, body)
        except ReplayDiverged as diverged:
            self.diverged.set()
            return error(REFUSED, "invalid_request_error", f"tellwhy replay: {diverged}")
        assert call is not None  # nothing is live
        if not call.status:
            raise Broken
        return Answered(call.status, call.headers, self._chunks(call))

    def verdict(self) -> Verdict:
        """What it came to."""
        found = verdict_of(self.recording, self._player.events)
        found.by_proxy = True
        for what, count in self._others.items():
            found.notes.append(f"{what} was answered with 404, {count} times: it asks no model")
        return found

    def _chunks(self, call: Call) -> Iterator[bytes]:
        before = 0.0
        for at_ms, data in call.chunks:
            if self._timing:
                time.sleep(max(at_ms - before, 0) / 1000)
                before = at_ms
            yield data
        if call.error is not None:
            raise Broken


class _Player(Player):
    """Where in the program a request was made is not known from outside."""

    def tell(self, event: Event) -> None:
        """Note what happened."""
        super().tell(event | {"place": ""} if "place" in event else event)


def _json(content: bytes) -> dict[str, object] | None:
    try:
        found = json.loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
