"""What a dead process left: the spans that had not arrived, and those that it died in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tellwhy_collector.spools import records
from tellwhy_collector.spools.folder import Folder, read_file
from tellwhy_collector.spools.records import Carrier, Fact, Record

WINDOW_BYTES = 1024 * 1024
"""How much is read at once; more only when one record is longer."""

MAX_SPANS, MAX_BYTES = 512, 4 * 1024**2
"""A batch closes when it holds so much; one span is taken however long it is."""

KILLED = "killed"
"""How a process ended that said nothing."""

Said = tuple[Carrier, bytes]
"""Resource and scope, and a span."""


class Batch(NamedTuple):
    """Spans that are stored together."""

    spans: list[Said]
    segment: int
    end: int
    """Offset in the segment up to which they reach."""


class Place(NamedTuple):
    """Where a start stands: a process may have died in steps with megabytes of messages."""

    path: Path
    begin: int
    size: int


class Orphan:
    """The content of a folder. Read all `batches` before anything else."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.carriers: dict[int, Carrier] = {}
        self.sequence: int | None = None
        """The last sequence number that is known; None when nothing tells."""
        self.reason = KILLED
        self._starts: dict[bytes, Place] = {}
        self._last_ns = folder.last_ns()
        self._from = {"tellwhy.process.instance": folder.card.instance}

    def batches(self) -> Iterator[Batch]:
        """Ended spans that had not arrived."""
        shipped = self.folder.shipped()
        for path in self.folder.segments():
            number, spans, size, end = int(path.stem), list[Said](), 0, 0
            for record in _records(path):
                said = self._look_at(record, path)
                if said is None or (number, record.end) <= shipped:
                    continue
                if spans and (len(spans) >= MAX_SPANS or size + len(said[1]) > MAX_BYTES):
                    yield Batch(spans, number, end)
                    spans, size = [], 0
                spans.append(said)
                size, end = size + len(said[1]), record.end
            if spans:
                yield Batch(spans, number, end)

    def lost(self) -> Iterator[list[Said]]:
        """Final records of the spans that had not ended."""
        spans: list[Said] = []
        size = 0
        for place in self._starts.values():
            number, span = records.started(read_file(place.path, place.size, place.begin))
            if spans and (len(spans) >= MAX_SPANS or size + len(span) > MAX_BYTES):
                yield spans
                spans, size = [], 0
            ended = records.lost(records.with_facts(span, self._from), self.reason, self._last_ns)
            spans.append((self.carriers.get(number, Carrier()), ended))
            size += len(ended)
        if spans:
            yield spans

    def heartbeat(self, now_ns: int, *, plain: bool = False) -> bytes:
        """The last sign of life, said by us: a log request.

        Args:
            now_ns: When we say it.
            plain: Without the resource that the process wrote.
        """
        card = self.folder.card
        facts: dict[str, Fact] = {
            **self._from,
            "process.pid": card.pid,
            "host.name": card.host,
            "tellwhy.process.started_ns": card.started_ns,
            "tellwhy.open_spans": 0,
            "tellwhy.process.ended": self.reason,
        }
        if self.sequence is not None:
            facts["tellwhy.sequence"] = self.sequence
        resources = [carrier.resource for carrier in self.carriers.values()]
        own = None if plain else next(iter(resources), None)
        return records.heartbeat(own or records.resource_of(card.service), facts, now_ns)

    def _look_at(self, record: Record, path: Path) -> Said | None:
        """Take *record* in; the span when it is an end."""
        if record.kind == records.CARRIER:
            number, carrier = records.carrier_of(record.payload)
            self.carriers[number] = carrier
        elif record.kind == records.CLOSING:
            self._close(record.payload)
        elif record.kind == records.START:
            self.reason = KILLED  # it went on after all
            _, span = records.started(record.payload)
            place = Place(path, record.begin, len(record.payload))
            self._starts[span[: records.KEY_BYTES]] = place
        else:
            self.reason = KILLED
            number, self.sequence, span = records.ended(record.payload)
            self._starts.pop(span[: records.KEY_BYTES], None)
            facts: dict[str, Fact] = {**self._from, "tellwhy.sequence": self.sequence}
            return self.carriers.get(number, Carrier()), records.with_facts(span, facts)
        return None

    def _close(self, payload: bytes) -> None:
        said = json.loads(payload)
        if isinstance(said, dict):
            self.reason = str(said.get("reason") or KILLED)[:40]
            sequence = said.get("sequence")
            if isinstance(sequence, int) and sequence > 0:
                self.sequence = sequence


def _records(path: Path) -> Iterator[Record]:
    """The whole records of a segment, until the process died in the middle of one."""
    size = path.stat().st_size
    if read_file(path, len(records.MAGIC)) != records.MAGIC:
        return
    offset = len(records.MAGIC)
    while offset < size:
        data = read_file(path, WINDOW_BYTES, offset)
        wanted = records.length_of(data[:16])
        if len(data) < wanted <= size - offset:
            data = read_file(path, wanted, offset)
        before = offset
        for record in records.scan(data, offset):
            yield record
            offset = record.end
        if offset == before:
            return
