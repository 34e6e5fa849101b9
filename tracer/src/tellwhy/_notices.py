"""What the exporter says to the user: one log line of each kind, and no more."""

from __future__ import annotations

from tellwhy._guard import guarded
from tellwhy._post import Answer
from tellwhy._settings import Settings, logger


class Notices:
    """Log lines, each said once in a process."""

    def __init__(self, receiver: str, settings: Settings) -> None:
        self._receiver = receiver
        self._settings = settings
        self._said: set[str] = set()

    def waiting(self, answer: Answer, folder: str | None) -> None:
        """The collector does not answer, or turns this program away: its steps wait."""
        in_memory = f"up to {self._settings.max_queue_spans} spans wait in memory and are"
        kept = f"its steps are kept in {folder} and" if folder else in_memory
        if answer.is_barred:
            self._say(
                "barred",
                "The collector at %s turns this program away (%s). Your program goes on; %s sent "
                "when it lets it in. Set TELLWHY_HEADERS to Authorization=Bearer%%20TOKEN with its "
                "TELLWHY_INGEST_TOKEN, or TELLWHY_ENDPOINT to an address that takes OTLP/HTTP.",
                self._receiver,
                answer.detail,
                kept,
            )
            return
        self._say(
            "missing",
            "The collector at %s cannot be reached (%s). Your program goes on; %s sent when it "
            "answers. Start one with `tellwhy up`, or set TELLWHY_ENDPOINT; TELLWHY_DISABLED=1 "
            "turns recording off.",
            self._receiver,
            answer.detail,
            kept,
        )

    def full(self, waiting: int) -> None:
        """The queue in memory is full."""
        self._say(
            "full",
            "%d spans wait for the collector at %s and no more fit; newer ones are dropped and "
            "counted. Raise TELLWHY_MAX_QUEUE_SPANS or TELLWHY_MAX_QUEUE_BYTES if memory allows.",
            waiting,
            self._receiver,
        )

    def evicted(self, folder: str | None) -> None:
        """The spool is full."""
        self._say(
            "evicted",
            "The spool %s holds TELLWHY_MAX_SPOOL_BYTES=%d and the collector at %s does not answer; "
            "the oldest steps are dropped and counted.",
            folder,
            self._settings.max_spool_bytes,
            self._receiver,
        )

    def gave_up(self, folder: str, freed_bytes: int) -> None:
        """What dead programs left is over its limit."""
        self._say(
            f"gave up {folder}",
            "What programs that have ended left in the spool is over TELLWHY_MAX_SPOOL_TOTAL_BYTES="
            "%d: the steps in %s (%d bytes) are dropped, and will show as a gap. Start the collector "
            "that they are meant for, at %s for this program.",
            self._settings.max_spool_total_bytes,
            folder,
            freed_bytes,
            self._receiver,
        )

    def disk(self, error: OSError) -> None:
        """The spool cannot be written."""
        self._say(
            "disk",
            "The spool cannot be written (%s). Steps wait in memory and would be lost with the "
            "program; the disk is tried again. Set TELLWHY_SPOOL_DIR to a folder that can be "
            "written, or to off.",
            error,
        )

    def refused(self, why: str) -> None:
        """The collector will never take these spans."""
        self._say(
            "refused",
            "The collector at %s refused spans (%s); they are dropped and counted. Is it an "
            "OTLP/HTTP endpoint? tellwhy's is the port that `tellwhy serve` prints.",
            self._receiver,
            why,
        )

    def orphan(self, folder: str, error: Exception) -> None:
        """Somebody's folder cannot be adopted."""
        self._say(
            f"orphan {folder}",
            "The spool of a program that has ended, %s, cannot be read (%s: %s). It is left there.",
            folder,
            type(error).__name__,
            error,
        )

    def unsent(self, waiting: int, in_memory: int, folder: str | None) -> None:
        """The program ends before all was sent; what waits in memory ends with it."""
        if self._said & {"missing", "barred"} and not in_memory:
            return
        kept = f" They are kept in {folder}, and the next program that uses it sends them."
        lost = f" {in_memory} of them are nowhere on disk and are lost."
        self._say(
            "unsent",
            "The program ended and %d spans were not sent: the collector at %s did not answer "
            "within TELLWHY_EXIT_TIMEOUT_S=%s.%s",
            waiting,
            self._receiver,
            self._settings.exit_timeout_s,
            lost if in_memory else kept if folder else "",
        )

    def dropped(self, count: int) -> None:
        """Some were lost on the way."""
        self._say("dropped", "%d spans of this program were dropped.", count)

    def _say(self, kind: str, text: str, *values: object) -> None:
        if kind not in self._said:
            self._said.add(kind)
            with guarded("logging"):
                logger.warning(text, *values)
