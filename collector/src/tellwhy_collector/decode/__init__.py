"""Step 2 of 7. One OTLP request, protobuf or JSON, into records. Loss-free: nothing is renamed.

Both encodings give equal records. An invalid id costs the record that carries it, not the request.
"""

from tellwhy_collector.decode.nouns import Decoded, Encoding, Records, Signal
from tellwhy_collector.decode.protobuf import decode_protobuf
from tellwhy_collector.decode.text import decode_json

__all__ = ["Decoded", "Encoding", "Records", "Signal", "decode"]


def decode(body: bytes, *, signal: Signal, encoding: Encoding) -> Decoded:
    """Turn one export request into records, in the order they were sent.

    Args:
        body: One ``Export…ServiceRequest``, decompressed, its size already limited.
        signal: What the address it was sent to stands for.
        encoding: How *body* is written, from the request's Content-Type.

    Raises:
        MalformedExport: *body* is not such a message. Permanent; the sender must not retry.

    Source:
        OTLP 1.11, "OTLP/HTTP Request" and "JSON Protobuf Encoding".
    """
    if encoding == "protobuf":
        return decode_protobuf(body, signal)
    return decode_json(body, signal)
