"""Rows as columns and back: what the page unpacks is what was packed."""

import json
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_assets import ASSETS

from tellwhy_viewer.shape.columns import first, packed

NODE = shutil.which("node")
CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "all", "of", "\u202e", "long " * 30]),
    st.lists(st.integers(0, 9), max_size=2),
)


def unpacked(told):
    """The same as columns.js does, in Python."""
    rows = [{} for _ in range(told["rows"])]
    for name, column in told["columns"].items():
        for at, row in enumerate(rows):
            if isinstance(column, dict):
                row[name] = column["all"] if "all" in column else column["of"][column["at"][at]]
            else:
                row[name] = column[at]
    return rows


@given(st.lists(st.tuples(CELLS, CELLS), max_size=12))
def test_every_table_comes_back(rows):
    """Whatever stands in the cells, repeated or not."""
    told = packed(("a", "b"), rows)

    assert [{"a": a, "b": b} for a, b in rows] == unpacked(told)
    assert first(told, "b") == (rows[0][1] if rows else None)


def test_repeated_texts_travel_once():
    """A status, a model or a tool of a thousand rows is not written a thousand times."""
    told = packed(("kind", "same", "id"), [("ab"[n % 2], "x", f"id{n}") for n in range(1000)])

    assert ["a", "b"] == told["columns"]["kind"]["of"]
    assert {"all": "x"} == told["columns"]["same"]
    assert "id7" == told["columns"]["id"][7]
    assert len(json.dumps(told)) < 20_000


@pytest.mark.skipif(NODE is None, reason="no node: apt-get install nodejs runs the pure modules")
def test_the_page_unpacks_what_was_packed():
    """columns.js and columns.py agree."""
    rows = [["ab"[n % 2], None, n, [n], "x"] for n in range(20)]
    script = f"""
    import {{ unpacked }} from "{ASSETS.as_uri()}/columns.js";
    console.log(JSON.stringify(unpacked({json.dumps(packed("abcde", rows))})));
    console.log(JSON.stringify(unpacked({json.dumps(packed((), []))})));
    """
    words = [NODE, "--no-warnings", "--input-type=module"]
    done = subprocess.run(words, input=script, capture_output=True, text=True, check=True)
    told, nothing = map(json.loads, done.stdout.splitlines())

    assert [dict(zip("abcde", row, strict=True)) for row in rows] == told
    assert [] == nothing
