"""Spans of transcripts → the collector, through the door that every exporter uses."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from tellwhy._post import Batch, HttpSink
from tellwhy._settings import Settings
from tellwhy._transcripts.told import Told, request_bytes

BATCH_BYTES = 2_097_152
"""About how long one request becomes; a single span may be longer."""

WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Pauses before an export is tried again."""


class UnsentError(Exception):
    """The collector did not take what was sent; the words say why and what to do."""


class Sender:
    """Sends and counts."""

    def __init__(self, settings: Settings, service: str) -> None:
        self._sink = HttpSink(settings)
        self._timeout_s = settings.export_timeout_s
        self._service = service
        self._held: list[tuple[list[Told], str | None]] = []
        self.spans = 0

    def send(self, told: Iterable[Told], version: str | None) -> None:
        """Hand over *told*, which a program of that *version* wrote.

        Raises:
            UnsentError: The collector does not answer, or refuses it. What it did not take is held,
                and goes first at the next call.
        """
        while self._held:
            self._put(*self._held[0])
            del self._held[0]
        batch: list[Told] = []
        size = 0
        for each in told:
            batch.append(each)
            size += sum(len(str(value)) for value in each.attributes.values())
            if size > BATCH_BYTES:
                self._hand_over(batch, version)
                batch, size = [], 0
        if batch:
            self._hand_over(batch, version)

    def close(self) -> None:
        """Let go of the connection."""
        self._sink.forget()

    def _hand_over(self, batch: list[Told], version: str | None) -> None:
        self._held.append((batch, version))
        self._put(batch, version)
        self._held.pop()

    def _put(self, batch: Sequence[Told], version: str | None) -> None:
        body = request_bytes(batch, self._service, version)
        for wait_s in (*WAITS_S, None):
            answer = self._sink.put(Batch(body, len(batch)), self._timeout_s)
            if answer.outcome == "delivered":
                self.spans += len(batch)
                return
            if answer.outcome == "too_large" and len(batch) > 1:
                middle = len(batch) // 2
                self._put(batch[:middle], version)
                self._put(batch[middle:], version)
                return
            if answer.outcome != "retry" or wait_s is None:
                raise UnsentError(
                    f"The collector at {self._sink.name} did not take {len(batch)} spans: "
                    f"{answer.detail}. Start one with `tellwhy up`, or set TELLWHY_ENDPOINT, and "
                    "import again; what has arrived is not stored twice."
                )
            time.sleep(answer.retry_after_s or wait_s)
