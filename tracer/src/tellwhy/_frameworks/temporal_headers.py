"""Carriers in Temporal's headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from temporalio.converter import PayloadConverter

from tellwhy._frameworks.temporal_ids import HEADER, OFFICIAL_HEADER


def with_carrier(headers: Mapping[str, Any], carried: Mapping[str, str]) -> dict[str, Any]:
    """*headers* with *carried* among them; what stood there before is left out."""
    if not carried:
        return dict(headers)
    return {**headers, HEADER: PayloadConverter.default.to_payloads([dict(carried)])[0]}


def carried_in(headers: Mapping[str, Any]) -> dict[str, Any]:
    """The carrier in *headers*, with the trace of temporalio's own interceptor where ours has none."""
    ours = _read(headers, HEADER)
    return ours if "traceparent" in ours else {**_read(headers, OFFICIAL_HEADER), **ours}


def _read(headers: Mapping[str, Any], name: str) -> dict[str, Any]:
    payload = headers.get(name)
    if payload is None:
        return {}
    try:
        (value,) = PayloadConverter.default.from_payloads([payload])
    except Exception:  # noqa: BLE001 - somebody else's header, or encoded by a codec
        return {}
    return value if isinstance(value, dict) else {}
