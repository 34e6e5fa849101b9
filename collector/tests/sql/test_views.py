"""The views on hand-made steps: every rule once."""

import pytest


def chosen(*calls):
    return [
        {"action": "tool_call", "name": name, "tool_call_id": call_id, "arguments": {"n": 1}}
        for call_id, name in calls
    ]


ANSWER = [{"action": "answer", "text": "done"}]


def test_a_decision_tells_what_was_offered_chosen_stated_allowed_and_done(views):
    """One row holds the whole story of one choice."""
    views.put(
        views.make("root", "agent", end=90, parent_span_id=None, agent_name="refund"),
        views.make("m1", start=1, tools_offered=[{"name": "look"}, {"name": "pay"}], forced="free", chosen=chosen(("c1", "pay")), stated_reason="due", stated_reason_source="reasoning", request_model="m", agent_name="refund"),
        views.make("h1", "human", start=11, end=31, tool_call_id="c1", approval_decision="approved", approver="dana", approver_kind="person"),
        views.make("t1", "tool_call", start=32, end=40, tool_call_id="c1", tool_name="pay", tool_result={"paid": 42}),
    )  # fmt: skip
    row = views.one("decisions", "decision_id", "made_by", "action", "chosen", "arguments", "offered", "offered_count", "forced", "stated_reason", "outcome", "outcome_span_id", "outcome_result", "outcome_duration_ns", "approval_decision", "approver", "approval_wait_ns", "agent_name", "model")  # fmt: skip

    assert (
        "m1:0", "model", "tool_call", "pay", '{"n":1}', '["look","pay"]', 2, "free", "due", "succeeded",
        "t1", '{"paid":42}', 8_000_000, "approved", "dana", 20_000_000, "refund", "m",
    ) == row  # fmt: skip


def test_a_reused_call_id_keeps_each_approval_with_its_choice(views):
    """The second choice of one call id was denied by another person: each names its own step."""
    views.put(
        views.make("root", "agent", end=90, parent_span_id=None),
        views.make("m1", start=1, chosen=chosen(("c1", "pay"))),
        views.make(
            "h1", "human", start=11, end=12, tool_call_id="c1", approval_decision="approved"
        ),
        views.make("m2", start=20, chosen=chosen(("c1", "pay"))),
        views.make("h2", "human", start=31, end=32, tool_call_id="c1", approval_decision="denied"),
    )
    found = views.rows("decisions", "span_id", "approval_span_id", "approval_decision")

    assert [("m1", "h1", "approved"), ("m2", "h2", "denied")] == sorted(found)


def gate(views, decision, **fields):
    return views.make(
        "h", "human", start=11, end=12, tool_call_id="c1", approval_decision=decision, **fields
    )


@pytest.mark.parametrize(
    ("outcome", "others"),
    [
        ("succeeded", lambda v: [v.make("t", "tool_call", start=20, tool_call_id="c1")]),
        ("failed", lambda v: [v.make("t", "tool_call", start=20, tool_call_id="c1", status="error")]),
        ("pending", lambda v: [v.make("t", "tool_call", start=20, end=None, tool_call_id="c1")]),
        ("denied", lambda v: [gate(v, "denied")]),
        ("denied", lambda v: [gate(v, "denied"), v.make("t", "tool_call", start=20, tool_call_id="c1", status="error", error_type="denied")]),
        ("pending", lambda v: [gate(v, "asked")]),
        ("succeeded", lambda v: [gate(v, "asked"), v.make("t", "tool_call", start=20, tool_call_id="c1")]),
        ("succeeded", lambda v: [v.make("s", "tool_call", start=15, tool_call_id="c1", status="error"), v.make("t", "tool_call", start=20, tool_call_id="c1")]),
        ("unknown", lambda _: []),
        ("unknown", lambda v: [v.make("t", "tool_call", start=20, tool_call_id="c2")]),
        ("unknown", lambda v: [v.make("t", "tool_call", start=20, tool_call_id="c1", trace_id="b" * 32, run_id="b" * 32)]),
    ],
)  # fmt: skip
def test_the_outcome_of_a_tool_choice(views, outcome, others):
    """Of several runs the last counts; a denial without a run is a denial; silence is unknown."""
    root = views.make("root", "agent", end=90, parent_span_id=None)
    views.put(root, views.make("m", start=1, chosen=chosen(("c1", "pay"))), *others(views))

    assert (outcome,) == views.one("decisions", "outcome")


def test_a_tool_choice_waits_while_its_run_goes_on(views):
    """What has not come yet may still come."""
    views.put(
        views.make("root", "agent", end=None, parent_span_id=None),
        views.make("m", start=1, chosen=chosen(("c1", "pay"))),
    )

    assert ("pending",) == views.one("decisions", "outcome")


@pytest.mark.parametrize(
    ("status", "outcome"), [("ok", "succeeded"), ("error", "failed"), ("pending", "pending")]
)
def test_the_outcome_of_an_answer_is_the_end_of_its_run(views, status, outcome):
    """An answer does nothing by itself."""
    end = None if status == "pending" else 90
    views.put(
        views.make("root", "agent", end=end, parent_span_id=None, status=status),
        views.make("m", start=1, chosen=ANSWER),
    )

    assert ("answer", "done", outcome) == views.one("decisions", "action", "answer_text", "outcome")


def test_a_reused_call_id_keeps_its_own_outcome(views):
    """The first use failed, the second succeeded, the third was never run."""
    views.put(
        views.make("m1", start=0, end=1, chosen=chosen(("c1", "pay"))),
        views.make(
            "t1", "tool_call", start=2, end=3, tool_call_id="c1", status="error", error_message="no"
        ),
        views.make("m2", start=10, end=11, chosen=chosen(("c1", "pay"))),
        views.make("t2", "tool_call", start=12, end=13, tool_call_id="c1"),
        views.make("m3", start=20, end=21, chosen=chosen(("c1", "pay"))),
    )

    assert [("failed", "no"), ("succeeded", None), ("unknown", None)] == views.rows(
        "decisions", "outcome", "outcome_error"
    )
    assert [("m1",), ("m2",)] == views.rows("tool_calls", "decided_by")


def test_parallel_choices_are_rows_of_one_call(views):
    """Choice index and count tell them apart; cost and tokens repeat."""
    views.put(views.make("m", chosen=chosen(("c1", "a"), ("c2", "b")), cost_usd=0.5))
    rows = views.rows(
        "decisions", "decision_id", "choice_index", "choice_count", "chosen", "cost_usd", order=2
    )

    assert [("m:0", 0, 2, "a", 0.5), ("m:1", 1, 2, "b", 0.5)] == rows


def test_a_choice_of_plain_code_is_a_decision(views):
    """`tellwhy.decide` stands beside what models chose."""
    views.put(
        views.make(
            "d",
            "other",
            tools_offered=[{"name": "fast"}, {"name": "slow"}],
            chosen=[{"action": "route", "name": "slow"}],
            stated_reason="large",
            stated_reason_source="code",
        )
    )

    assert ("code", "route", "slow", '["fast","slow"]', "large", "unknown") == views.one(
        "decisions", "made_by", "action", "chosen", "offered", "stated_reason", "outcome"
    )


def test_a_run_counts_each_call_once(views):
    """Duplicates are left out of steps, sums and decisions; an agent's own sums do not add."""
    usage = {"input_tokens": 100, "output_tokens": 10, "cost_usd": 0.25, "cost_source": "computed"}
    views.put(
        views.make("root", "agent", end=90, parent_span_id=None, agent_name="refund", input="task", output="result", input_tokens=200),
        views.make("m", start=1, attempts=3, chosen=chosen(("c1", "pay")), request_model="x", **usage),
        views.make("d", start=1, chosen=chosen(("c1", "pay")), **usage),
        views.make("t", "tool_call", start=20, status="error", tool_call_id="c1"),
        duplicates=[("a" * 32, "d", "m", "response_id")],
    )  # fmt: skip
    row = views.one("runs", "agent_name", "status", "steps", "model_calls", "tool_calls", "decisions", "errors", "retries", "input_tokens", "cost_usd", "cost_source", "models", "input", "output", "duration_ns")  # fmt: skip

    assert (
        "refund",
        "succeeded",
        3,
        1,
        1,
        1,
        1,
        2,
        100,
        0.25,
        "computed",
        "x",
        '"task"',
        '"result"',
        90_000_000,
    ) == row


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        (lambda v: [v.make("root", "agent", end=None, parent_span_id=None), v.make("m")], "running"),
        (lambda v: [v.make("root", "agent", parent_span_id=None, status="error", error_type="E"), v.make("m")], "failed"),
        (lambda v: [v.make("root", "other", parent_span_id=None, status="error"), v.make("m", start=1)], "failed"),
        (lambda v: [v.make("root", "other", parent_span_id=None, status="error"), v.make("a", "agent", start=1)], "succeeded"),
        (lambda v: [v.make("a", "agent", start=1), v.make("b", "agent", start=2, status="error")], "succeeded"),
        (lambda v: [v.make("m", end=None)], "running"),
    ],
)  # fmt: skip
def test_the_outermost_agent_speaks_for_the_run(views, steps, status):
    """Without an agent the root does; an inner failure is not the run's."""
    views.put(*steps(views))

    assert (status,) == views.one("runs", "status")


def test_a_trace_without_an_agents_work_is_no_run(views):
    """A web server's spans are kept and are not listed among the runs."""
    views.put(views.make("root", "other", parent_span_id=None), views.make("db", "other"))

    assert [] == views.rows("runs", "run_id")


def test_a_run_with_only_an_agents_sum_takes_that(views):
    """Claude's Agent SDK under OpenInference shows no single call."""
    views.put(views.make("root", "agent", parent_span_id=None, input_tokens=70, output_tokens=7))

    assert (70, 7, 0) == views.one("runs", "input_tokens", "output_tokens", "model_calls")


def test_the_cost_of_a_run_says_when_a_part_is_missing(views):
    """A sum with an unknown part is not a cost."""
    views.put(
        views.make("m", cost_usd=1.0, cost_source="reported"),
        views.make("n", start=1, cost_source="unknown"),
    )

    assert (1.0, "unknown") == views.one("runs", "cost_usd", "cost_source")


def test_numbers_beyond_reason_break_no_view(views):
    """One hostile span must not make the list of runs unreadable."""
    most = 2**63 - 1
    views.put(
        *[
            views.make(
                f"m{i}",
                start=i,
                input_tokens=most,
                output_tokens=most,
                attempts=2**31 - 1,
                start_ns=0,
                end_ns=most,
            )
            for i in range(3)
        ]
    )

    assert [(None, 3)] == views.rows("runs", "input_tokens", "model_calls")
    for view in ("decisions", "tool_calls", "model_calls", "failures", "conversations"):
        views.rows(view, "*", order=1)


def test_a_failure_says_whether_the_run_got_over_it(views):
    """Errors and retries are failures; a denied tool call is a decision."""
    views.put(
        views.make("root", "agent", end=90, parent_span_id=None),
        views.make(
            "t",
            "tool_call",
            start=1,
            status="error",
            error_type="E",
            error_message="no",
            tool_name="pay",
        ),
        views.make("m", start=2, attempts=3),
        views.make("d", "tool_call", start=3, status="error", error_type="denied"),
    )

    assert [
        ("t", "tool_call", "E", "no", True),
        ("m", "model_call", "retried", "2 of 3 attempts failed", True),
    ] == views.rows("failures", "span_id", "kind", "error_type", "error_message", "recovered")


def test_a_conversation_joins_its_runs(views):
    """Two runs of one thread, one of them failed."""
    views.put(
        views.make(
            "a",
            "agent",
            run_id="1",
            conversation_id="c",
            agent_name="refund",
            parent_span_id=None,
            chosen=ANSWER,
        ),
        views.make(
            "b",
            "agent",
            start=20,
            run_id="2",
            conversation_id="c",
            status="error",
            parent_span_id=None,
        ),
    )

    assert ("c", 2, "refund", 1, 1) == views.one(
        "conversations", "conversation_id", "runs", "agent_name", "failed_runs", "decisions"
    )


def test_every_view_and_column_is_commented(store):
    """The reference pages are made from these sentences."""
    silent = [
        f"{relation['name']}.{column['name']}"
        for relation in store.schema()
        for column in [{"name": "", "comment": relation["comment"]}, *relation["columns"]]
        if not column["comment"]
    ]

    assert [] == silent
