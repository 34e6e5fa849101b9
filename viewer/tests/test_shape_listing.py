import pytest

from tellwhy_viewer.parts.grid import arrow
from tellwhy_viewer.shape import listing


def row(**more):
    base = {
        "run_id": "r1",
        "agent_name": "refunds",
        "agent_version": "41",
        "service_name": "s",
        "name": "invoke_agent a",
        "task": "Find the\nparcel",
        "status": "failed",
        "start_time": "2026-11-20T09:03:12.5Z",
        "duration_ns": 61 * 10**9,
        "decisions": 3,
        "tool_calls": 2,
        "errors": 0,
        "approvals": 1,
        "died_in": None,
        "tokens": 1500,
        "cost_usd": None,
        "models": None,
    }
    return base | more


def test_a_run_becomes_a_row_with_its_shape_and_what_was_said_of_it():
    """Parts of its time come in order; what nobody said is nothing."""
    shapes = [
        {"run_id": "r1", "part": 5, "steps": 3, "errors": 1, "people": 0},
        {"run_id": "r1", "part": 0, "steps": 2, "errors": 0, "people": 1},
        {"run_id": "r2", "part": 0, "steps": 9, "errors": 0, "people": 0},
    ]
    said = {"findings": 2, "worst_severity": "high", "reviewed_decisions": None}
    marks = [{"run_id": "r1", "wrong_decisions": None, **said}]
    (shown,) = listing.runs_table([row()], shapes=shapes, marks=marks)

    assert ("refunds", "Find the parcel", "failed") == (
        shown["agent"], shown["task"], shown["status"],
    )  # fmt: skip
    assert [[0, 2, 0, 1], [5, 3, 1, 0]] == shown["parts"]
    assert (2, "high", 0) == (shown["findings"], shown["worst"], shown["reviewed"])
    assert 61_000 == shown["took_ms"]


@pytest.mark.parametrize(
    ("task", "shown"),
    [
        (None, "invoke_agent a"),
        ('"plain"', "plain"),
        ('{"a": 1, "b": "x"}', "a 1 · b x"),
        ("{}", "invoke_agent a"),
    ],
)
def test_the_task_is_what_a_person_would_say(task, shown):
    """One argument stands alone, several have names, none falls back to the step's name."""
    assert shown == listing.runs_table([row(task=task)])[0]["task"]


@pytest.mark.parametrize(
    ("ns", "said"),
    [
        (None, "…"),
        (8.12e8, "812 ms"),
        (4.4e9, "4.4 s"),
        (1121e9, "18 m 41 s"),
        (7500e9, "2 h 05 m"),
    ],
)
def test_durations_are_said_as_people_say_them(ns, said):
    """Four units, never more than two at once."""
    assert said == listing.took(ns)


def test_a_count_is_exact_up_to_the_cap():
    """A plus means that nobody counted on."""
    assert "9,999" == listing.count(9_999, 10_000)
    assert "10,000+" == listing.count(10_001, 10_000)


def test_cells_of_an_answer_are_plain_and_big_numbers_exact():
    """Nanoseconds beside an empty cell do not become floating point."""
    table = arrow(["ns", "ns", "any\u202e"], [[2**60 + 1, 1, "a"], [None, "x", [1, "<b>"]]])

    assert ["ns", "ns*", "any⟨U+202E⟩"] == table.column_names
    assert [2**60 + 1, None] == table.column("ns").to_pylist()
    assert ["1", "x"] == table.column("ns*").to_pylist()
    assert ["a", '[1, "<b>"]'] == table.column("any⟨U+202E⟩").to_pylist()


def test_numbers_beyond_64_bits_keep_every_digit():
    """A HUGEINT sum is shown as text, not rounded."""
    assert [str(2**100)] == arrow(["n"], [[2**100]]).column("n").to_pylist()
