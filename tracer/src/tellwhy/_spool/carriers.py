"""Resources and scopes, numbered: thousands of spans share one."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from tellwhy._spool.spans import carrier_payload

MAX_REMEMBERED = 256
"""Resource and scope objects whose number is remembered; with more the memory is begun anew."""


class Carriers:
    """Number of a span's resource and scope, and the carrier of a number."""

    def __init__(self) -> None:
        self.payloads: dict[int, bytes] = {}
        """Payloads of carrier records by number."""
        self._by_text: dict[bytes, int] = {}
        # Keyed by the objects' ids, because a resource takes 20 µs to hash; holds the objects, so
        # that an id is not used again meanwhile.
        self._by_id: dict[tuple[int, int], tuple[int, Any, Any]] = {}

    def known(self, span: ReadableSpan) -> int | None:
        """The number of *span*'s carrier if it has one; needs no lock."""
        known = self._by_id.get((id(span.resource), id(span.instrumentation_scope)))
        return known[0] if known is not None else None

    def number(self, span: ReadableSpan) -> int:
        """The number of *span*'s carrier, from 1; one thread at a time."""
        resource, scope = span.resource, span.instrumentation_scope
        text = carrier_payload(0, span)
        number = self._by_text.get(text)
        if number is None:
            number = len(self._by_text) + 1
            self.payloads[number] = carrier_payload(number, span)
            self._by_text[text] = number
        if len(self._by_id) >= MAX_REMEMBERED:
            self._by_id.clear()
        self._by_id[id(resource), id(scope)] = (number, resource, scope)
        return number
