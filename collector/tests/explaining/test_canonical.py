"""One text for equal values, by the examples of RFC 8785."""

import hashlib
import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tellwhy_collector.reconstruct.canonical import canonical, number, sha256_of
from tellwhy_collector.reconstruct.payloads import differ, hash_of, parsed

# RFC 8785, appendix B: the bits of a number and how it is written.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@pytest.mark.parametrize(("bits", "text"), NUMBERS.items())
def test_numbers_are_written_as_the_standard_says(bits, text):
    """Also the smallest, the largest and those between two spellings."""
    assert text == number(struct.unpack(">d", bytes.fromhex(bits))[0])


def test_names_stand_in_the_order_of_their_utf16_units():
    """The example of RFC 8785, 3.2.3: an emoji stands before what follows it in Unicode."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    found = list(json.loads(canonical(dict.fromkeys(names, 0))))

    assert ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"] == found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@settings(deadline=None)
@given(JSON)
def test_the_text_reads_back_as_the_value(value):
    """Nothing is lost, and writing it again gives the same text."""
    text = canonical(value)
    read = json.loads(text, parse_int=float)

    assert value == read
    assert text == canonical(read)


def test_long_whole_numbers_keep_their_digits():
    """Ids of twenty digits are told apart, where a double would round them."""
    assert "[12345678901234567890]" == canonical([12345678901234567890])


def test_equal_payloads_have_one_hash():
    """In any order and any spelling of a number; it is SHA-256 of the text."""
    text = b'{"amount":80,"order":"A-17"}'

    assert hashlib.sha256(text).hexdigest() == sha256_of({"order": "A-17", "amount": 80.0})
    assert sha256_of({"amount": 80}) != sha256_of({"amount": "80"})


def test_what_nests_too_deep_has_no_hash():
    """A hostile payload costs its own row a hash and the run nothing."""
    deep = []
    for _ in range(100_000):
        deep = [deep]

    assert hash_of(deep) is None
    assert hash_of(None) is None


@pytest.mark.parametrize(
    ("asked", "done", "says"),
    [
        ({"amount": 80}, {"amount": 80}, False),
        ({"amount": 80}, {"amount": 800}, True),
        ({"amount": "80"}, {"amount": 80}, False),  # a framework made a number of it
        ({"amount": 80}, {"amount": 80, "session": "x"}, None),  # one that nobody saw
        ({"lines": [{"sku": 1}]}, {"lines": [{"sku": 2}]}, True),
        ({"lines": '[{"sku": 1}]'}, {"lines": [{"sku": 1}]}, False),
        ({"amount": 80}, {"sum": 80}, None),
        ({"amount": 80}, "80", None),
        ({}, {}, False),
    ],
)
def test_only_what_both_name_is_compared(asked, done, says):
    """What stands in one alone says nothing."""
    assert says is differ(asked, done)


def test_arguments_that_were_sent_as_text_are_read():
    """Some senders write their JSON into a text; what is none stays as it is."""
    assert {"amount": 42} == parsed('{"amount": 42}')
    assert "{no JSON" == parsed("{no JSON")
    assert "Paris" == parsed("Paris")
