"""From a request's body to rows: decode, understand, lay out. Runs beside the writer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from tellwhy_collector.decode import Decoded, Encoding, Signal, decode
from tellwhy_collector.decode.nouns import MAX_REASONS
from tellwhy_collector.ingest.columns import (
    Layout,
    Row,
    log_row,
    point_row,
    span_row,
    step_row,
)
from tellwhy_collector.ingest.heartbeats import heartbeat_of
from tellwhy_collector.ingest.ledger import body_hash
from tellwhy_collector.ingest.marks import ENDED_RANK, rank_of
from tellwhy_collector.ingest.names import Names
from tellwhy_collector.ingest.nouns import Batch, Item
from tellwhy_collector.ingest.recordings import without_recording
from tellwhy_collector.ingest.wholes import goes_on_of
from tellwhy_collector.records import Record, Span, Step

Normalise = Callable[[Record], Step | None]
"""What a record means; None when no dialect knows it. Pure."""

_log = logging.getLogger(__name__)

_ROWS: dict[Signal, Callable[[Any, Layout], Row]] = {
    "traces": span_row,
    "logs": log_row,
    "metrics": point_row,
}


def prepare(
    body: bytes,
    *,
    signal: Signal,
    encoding: Encoding,
    normalise: Normalise,
    names: Names | None = None,
) -> Batch:
    """One request as rows that only need to be stored.

    Args:
        body: One export request, uncompressed.
        signal: What the address it was sent to stands for.
        encoding: How it is written.
        normalise: What a record means.
        names: The attribute names let in so far; new ones when not given.

    Raises:
        MalformedExport: *body* is not an OTLP message. The sender must not retry.
    """
    decoded = decode(body, signal=signal, encoding=encoding)
    batch = Batch(
        signal,
        body_hash(signal, body),
        len(body),
        rejected=decoded.rejected,
        reasons=decoded.reasons,
        repeated_keys=decoded.repeated_keys,
    )
    return lay_out(decoded, batch, normalise, names or Names())


def lay_out(decoded: Decoded, batch: Batch, normalise: Normalise, names: Names) -> Batch:
    """Fill *batch* with the rows of *decoded*; a record that has none is refused, not its mates."""
    layout, make = Layout(names), _ROWS[batch.signal]
    for record in decoded.records:
        if batch.signal == "logs" and (heartbeat := heartbeat_of(record)) is not None:
            batch.heartbeats.append(heartbeat)
            continue
        recorded = None
        if isinstance(record, Span):
            record, recorded = without_recording(record)  # noqa: PLW2901 - the same, and shorter
        try:
            row = make(record, layout)
        except (TypeError, ValueError, RecursionError) as error:
            batch.rejected += 1
            if len(batch.reasons) < MAX_REASONS:
                batch.reasons.append(f"A record cannot be written as JSON: {error}.")
            continue
        step = None if batch.signal == "metrics" else understand(record, normalise)
        rank = rank_of(record) if batch.signal == "traces" else ENDED_RANK
        batch.items.append(Item(row, step, rank, recorded, goes_on_of(record)))
    return batch


def understand(record: Record, normalise: Normalise) -> Row | None:
    """The row of the step that *record* is; a fault of ours costs the step, never the record."""
    try:
        step = normalise(record)
        return None if step is None else step_row(step)
    except Exception:  # noqa: BLE001 - a dialect may meet anything
        _log.exception("A record could not be understood; it is stored without its step.")
        return None
