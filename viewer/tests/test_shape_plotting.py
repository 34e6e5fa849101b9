"""Which columns of an answer can be drawn, and the points out of its rows."""

import pytest

from tellwhy_viewer.shape import plotting


@pytest.mark.parametrize(
    ("type_name", "kind"),
    [
        ("UBIGINT", "number"),
        ("DECIMAL(18,3)", "number"),
        ("BIGINT[]", "name"),
        ("TIMESTAMP WITH TIME ZONE", "time"),
        ("DATE", "time"),
        ("VARCHAR", "name"),
        ("INTERVAL", "name"),
    ],
)
def test_the_kind_follows_the_type(type_name, kind):
    """The database's own type decides."""
    assert kind == plotting.kind(type_name)


def test_rows_without_both_values_are_left_out():
    """NULL, not-a-number and what is no time are not drawn as zero."""
    rows = [["2026-01-02", 1], ["2026-01-02", None], [None, 2], ["x", 3], ["2026-01-03", "NaN"]]

    drawn = plotting.points(rows, ["DATE", "DOUBLE"], 0, 1, None)

    assert [{"x": 1_767_312_000_000.0, "y": 1.0, "series": ""}] == drawn


def test_names_are_made_visible():
    """Hostile text reaches an axis and a legend only with its marks shown."""
    (drawn,) = plotting.points([["a\x1bb", 1, "c\x1bd"]], ["VARCHAR", "BIGINT", "VARCHAR"], 0, 1, 2)

    assert ("a⟨1B⟩b", "c⟨1B⟩d") == (drawn["x"], drawn["series"])


def test_points_and_colours_have_a_limit():
    """A page never gets more marks than one can tell apart."""
    rows = [[n, str(n)] for n in range(plotting.MOST_POINTS + 1)]

    assert plotting.MOST_POINTS == len(plotting.points(rows, ["BIGINT", "VARCHAR"], 0, 0, None))
    assert [] == plotting.series(rows, ["BIGINT", "VARCHAR"])
    assert [1] == plotting.series(rows[: plotting.MOST_SERIES], ["BIGINT", "VARCHAR"])
