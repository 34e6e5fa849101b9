"""The views behind the cookbook, on hand-made steps: every rule once."""

import pytest

HOUR = 3_600_000
"""Milliseconds; steps are timed in them."""
DUPLICATE = ("a" * 32, "twice", "m1", "same_times")


def calls(*names):
    return [
        {"action": "tool_call", "name": name, "tool_call_id": f"c{number}"}
        for number, name in enumerate(names, 1)
    ]


def root(views, **fields):
    return views.make("root", "agent", **{"end": 90, "parent_span_id": None, **fields})


def test_an_open_run_stands_in_the_step_that_started_last(views):
    """Of all pending steps the innermost is the one that waits; ended steps are signs of life."""
    views.put(
        root(views, end=None, agent_name="refund"),
        views.make("m1", start=1, end=5),
        views.make("sub", "agent", start=6, end=None, agent_name="helper"),
        views.make("t1", "tool_call", start=7, end=None, tool_name="pay", tool_arguments={"n": 1}),
    )

    assert ("refund", "not_ended", "tool_call", "pay", '{"n":1}', "t1", 4) == views.one(
        "open_runs", "agent_name", "open_because", "inside_kind", "inside_name", "inside_arguments", "inside_span_id", "steps"
    )  # fmt: skip


def test_an_open_run_between_two_steps_stands_nowhere(views):
    """Its last sign of life is the end of the last step."""
    views.put(root(views, end=None), views.make("m1", start=1, end=5))

    assert (None, True) == views.one(
        "open_runs", "inside_kind", "last_time = start_time + interval 5 millisecond"
    )


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ("root m1", []),
        ("m1", [("parent_missing",)]),
        ("other m1", []),
    ],
)
def test_a_run_is_open_while_its_parent_is_missing(views, spans, expected):
    """A run inside the trace of a service that reports too has its parent; a dead one has not."""
    steps = {
        "root": root(views),
        "m1": views.make("m1", start=1),
        "other": views.make("root", "other", parent_span_id=None, run_id="elsewhere"),
    }
    views.put(*(steps[name] for name in spans.split()))

    assert expected == views.rows("open_runs", "open_because", order="1")


def test_usage_is_summed_once_for_each_hour_and_model(views):
    """Agents' own sums and duplicates stay out; a call without a price is counted as such."""
    usage = {"request_model": "m", "provider": "p", "input_tokens": 10, "output_tokens": 2}
    known = usage | {"cost_usd": 0.5, "cost_source": "computed"}
    views.put(
        root(views, input_tokens=99),
        views.make("m1", start=0, attempts=3, **known),
        views.make("twice", start=0, attempts=3, **known),
        views.make("m2", start=1, status="error", error_type="E", request_model="m", provider="p"),
        views.make("m3", start=HOUR, end=HOUR + 1, cost_source="unknown", **usage),
        duplicates=[DUPLICATE],
    )

    assert [(2, 1, 2, 10, 0.5, 0), (1, 0, 0, 10, None, 1)] == views.rows(
        "usage_hourly", "calls", "failed_calls", "retries", "input_tokens", "cost_usd", "unpriced_calls", order="hour"
    )  # fmt: skip


def test_retries_hold_only_what_was_tried_again(views):
    """One attempt, or attempts that nobody counted, are no retry."""
    views.put(
        root(views),
        views.make("m1", start=1, attempts=3, request_model="m"),
        views.make("twice", start=1, attempts=3, request_model="m"),
        views.make("m2", start=2, attempts=1),
        views.make("t1", "tool_call", start=3, attempts=2, tool_name="pay"),
        views.make("t2", "tool_call", start=4, tool_name="pay"),
        duplicates=[DUPLICATE],
    )

    assert [("m1", "m", 2), ("t1", None, 1)] == views.rows("retries", "span_id", "model", "retries")


def test_slow_tools_leave_out_what_is_no_time_of_the_tool(views):
    """Denied, pending and inferred calls say nothing of how long the tool takes."""

    def tool(span_id, ms, **fields):
        return views.make(span_id, "tool_call", end=ms, tool_name="pay", **fields)

    views.put(
        tool("t1", 10),
        tool("t2", 30, status="error", error_type="E"),
        tool("t3", 999, status="error", error_type="denied"),
        tool("t4", None),
        tool("t5", 999, inferred=True),
    )

    assert ("pay", 2, 1, 20_000_000, 29_000_000, 30_000_000, "t2") == views.one(
        "slow_tools", "tool_name", "calls", "failed_calls", "p50_ns", "p95_ns", "max_ns", "slowest_span_id"
    )  # fmt: skip


def test_a_tool_shares_the_calls_before_and_after_it(views):
    """Two tools of one answer halve the call that asked and the call that read both results."""
    views.put(
        root(views),
        views.make("m1", start=0, end=5, cost_usd=0.4, chosen=calls("look", "pay")),
        views.make("t1", "tool_call", start=6, end=8, tool_name="look", tool_call_id="c1", tool_result="ok"),
        views.make("t2", "tool_call", start=6, end=9, tool_name="pay", tool_call_id="c2"),
        views.make("m2", start=10, end=12, cost_usd=0.6, chosen=calls("stop")),
        views.make("t3", "tool_call", start=13, end=14, tool_name="stop", tool_call_id="c1"),
        views.make("t4", "tool_call", start=15, end=None, tool_name="hang"),
    )  # fmt: skip

    assert [
        ("look", 0.2, "m2", 0.3, 4),
        ("pay", 0.2, "m2", 0.3, None),
        ("stop", 0.6, None, None, None),
        ("hang", None, None, None, None),
    ] == views.rows(
        "tool_costs", "tool_name", "asking_usd", "read_by", "reading_usd", "result_chars", order="span_id"
    )  # fmt: skip


def test_another_agents_call_does_not_read_a_tools_result(views):
    """In a run of several agents each reads the results of its own tools."""
    views.put(
        root(views),
        views.make("t1", "tool_call", start=1, end=2, tool_name="look", agent_name="one"),
        views.make("m1", start=3, end=4, cost_usd=0.4, agent_name="two"),
        views.make("m2", start=5, end=6, cost_usd=0.6, agent_name="one"),
    )

    assert ("m2", 0.6) == views.one("tool_costs", "read_by", "reading_usd")


@pytest.mark.parametrize(
    ("results", "expected"), [("aa", []), ("aaa", [(3, 1)]), ("aba", [(3, 2)]), ("abcd", [(4, 4)])]
)
def test_a_loop_is_three_calls_alike(views, results, expected):
    """Other arguments or another run do not count; different results tell polling from a loop."""
    same = {"kind": "tool_call", "tool_name": "look", "tool_arguments": {"q": 1}}
    views.put(
        *(
            views.make(f"t{n}", start=n, end=n + 1, tool_result=result, **same)
            for n, result in enumerate(results)
        ),
        views.make("other", start=9, **(same | {"tool_arguments": {"q": 2}})),
        views.make("else", start=9, run_id="another", **same),
    )

    assert expected == views.rows("loops", "calls", "different_results", order="1")


def test_a_success_pays_for_the_failures_of_its_day(views):
    """Two of four runs succeeded: each costs half of all four."""

    def one(number, cost, **fields):
        run = {"run_id": f"r{number}", "trace_id": str(number) * 32, "agent_name": "refund"}
        head = {"start": number, "parent_span_id": None, **run, **fields}
        source = "unknown" if cost is None else "computed"
        return (
            views.make("root", "agent", **head),
            views.make("m1", start=number, cost_usd=cost, cost_source=source, **run),
        )

    views.put(
        *one(1, 0.1),
        *one(2, 0.2),
        *one(3, 0.5, status="error", error_type="E"),
        *one(4, None, end=None),
    )

    assert ("refund", 4, 2, 1, 1, 0.8, 0.4, 1) == views.one(
        "runs_daily", "agent_name", "runs", "succeeded", "failed", "running", "round(cost_usd, 6)", "round(cost_per_success_usd, 6)", "unpriced_runs"
    )  # fmt: skip
