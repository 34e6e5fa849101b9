"""A request's body, read and unpacked without ever holding more than the limit."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable

from tellwhy_collector.errors import ExportTooLarge, MalformedExport, QueueFull

STEP_BYTES = 1024**2
"""How much is unpacked at a time."""

DRAIN_BYTES = 64 * 1024**2
"""How much of a body that is refused is read and thrown away, so that its sender, who writes
before it reads, gets to see the answer instead of a reset connection."""

DRAIN_S = 5.0
"""And for how long. Seconds."""


def too_large(size: int, limit: int, *, unpacked: bool) -> ExportTooLarge:
    """The error of a body of at least *size* bytes."""
    how = " after decompression" if unpacked else ""
    return ExportTooLarge(
        f"The body is {size:,} bytes or more{how}; the limit is {limit:,}. Send smaller batches "
        "(OTEL_BSP_MAX_EXPORT_BATCH_SIZE) or raise TELLWHY_MAX_BODY_BYTES."
    )


async def read(chunks: AsyncIterator[bytes], limit: int, grow: Callable[[int], None]) -> bytes:
    """The whole body as it came over the wire.

    Args:
        chunks: What arrives, in order.
        limit: Most bytes it may have.
        grow: Told of every chunk before it is kept; may refuse it.

    Raises:
        ExportTooLarge: It has more; the rest was thrown away as far as that is sensible.
        QueueFull: *grow* refused.
    """
    kept: list[bytes] = []
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            kept.clear()
            await drain(chunks)
            raise too_large(size, limit, unpacked=False)
        try:
            grow(len(chunk))
        except QueueFull:
            kept.clear()
            await drain(chunks)
            raise
        kept.append(chunk)
    return b"".join(kept)


async def drain(chunks: AsyncIterator[bytes]) -> None:
    """Read on and throw away, up to `DRAIN_BYTES` and `DRAIN_S`."""
    left = DRAIN_BYTES
    try:
        async with asyncio.timeout(DRAIN_S):
            async for chunk in chunks:
                left -= len(chunk)
                if left <= 0:
                    return
    except TimeoutError:
        return


def gunzip(packed: bytes, limit: int, grow: Callable[[int], None]) -> bytes:
    """Unpack gzip of one or more members.

    `gzip.decompress` has no limit: one MiB of it can unpack to one GiB.

    Args:
        packed: The body as it came over the wire.
        limit: Most bytes it may unpack to.
        grow: Told of every step before the next one; may refuse it.

    Raises:
        ExportTooLarge: It unpacks to more.
        MalformedExport: It is no gzip, cut off, or its checksum is wrong.
        QueueFull: *grow* refused.
    """
    out: list[bytes] = []
    size = 0
    rest = packed
    try:
        while rest or not out:
            member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            while not member.eof:
                step = member.decompress(rest, STEP_BYTES)
                size += len(step)
                if size > limit:
                    raise too_large(size, limit, unpacked=True)
                grow(len(step))
                out.append(step)
                rest = member.unconsumed_tail
                if not step and not rest and not member.eof:
                    raise MalformedExport("The gzip body is cut off. Send it again, whole.")
            # Padding with zeros after the last member is legal.
            rest = member.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise MalformedExport(
            f"Content-Encoding is gzip but the body cannot be unpacked: {error}. Send gzip, or "
            "leave the header out."
        ) from None
    return b"".join(out)
