"""Sends what dead processes left in the spool, then removes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from tellwhy import _attributes as names
from tellwhy._notices import Notices
from tellwhy._settings import DEFAULT_ENDPOINT, Settings
from tellwhy._shipping import MAX_BATCH_SPANS, Said
from tellwhy._spool import spans
from tellwhy._spool.folder import Card, Folder, found_in, receiver_of
from tellwhy._spool.orphans import Orphan


class Ship(Protocol):
    """The part of a `Shipper` that adoption needs; all give False when the collector is away."""

    @property
    def speaks_to_tellwhy(self) -> bool:
        """Whether the collector is tellwhy's."""
        ...

    def send(
        self, said: list[Said], carriers: dict[int, bytes], instance: str, *, once: bool = False
    ) -> bool:
        """Hand spans over."""
        ...

    def beat(self, carrier: bytes, facts: dict[str, Any]) -> bool:
        """Tell how a process is."""
        ...


def adoption(root: Path, settings: Settings, ship: Ship, notices: Notices) -> Iterator[None]:
    """Send the spools of dead processes; yields after each request, so that others may come in."""
    for path in found_in(root):
        try:
            folder = _taken(path, settings, ship)
            if folder is not None:
                yield from _send(Orphan(folder), settings, ship)
        except (OSError, ValueError, TypeError, KeyError) as error:
            notices.orphan(str(path), error)
        yield


def _taken(path: Path, settings: Settings, ship: Ship) -> Folder | None:
    """The folder, if its process is dead and its spans are meant for where ours go.

    Somebody else's spans must not end up at our receiver, nor under our credentials: to many
    receivers those say whose spans they are. To a tellwhy collector they say only that one may send,
    so that what waited for a token goes out under the right one.
    """
    card = Card.read(path)
    endpoint = settings.endpoint or DEFAULT_ENDPOINT
    if card.endpoint.rstrip("/") != endpoint.rstrip("/"):
        return None
    same = card.receiver == receiver_of(endpoint, settings.headers, card.instance)
    return Folder.adopt(path) if same or ship.speaks_to_tellwhy else None


def _send(orphan: Orphan, settings: Settings, ship: Ship) -> Iterator[None]:
    card, carriers = orphan.card, orphan.carriers
    try:
        for chunk in orphan.chunks(MAX_BATCH_SPANS, settings.max_batch_bytes):
            said: list[Said] = [
                (*spans.ended(each), spans.aside_of(each)) for each in chunk.payloads
            ]
            if not ship.send(said, carriers, card.instance, once=True):
                return
            orphan.settle(chunk)
            yield
        lost = [(carrier, None, message, b"") for carrier, message in orphan.lost()]
        for begin in range(0, len(lost), MAX_BATCH_SPANS):
            batch: list[Said] = [*lost[begin : begin + MAX_BATCH_SPANS]]
            if not ship.send(batch, carriers, card.instance, once=True):
                return
            yield
        if carriers and not ship.beat(next(iter(carriers.values())), _last_facts(orphan)):
            return
        orphan.folder.remove()
    finally:
        orphan.folder.leave()


def _last_facts(orphan: Orphan) -> dict[str, Any]:
    card = orphan.card
    return {
        names.PROCESS_INSTANCE: card.instance,
        "process.pid": card.pid,
        "host.name": card.host,
        "tellwhy.process.started_ns": card.started_ns,
        names.SEQUENCE: orphan.sequence,
        "tellwhy.open_spans": 0,
        "tellwhy.process.ended": orphan.reason,
    }
