import random

import pytest

from tellwhy._spool.records import CLOSING, END, HEAD_BYTES, START, length_of, record, scan

NOISE = random.Random(7).randbytes(300)
PAYLOADS = [(START, b"a start"), (END, b""), (END, NOISE), (CLOSING, b"{}")]
DATA = b"".join(record(kind, payload) for kind, payload in PAYLOADS)
ENDS = [sum(HEAD_BYTES + len(p) for _, p in PAYLOADS[: n + 1]) for n in range(len(PAYLOADS))]


def test_what_was_written_is_read():
    """Kinds, payloads and places come back, empty payloads too."""
    found = list(scan(DATA, at=8))

    assert PAYLOADS == [(each.kind, each.payload) for each in found]
    assert [8 + end for end in ENDS] == [each.end for each in found]


def test_a_torn_tail_costs_its_record_alone_wherever_it_is_torn():
    """At every byte: the records that are whole before it are read, and nothing else."""
    for size in range(len(DATA) + 1):
        whole = sum(end <= size for end in ENDS)
        assert PAYLOADS[:whole] == [(each.kind, each.payload) for each in scan(DATA[:size])]


def test_damage_ends_the_reading_wherever_it_is():
    """One changed bit at any byte behind the kind: never a wrong record, never an error."""
    kinds = {0, *ENDS}
    for place in sorted(set(range(len(DATA))) - kinds):
        bent = bytearray(DATA)
        bent[place] ^= 0x10
        whole = sum(end <= place for end in ENDS)
        assert PAYLOADS[:whole] == [(each.kind, each.payload) for each in scan(bytes(bent))]


@pytest.mark.parametrize("data", [b"", b"S", b"\x00" * 64, NOISE[:64]])
def test_what_is_no_record_has_no_length(data):
    """Zeros, as some file systems leave after a crash, and noise."""
    assert 0 == length_of(data) or data[:1] in {b"C", b"S", b"E", b"X"}
    assert [] == list(scan(data))
