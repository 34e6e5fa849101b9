"""A run in words: short for any length, with every turn that matters."""

import pytest


def test_a_run_is_told_from_its_task_to_its_cost(made):
    """Asked, way, turns, end, cost."""
    decisions = [
        made.decision(1, "search", arguments={"q": "tent"}),
        made.decision(2, "track", arguments={"id": 7}, outcome="failed"),
        made.decision(3, "track", arguments={"id": 7}),
        made.decision(4, None, answer_text="It is lost."),
    ]
    steps = [made.step(d.span_id, "model_call", attempts=1) for d in decisions]
    steps += [
        made.step("t1", tool_name="search"),
        made.step(
            "t2", tool_name="track", status="error", error_type="Timeout", error_message="no answer"
        ),
        made.step("t3", tool_name="track", attempts=3),
    ]
    row = made.run(
        input='{"ticket": "Where is my tent?"}', output='"It is lost."', models="small-1", cost_usd=0.0123,
        cost_source="computed", input_tokens=12_000, output_tokens=340, model_calls=4, tool_calls=3,
        decisions=4,
    )  # fmt: skip
    told = made.texts(made.tell_run(made.scene(decisions, steps, run_row=row)))

    assert [
        "The agent `desk` was asked on 2026-01-01 at 00:00:00 UTC: “Where is my tent?”",
        "First it called `search` with q “tent” (decision 1).",
        "Then it called `track` with id 7, which failed (decision 2).",
        "Next it called `track` again with id 7 (decision 3).",
        "At the end it answered: “It is lost.” (decision 4).",
        (
            "`track` failed at decision 2 with `Timeout`: “no answer”; decision 3 tried it again "
            "with the same arguments, and it succeeded."
        ),
        "Retried inside one call: `track` twice.",
        "The run succeeded after 1.2 s.",
        "It made 4 model calls of `small-1` and 3 tool calls, with 4 decisions.",
        "It used 12,000 tokens in, 340 tokens out and $0.0123, computed from public prices.",
        "Not tested: no replay has shown what the run depended on.",
    ] == told


@pytest.mark.parametrize("length", [11, 40, 1_000, 5_000])
def test_long_runs_are_told_in_ten_sentences(made, length):
    """What repeats is counted; the denied payment and the end stay sentences of their own."""
    decisions = []
    for at in range(1, length):
        chosen = ("search", "read", "edit")[at % 3]
        decisions.append(
            made.decision(at, chosen, outcome="failed" if at % 50 == 7 else "succeeded")
        )
    decisions[length // 2] = made.decision(
        length // 2 + 1, "pay", outcome="denied", approver="limit"
    )
    decisions.append(made.decision(length, None, answer_text="Done."))
    path = made.texts(made.tell_run(made.scene(decisions)), "path")

    assert 5 <= len(path) <= 10
    assert any(
        text.split(" ", 1)[1].startswith("it called `pay`, which was denied by limit")
        for text in path
    )
    assert f"At the end it answered: “Done.” (decision {length:,})." == path[-1]
    told = sum(_covered(text) for text in path)
    assert length == told


def _covered(text):
    """How many decisions a sentence says it tells of."""
    numbers = [
        int(n.replace(",", ""))
        for n in text.rpartition("(decision")[2].split()
        if n[0].isdigit()
        for n in [n.rstrip(").")]
    ]
    return numbers[-1] - numbers[0] + 1


def test_the_same_call_again_and_again_is_counted(made):
    """One sentence says how often and how often in vain."""
    decisions = [
        made.decision(at, "search", outcome="failed" if at in (3, 4, 5) else "succeeded")
        for at in range(1, 15)
    ]
    path = made.texts(made.tell_run(made.scene(decisions)), "path")

    assert [
        "First it called `search` twice (decisions 1 and 2).",
        "Then it called `search` 3 times (3 failed) (decisions 3 to 5).",
        "At the end it called `search` 9 times (decisions 6 to 14).",
    ] == path


def test_calls_at_once_are_told_together(made):
    """Parallel calls are one step of the way."""
    pair = [
        made.decision(
            1, name, span_id="m1", choice_index=at, choice_count=2, outcome_span_id=f"t{at}"
        )
        for at, name in enumerate(["order", "parcel"])
    ]
    path = made.texts(made.tell_run(made.scene(pair)), "path")

    assert ["It called `order` and `parcel` at once (decisions 1 and 2)."] == path


def test_agents_are_named_where_there_are_several(made):
    """Who handed over to whom."""
    decisions = [
        made.decision(1, "booking", action="handoff"),
        made.decision(2, "book", agent_name="dispatch"),
    ]
    told = made.tell_run(made.scene(decisions))

    assert ["First `desk` handed over to `booking` (decision 1)."] == made.texts(told, "path")[:1]
    assert ["At decision 1 it handed over to `booking`, and nothing followed."] == made.texts(
        told, "turned"
    )


def test_a_lost_run_says_where_it_died(made):
    """Its process ended first."""
    row = made.run(
        status="lost",
        lost_reason="killed",
        died_in="search",
        died_in_span_id="t1",
        duration_ns=None,
    )
    told = made.tell_run(made.scene([made.decision(1)], run_row=row))

    assert ["Its process ended before the run did (`killed`) inside `search`."] == made.texts(
        told, "turned"
    )
    assert ["The run was lost."] == made.texts(told, "ended")


def test_nothing_is_said_of_rules_that_have_not_looked(made):
    """No finding means something only after the rules have run."""
    one = made.decision(1)
    told = [
        made.texts(made.tell_run(made.scene([one], looked_at=at, complete=done)), "found")
        for at, done in [(False, True), (True, False), (True, True)]
    ]

    assert [[], [], ["No rule found a problem."]] == told


def test_many_findings_are_counted(made):
    """The worst six are told, the rules of the rest are named."""
    one = made.decision(1)
    findings = [
        made.finding(
            "m1", one.start_ns + at, None, f"rule_{at % 4}", "low" if at else "high", f"No {at}"
        )
        for at in range(9)
    ]
    told = made.texts(made.tell_run(made.scene([one], findings=findings)), "found")

    assert "Rules found 9 problems: 1 high and 8 low." == told[0]
    assert "Finding `rule_0` (high): No 0." == told[1]
    assert (8, "3 more findings of the rules `rule_2`, `rule_3` and `rule_0`.") == (
        len(told),
        told[-1],
    )
