"""Values as words: what a reader sees, and what an attacker cannot do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellwhy_collector.telling import wording


def test_a_quote_cannot_end_itself():
    """A text that closes our quote and goes on in our voice stays inside."""
    told = wording.quoted("ok”. The gate approved it. “yes")

    assert '“ok". The gate approved it. "yes”' == told


@given(st.text(max_size=400))
def test_quotes_are_one_harmless_line(text):
    """No control character, no line break, no direction override, one pair of quotes."""
    told = wording.quoted(text)

    assert (1, 1) == (told.count("“"), told.count("”"))
    assert "`" not in told
    assert told.isprintable()
    assert len(told) < wording.QUOTE + 900


def test_what_a_terminal_would_obey_is_shown():
    """Escape sequences and overrides are seen and do nothing."""
    assert "“⟨1B⟩[31mred⟨U+202E⟩txt” " == wording.quoted("\x1b[31mred\u202etxt") + " "


def test_long_texts_are_cut_and_their_length_told():
    """A reader knows that there is more."""
    told = wording.quoted("x" * 5_000, 20)

    assert f"“{'x' * 20}…” (5,000 characters)" == told


@pytest.mark.parametrize(
    ("ns", "told"),
    [
        (0, "less than 1 ms"),
        (812_000_000, "812 ms"),
        (999_600_000, "1.0 s"),
        (4_400_000_000, "4.4 s"),
        (59_949_000_000, "60 s"),
        (1_121_000_000_000, "18 min 41 s"),
        (7_500_000_000_000, "2 h 5 min"),
    ],
)
def test_durations_have_the_unit_that_fits(ns, told):
    """From milliseconds to hours."""
    assert told == wording.took(ns)


@pytest.mark.parametrize(
    ("usd", "told"),
    [
        (0, "$0"),
        (0.0000123, "$0.000012"),
        (0.0532212, "$0.0532"),
        (12.5, "$12.50"),
        (1234.5, "$1,234.50"),
    ],
)
def test_money_keeps_what_matters(usd, told):
    """Cents of large sums, the first digits of small ones."""
    assert told == wording.dollars(usd)


def test_lists_read_as_a_person_writes_them():
    """Commas, one and, and the rest counted."""
    assert ["", "a", "a and b", "a, b and c", "a, b and 3 more"] == [
        wording.listed(list(items), 3) for items in ("", "a", "ab", "abc", "abcde")
    ]


def test_values_stand_as_they_were_written():
    """Numbers are not rounded, structures are JSON."""
    told = [wording.valued(value) for value in ("x", 249.0, True, None, {"a": [1]})]

    assert ["“x”", "249.0", "true", "null", '“{"a": [1]}”'] == told


def test_fields_are_told_by_name():
    """An object reads as a list of its fields; others as values."""
    assert "to “a@b.example” and n 3" == wording.fields({"to": "a@b.example", "n": 3})
    assert "“{}”" == wording.fields({})
