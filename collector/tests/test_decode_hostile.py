from contextlib import suppress

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tellwhy_collector.decode import decode
from tellwhy_collector.errors import MalformedExport
from tellwhy_collector.testing import span, to_protobuf, traces

GOOD = orjson.dumps(traces([span()]))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"[" * 200_000,
        GOOD[:-20],
        GOOD + b"{}",
        b"\xef\xbb\xbf" + GOOD,
        GOOD.decode().encode("utf-16"),
        b'{"resourceSpans":[],"x":"\xff\xfe"}',
        GOOD.replace(b'"kind":3', b'"kind":1' + b"0" * 5000),
        GOOD.replace(b'"kind":3', b'"kind":1e999'),
        GOOD.replace(b'"kind":3', b'"kind":NaN'),
        GOOD.replace(b'"kind":3', b'"kind":"SPAN_KIND_CLIENT"'),
        GOOD.replace(b'"kind":3', b'"kind":3.5'),
        GOOD.replace(b'"kind":3', b'"kind":true'),
        GOOD.replace(b'"name":"chat"', b'"name":5'),
        orjson.dumps({"resourceSpans": {"scopeSpans": 1}}),
        orjson.dumps({"resourceSpans": [1]}),
        orjson.dumps(traces([span(attributes={"a": "b"})])),
        orjson.dumps(traces([span(attributes=[1])])),
        orjson.dumps(traces([span(attributes=[{"key": "a", "value": "b"}])])),
        orjson.dumps(traces([span(startTimeUnixNano=str(2**64))])),
        orjson.dumps(traces([span(startTimeUnixNano="-1")])),
        orjson.dumps(traces([span(startTimeUnixNano="1_0")])),
        orjson.dumps(traces([span(startTimeUnixNano="٣")])),
        orjson.dumps(traces([span(flags=2**32)])),
        *(
            orjson.dumps(traces([span(attributes=[{"key": "a", "value": value}])]))
            for value in (
                {"stringValue": "x", "intValue": "1"},
                {"intValue": str(2**63)},
                {"boolValue": "true"},
                {"doubleValue": "1e999"},
                {"doubleValue": "one"},
                {"bytesValue": "=!"},
                {"arrayValue": []},
                {"arrayValue": {"values": {}}},
            )
        ),
    ],
)
def test_json_that_is_not_otlp_has_one_error(body):
    """Whatever the body is, the sender learns that sending it again is of no use."""
    with pytest.raises(MalformedExport):
        decode(body, signal="traces", encoding="json")


def test_a_text_of_twenty_thousand_levels_is_refused():
    """Deep nesting ends in an answer, not in a stack overflow."""
    deep = b'{"arrayValue":{"values":[' * 20_000 + b"{}" + b"]}}" * 20_000
    body = GOOD.replace(b'{"stringValue":"chat"}', deep)

    with pytest.raises(MalformedExport):
        decode(body, signal="traces", encoding="json")


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, data):
    return bytes([number << 3 | 2]) + varint(len(data)) + data


def bomb():
    value = field(1, b"x")
    for _ in range(5000):
        value = field(5, field(1, value))
    inner = field(9, field(1, b"d") + field(2, value))
    return field(1, field(2, field(2, inner)))


WIRE = to_protobuf(traces([span() for _ in range(5)]))


@pytest.mark.parametrize(
    "body",
    [
        WIRE[: len(WIRE) // 2],
        GOOD,
        b"\x0a\xff\xff\xff\xff\x0f",
        b"\x0a" + b"\xff" * 11,
        b"\x02\x00",
        bomb(),
        field(1, field(2, field(2, field(5, b"bad\xff\xfe\x80utf8")))),
    ],
)
def test_protobuf_that_is_not_otlp_has_one_error(body):
    """Cut off, overlong, too deep or not UTF-8: permanent, and said so."""
    with pytest.raises(MalformedExport):
        decode(body, signal="traces", encoding="protobuf")


@settings(max_examples=200, deadline=None)
@given(data=st.data(), encoding=st.sampled_from(["protobuf", "json"]))
def test_flipped_bytes_never_give_another_error(data, encoding):
    """Fuzz the door: decoded or refused, nothing else."""
    body = bytearray(WIRE if encoding == "protobuf" else GOOD)
    for _ in range(data.draw(st.integers(1, 8))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with suppress(MalformedExport):
        decode(bytes(body), signal="traces", encoding=encoding)
