import re

import pytest

from tellwhy_viewer import queries


@pytest.mark.parametrize("query", queries.ALL, ids=lambda query: query.name)
def test_every_parameter_is_named_and_used(query):
    """``$1`` to ``$n`` and the names agree, so a value cannot slip into another's place."""
    used = {int(number) for number in re.findall(r"\$(\d+)", query.sql)}

    assert set(range(1, len(query.params) + 1)) == used
    assert len(set(query.params)) == len(query.params)


@pytest.mark.parametrize("query", queries.ALL, ids=lambda query: query.name)
def test_every_query_says_what_it_is_for_and_is_one_select(query):
    """The file is read as documentation."""
    assert query.purpose.endswith(".")
    assert query.sql.strip().upper().startswith(("SELECT", "WITH"))
    assert ";" not in query.sql


def test_values_are_bound_by_name():
    """A missing or unknown value is a mistake of ours and is found at once."""
    assert ["r"] == queries.RUN.bind(run_id="r")
    with pytest.raises(TypeError, match="run takes"):
        queries.RUN.bind(run="r")


def test_values_are_written_into_a_text_for_people():
    """As literals that cannot end early; `$10` is not `$1` and a zero."""
    many = queries.Query("q", "P.", tuple("abcdefghij"), "SELECT $1, $10, $2, $3")
    given = dict.fromkeys("abcdefghij", 0) | {"a": "o'b; --", "j": None, "b": True, "c": 1.5}

    assert "SELECT 'o''b; --', NULL, true, 1.5" == many.written(**given)
