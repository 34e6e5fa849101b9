"""Server-sent events, cut anywhere."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tellwhy._clients import sse
from tellwhy._clients.sse import EventReader

STREAM = (
    'event: one\ndata: {"a": "é\u2028"}\n\n: comment\n\ndata: x\ndata: y\n\nid: 3\n\n'
    "data:no space\n\ndata\n\nretry: 5\ndata: last\n\n"
)
EXPECTED = ['{"a": "é\u2028"}', "x\ny", "no space", "", "last"]


@given(st.lists(st.integers(0, 400), max_size=12), st.sampled_from(["\n", "\r\n", "\r"]))
def test_cut_at_any_byte(cuts, line_end):
    """The events are the same wherever the chunks begin, with every kind of line end."""
    raw = STREAM.replace("\n", line_end).encode()
    edges = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    reader, found = EventReader(), []
    for start, end in pairwise(edges):
        found += reader.feed(raw[start:end])
    assert found + reader.flush() == EXPECTED


def test_byte_by_byte():
    """Single bytes are enough."""
    reader = EventReader()
    found = [data for byte in STREAM.encode() for data in reader.feed(bytes([byte]))]
    assert found == EXPECTED


def test_last_event_without_its_empty_line():
    """A stream that ends too early still gives its last data."""
    reader = EventReader()
    assert reader.feed(b"data: half") == []
    assert reader.flush() == ["half"]
    assert reader.flush() == []


def test_bytes_that_are_no_text():
    """Broken UTF-8 is replaced and stops nothing."""
    assert EventReader().feed(b"data: \xff\n\n") == ["\ufffd"]


def test_memory_is_bounded(monkeypatch):
    """An event that never ends is given up, and reading goes on."""
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1000)
    reader = EventReader()
    for _ in range(200):
        reader.feed(b"x" * 100)
    assert reader.overflowed
    assert sum(map(len, reader._held)) <= 1100
    assert reader.feed(b"\n\ndata: next\n\n") == ["next"]
