"""JSON paths: written as read, in every spelling that is in use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellwhy_collector.telling.paths import NoSuchPlace, found_at, keys_of, path_of

KEYS = st.lists(st.one_of(st.integers(0, 9**6), st.text(max_size=12)), max_size=6)


@given(KEYS)
def test_what_is_written_is_read_back(keys):
    """Whatever a sender calls its fields."""
    try:
        "".join(map(str, keys)).encode()
    except UnicodeEncodeError:
        return
    assert keys == keys_of(path_of(*keys))


@pytest.mark.parametrize(
    "path", ["$.a[1].b c", '$.a[1]."b c"', '$["a"][1]["b c"]', "$['a'][1]['b c']", '$."a"[1]."b c"']
)
def test_all_spellings_lead_to_the_same_place(path):
    """DuckDB's and those of RFC 9535."""
    assert 7 == found_at({"a": [0, {"b c": 7}]}, path)


@pytest.mark.parametrize("path", ["a", "$.b", "$.a[2]", "$.a.b", "$[0]", "$.a[x]", "$..a", "$[-1]"])
def test_a_path_that_leads_nowhere_says_so(path):
    """Nothing is guessed."""
    with pytest.raises(NoSuchPlace):
        found_at({"a": [0, 1]}, path)
