"""The sign of life of a process: one OTLP log record, for a tellwhy collector only.

Source:
    opentelemetry-proto 1.11, logs.proto.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from tellwhy import _attributes as names
from tellwhy import _otlp
from tellwhy._spool.spans import resource_of

EVENT_NAME = "tellwhy.heartbeat"
"""What tells it from log records of programs."""


def request(carrier: bytes, facts: Mapping[str, Any]) -> bytes:
    """One ``ExportLogsServiceRequest``.

    Args:
        carrier: Payload of a carrier whose resource is that of the process.
        facts: The attributes; those that are None are left out.
    """
    now = _otlp.fixed(time.time_ns())
    record = [b"\x09", now, b"\x59", now]
    known = {name: value for name, value in facts.items() if value is not None}
    _otlp.attributes(record, b"\x32", known)
    record.append(_otlp.text(b"\x62", EVENT_NAME))
    scope = _otlp.message(b"\x0a", _otlp.text(b"\x0a", names.SCOPE))
    scoped = _otlp.message(b"\x12", scope + _otlp.message(b"\x12", b"".join(record)))
    return _otlp.message(b"\x0a", resource_of(carrier) + scoped)
