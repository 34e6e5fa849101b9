import pytest

from tellwhy_collector.testing import open_store

DECISION = {
    "decision_id": "s:0",
    "run_id": "r",
    "trace_id": "t",
    "span_id": "s",
    "choice_index": 0,
    "choice_count": 1,
    "start_ns": 1,
    "action": "tool_call",
    "chosen": "pay",
    "offered": '["pay", "wait"]',
    "offered_count": 2,
    "outcome": "succeeded",
}
FACTS = [
    ({}, [], [], {"offered": "passed", "schema": "passed"}),
    ({"chosen": "fly"}, [], [], {"offered": "failed"}),
    ({"offered": None}, [], [], {"offered": None, "schema": None}),
    ({"action": "answer", "chosen": None}, [], [], {"offered": None, "schema": None}),
    ({}, ["arguments_break_schema"], [], {"schema": "failed", "other_rules": "passed"}),
    ({}, ["loop", "refusal"], [], {"other_rules": "failed: loop, refusal"}),
    ({}, ["instructions_followed"], [], {"instructions": "failed", "other_rules": "passed"}),
    ({}, [], ["exact", "no_source", "model_written"], {"sources": "failed: 1 of 2 found"}),
    ({}, [], ["exact", "derived"], {"sources": "passed: 2 of 2 found"}),
    ({}, [], ["model_written"], {"sources": None}),
    ({}, [], [], {"sources": None, "approval": None}),
    (
        {"approval_decision": "approved", "approver": "ann"},
        [],
        [],
        {"approval": "passed: approved by ann"},
    ),
    (
        {"approval_decision": "approved"},
        ["rubber_stamp"],
        [],
        {"approval": "failed: in less than two seconds"},
    ),
    ({"approval_decision": "denied"}, [], [], {"approval": "failed: denied and done"}),
    ({"approval_decision": "denied", "outcome": "denied"}, [], [], {"approval": "passed: denied"}),
    ({"approval_decision": "asked"}, [], [], {"approval": "unknown: not answered"}),
    ({}, ["unapproved_effect"], [], {"approval": "failed: nobody was asked"}),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One database for all rows of this file."""
    opened = open_store(tmp_path_factory.mktemp("checks") / "x.duckdb")
    yield opened
    opened.close()


def checks(store, changes, rules=(), kinds=(), *, due=False):
    """Name → result and detail of one decision with these facts."""
    row = DECISION | changes
    cursor = store.cursor()
    cursor.execute("BEGIN")
    try:
        names = ", ".join(f"${name} AS {name}" for name in row)
        cursor.execute(f"INSERT INTO decision_rows BY NAME SELECT {names}", row)
        for rule in rules:
            cursor.execute(
                "INSERT INTO findings VALUES ('t', 'r', 's', 1, 's:0', ?, 'high', 'm', NULL, 'tellwhy')",
                [rule],
            )
        for at, kind in enumerate(kinds):
            cursor.execute(
                "INSERT INTO evidence BY NAME SELECT 't' AS trace_id, 'r' AS run_id, 's' AS span_id,"
                " 1 AS start_ns, 's:0' AS decision_id, ? AS argument, ? AS kind, 0 AS rank, false AS weak",
                [f"$.{at}", kind],
            )
        if due:
            cursor.execute("INSERT INTO unexplained VALUES ('t', 1)")
        found = cursor.execute(
            "SELECT name, result || coalesce(': ' || detail, '') FROM decision_checks ORDER BY place"
        ).fetchall()
    finally:
        cursor.execute("ROLLBACK")
        cursor.close()
    return dict(found)


@pytest.mark.parametrize(("changes", "rules", "kinds", "expected"), FACTS)
def test_each_fact_gives_its_check(store, changes, rules, kinds, expected):
    """Passed, failed or unknown, with what was counted; what does not apply is left out."""
    found = checks(store, changes, rules, kinds)

    for name, result in expected.items():
        said = found.get(name)
        assert result == (said if said is None or ":" in result else said.partition(":")[0]), name


def test_rules_that_have_not_looked_yet_have_not_passed(store):
    """Until the trace is looked at nobody knows."""
    found = checks(store, {}, due=True)

    assert ["unknown"] * 3 == [found[name] for name in ("schema", "instructions", "other_rules")]
    assert found["offered"].startswith("passed")
