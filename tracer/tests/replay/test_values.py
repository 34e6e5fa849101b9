"""Values come back equal, and nothing that a recording says is run."""

import dataclasses
import json
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellwhy._recording import values
from tellwhy._recording.giving import CannotGive
from tellwhy._recording.giving import given as given_back
from tellwhy._recording.values import CannotKeep

ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.dates()
    | st.datetimes()
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.fractions(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.integers()), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(ANY)
def test_values_come_back_equal(value):
    """Through JSON text, in value and type; what looks like a card or a key is replaced, and so not here."""
    text = values.kept(value, 1 << 20)
    if "[redacted]" not in text:
        assert value == given_back(json.loads(text))
        assert repr(value) == repr(given_back(json.loads(text)))


class Loud:
    made: ClassVar[list[str]] = []

    def __init__(self, word):
        Loud.made.append(word)
        self.word = word

    def __setattr__(self, name, value):
        Loud.made.append(name)
        object.__setattr__(self, name, value)


class Closing:
    def __del__(self):
        Loud.made.append("collected")


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    x: int
    y: "Frozen | None" = None

    def __post_init__(self):
        Loud.made.append("made")


def test_no_code_of_a_class_runs_when_it_is_rebuilt():
    """Neither the constructor, nor __post_init__, nor __setattr__."""
    kept = [values.kept(each, 1000) for each in (Loud("a"), Frozen(1, Frozen(2)))]
    Loud.made.clear()
    loud, frozen = [given_back(json.loads(text)) for text in kept]

    assert [] == Loud.made
    assert ("a", Frozen(1, Frozen(2))) == (loud.word, frozen)


HOSTILE = [
    {"$": "object", "class": "os:system", "fields": {}},
    {"$": "object", "class": "subprocess:Popen", "fields": {"pid": 1}},
    {"$": "object", "class": "builtins:type", "fields": {}},
    {"$": "object", "class": f"{__name__}:Closing", "fields": {}},
    {"$": "dataclass", "class": f"{__name__}:Loud", "fields": {}},
    {"$": "error", "class": "builtins:int", "args": [], "fields": {}},
    {"$": "enum", "class": f"{__name__}:Frozen", "name": "x"},
    {"$": "object", "class": "nowhere.at.all:X", "fields": {}},
    {"$": "named_tuple", "class": "builtins:tuple", "items": []},
    {"$": "eval", "text": "1"},
    {"$": "decimal", "text": "x"},
    {"$": "bytes"},
]


@pytest.mark.parametrize("found", HOSTILE, ids=lambda found: found.get("class", found["$"]))
def test_what_a_recording_must_not_make_is_refused(found):
    """Functions, processes, classes that act when they are collected, kinds that do not fit."""
    Loud.made.clear()
    with pytest.raises(CannotGive):
        given_back(found)

    assert [] == Loud.made


def local():
    class Inside:
        pass

    return Inside()


LOOP = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (local(), "inside a function"),
        (iter([]), "cannot be rebuilt"),
        (Closing(), "when it is collected"),
        (open, "cannot be rebuilt"),
        (LOOP, "contains itself"),
        ("x" * 2000, "are kept"),
    ],
    ids=["local", "iterator", "closing", "function", "circular", "long"],
)
def test_what_cannot_be_given_back_says_why(value, why):
    """And is not guessed."""
    with pytest.raises(CannotKeep, match=why):
        values.kept(value, 1000)
