import base64
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import hashlib
import io
import json
import pathlib
import typing
import uuid

import numpy as np
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellwhy import _capture, _settings
from tellwhy._blobs import as_blob

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4

plain_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)
any_value = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None))
    | st.binary()
    | st.datetimes()
    | st.decimals()
    | st.uuids(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.integers() | st.text() | st.tuples(st.integers()), inner)
        | st.frozensets(st.integers() | st.text())
    ),
    max_leaves=30,
)


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Order:
    id: int
    lines: list
    api_key: str = "k"


@dataclasses.dataclass(slots=True)
class Slotted:
    a: int


class Model(pydantic.BaseModel):
    model_config = {"extra": "allow"}
    name: str
    inner: dict = {}


class Point(typing.NamedTuple):
    x: int
    y: int


class Hostile:
    """Counts every piece of its code that runs."""

    def __init__(self):
        self.visible = 1
        self._hidden = 2

    def _no(self, *args):
        raise AssertionError("host code ran")

    __repr__ = __str__ = __iter__ = __len__ = __eq__ = __bool__ = __getitem__ = _no
    keys = items = model_dump = to_dict = property(_no)

    def __hash__(self):
        return 1


@given(plain_json)
def test_json_values_come_back_as_they_were(value):
    """What is JSON already is not changed by going through."""
    with _settings.changed(redact_defaults=False):
        _capture._redact.set_rules(defaults=False, hook=None)
        try:
            assert value == json.loads(_capture.to_json(value))
        finally:
            _capture._redact.set_rules(defaults=True, hook=None)


@given(any_value)
def test_every_value_gives_valid_json_in_valid_unicode(value):
    """Whatever comes in, the text parses and can be sent."""
    text = _capture.to_json(value)

    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    text.encode()


@given(any_value, st.integers(100, 2000))
def test_the_text_is_bounded(value, limit):
    """A small bound holds for every value, up to the words that say what is missing."""
    with _settings.changed(max_value_bytes=limit):
        text = _capture.to_json([value] * 20)

    assert len(text) < limit * 7 + 2_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Order(1, ["a"]), {"id": 1, "lines": ["a"], "api_key": "[redacted]"}),
        (Slotted(2), {"a": 2}),
        (Model(name="n", extra="e"), {"name": "n", "inner": {}, "extra": "e"}),
        (Point(1, 2), {"x": 1, "y": 2}),
        (Colour.RED, "red"),
        ({3, 1, 2}, [1, 2, 3]),
        (
            {5: "a", None: "b", True: "c", (1, 2): "d"},
            {"5": "a", "null": "b", "true": "c", "[1, 2]": "d"},
        ),
        (dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC), "2026-01-02T03:04:05+00:00"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.timedelta(seconds=90), "0:01:30"),
        (decimal.Decimal("1.10"), "1.10"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        (ValueError("no"), {"type": "ValueError", "message": "no"}),
        (float("nan"), "nan"),
        (collections.deque([1]), [1]),
        (collections.UserDict(a=1), {"a": 1}),
        (len, "<builtin_function_or_method len>"),
        (dict, "<class dict>"),
        (np.float64(0.5), 0.5),
        (np.int32(4), 4),
        (np.arange(3), "array([0, 1, 2])"),
        pytest.param(10**5000, "[integer of 16610 bits]", id="huge"),
        ("\ud800x", "?x"),
        (collections.OrderedDict(b=1), {"b": 1}),
    ],
)
def test_types_that_agents_pass_around_are_readable(value, expected):
    """Each comes out as a reader would write it."""
    assert expected == json.loads(_capture.to_json(value))


def test_no_code_of_the_host_is_run():
    """Neither repr, str, iteration, equality nor properties of a user's class."""
    hostile = Hostile()

    assert {
        "class": "test_capture.Hostile",
        "visible": 1,
    } == json.loads(_capture.to_json(hostile)) | {"class": "test_capture.Hostile"}
    assert "visible" in _capture.to_json([hostile, {"k": hostile, "password": hostile}])


def test_an_object_inside_an_object_is_only_named():
    """A client held by an argument does not unfold into the record."""

    class Holder:
        def __init__(self):
            self.client = Hostile()
            self.size = 3

    found = json.loads(_capture.to_json(Holder()))

    assert 3 == found["size"]
    assert found["client"].startswith("<")


def test_generators_and_files_are_not_consumed():
    """They are named; the host reads them afterwards."""
    numbers = (n for n in range(3))
    file = io.StringIO("text")
    text = _capture.to_json({"numbers": numbers, "file": file})

    assert "<generator" in text
    assert "StringIO" in text
    assert ([0, 1, 2], "text") == (list(numbers), file.read())


def test_cycles_and_depth_are_cut():
    """A list that holds itself, and a thousand levels, end."""
    cyclic: list = [1]
    cyclic.append(cyclic)
    deep: list = []
    for _ in range(1000):
        deep = [deep]

    assert [1, "[circular]"] == json.loads(_capture.to_json(cyclic))
    assert f"[deeper than {_capture.MAX_DEPTH} levels]" in _capture.to_json(deep)


def test_the_same_value_twice_is_no_cycle():
    """Only what contains itself is circular."""
    shared = {"a": 1}

    assert [shared, shared] == json.loads(_capture.to_json([shared, shared]))


def test_what_is_cut_says_how_much_is_missing():
    """A long text and a long list end with a count."""
    with _settings.changed(max_value_bytes=200):
        text = json.loads(_capture.to_json("a" * 10_000))
        items = json.loads(_capture.to_json(list(range(1000))))

    assert text.endswith("… [9,800 more characters]")
    assert items[-1].endswith("more items]")


def test_huge_values_do_not_hold_the_agent_up():
    """Ten million entries cost what the bound costs, not what the value costs."""
    huge = {"rows": [["x" * 100] * 100] * 100_000}
    with _settings.changed(max_value_bytes=10_000):
        text = _capture.to_json(huge)

    assert len(text) < 20_000


def test_bytes_are_described_and_not_copied():
    """Type, length and hash stand for the bytes."""
    assert {
        "type": "blob",
        "mime_type": "image/png",
        "modality": "image",
        "bytes": len(PNG),
        "sha256": hashlib.sha256(PNG).hexdigest(),
    } == json.loads(_capture.to_json(PNG))


@pytest.mark.parametrize("wrap", ["{}", "data:image/png;base64,{}"])
def test_base64_of_an_image_is_described_as_its_bytes(wrap):
    """A screenshot in a tool result is its hash, whether bare or as a data address."""
    text = wrap.format(base64.b64encode(PNG).decode())

    assert (
        hashlib.sha256(PNG).hexdigest() == json.loads(_capture.to_json({"r": text}))["r"]["sha256"]
    )


def test_the_data_of_a_base64_part_is_described_whatever_it_is():
    """In the providers' parts the type stands beside the data."""
    part = {"type": "base64", "media_type": "x/y", "data": base64.b64encode(b"?" * 600).decode()}

    assert 600 == json.loads(_capture.to_json(part))["data"]["bytes"]


@given(st.text(min_size=600))
def test_text_is_not_taken_for_base64(text):
    """Prose stays prose."""
    assert as_blob(text) is None


def test_a_secret_across_the_cut_does_not_survive_in_part():
    """The cut comes after the search."""
    key = "sk-ant-api03-AbCdEf0123456789AbCdEf0123456789"
    text = _capture.bounded("x " * 45 + key, 100)

    assert "sk-ant" not in text


def test_equal_values_have_one_hash():
    """The order of keys does not matter, nor how a number is written."""
    assert _capture.sha256_of({"b": 1, "a": [2]}) == _capture.sha256_of({"a": [2.0], "b": 1})


def test_a_value_that_cannot_be_read_says_so(lenient):
    """A failure of ours is a sentence in the record."""

    class Broken(dict):
        pass

    broken = Broken(a=1)
    broken.__class__.__module__ = None  # breaks the naming of the class

    class Holder:
        pass

    holder = Holder()
    holder.__class__.__module__ = None

    assert json.loads(_capture.to_json(broken)) == {"a": 1}
    assert "not recorded" in _capture.to_json(holder)
