"""A codec that turns the bytes of payloads round, as one that encrypts would hide them."""

from collections.abc import Sequence
from dataclasses import replace

from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter, PayloadCodec


class Turning(PayloadCodec):
    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Each payload as a whole, backwards, in one of our own."""
        return [
            Payload(metadata={"encoding": b"binary/turned"}, data=each.SerializeToString()[::-1])
            for each in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """What `encode` took."""
        return [Payload.FromString(each.data[::-1]) for each in payloads]


converter = replace(DataConverter.default, payload_codec=Turning())
