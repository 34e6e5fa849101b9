from hypothesis import given
from hypothesis import strategies as st

from tellwhy_viewer.shape.timeline import folds, owners, run_page, title

S = 10**9


def step(span, kind, start_s, end_s, *, parent="root", status="ok", inferred=False):
    return {
        "trace_id": "t",
        "span_id": span,
        "parent_span_id": parent,
        "kind": kind,
        "name": span,
        "tool_name": None,
        "agent_name": "a",
        "start_ns": int(start_s * S),
        "end_ns": None if end_s is None else int(end_s * S),
        "status": status,
        "attempts": 1,
        "tool_effect": None,
        "inferred": inferred,
    }


def decision(span, start_s, decided_s, *, outcome=None, **more):
    row = {
        "decision_id": f"{span}:0",
        "trace_id": "t",
        "span_id": span,
        "choice_index": 0,
        "choice_count": 1,
        "made_by": "model",
        "agent_name": "a",
        "model": "m",
        "start_ns": int(start_s * S),
        "decided_ns": int(decided_s * S),
        "duration_ns": int((decided_s - start_s) * S),
        "action": "tool_call",
        "chosen": "look",
        "forced": "free",
        "offered_count": 2,
        "outcome": "succeeded",
        "outcome_span_id": outcome,
        "outcome_duration_ns": None,
        "outcome_inferred": False,
        "approval_decision": None,
        "has_reason": False,
        "preview": '{"id": 1}',
        "input_tokens": 1,
        "output_tokens": 1,
        "cost_usd": 0.0,
    }
    return row | more


def run(**more):
    return {"run_id": "r", "status": "succeeded", "start_ns": 0, "end_ns": 10 * S} | more


def test_a_run_is_laid_out_in_milliseconds_after_its_start():
    """The page never sees nanoseconds, which JavaScript cannot count."""
    steps = [step("root", "agent", 5, 15, parent=None), step("m", "model_call", 6, 8)]
    page = run_page(run(start_ns=5 * S), steps, [decision("m", 6, 8)], now_ns=99 * S)

    assert 10_000 == page["run"]["length_ms"]
    assert [["m", "t", 0, 1000.0, 3000.0, "ok", "m", 0, 1, False]] == page["steps"]
    assert (1000.0, 3000.0) == (page["decisions"][0]["t0"], page["decisions"][0]["t1"])


def test_a_lone_agent_is_no_lane_and_two_are():
    """The frame of the picture is not a bar in it; a team of agents is."""
    steps = [step("root", "agent", 0, 9, parent=None), step("m", "model_call", 1, 2)]
    alone = run_page(run(), steps, [], now_ns=0)
    team = run_page(run(), [*steps, step("sub", "agent", 2, 4)], [], now_ns=0)

    assert ["Model", "Tools"] == [lane["label"] for lane in alone["lanes"]]
    assert ["Agents", "Model", "Tools"] == [lane["label"] for lane in team["lanes"]]


def test_a_run_that_goes_on_reaches_to_now():
    """An open tool is seen growing."""
    steps = [step("root", "agent", 0, None, parent=None), step("t", "tool_call", 1, None)]
    page = run_page(run(status="running", end_ns=None), steps, [], now_ns=60 * S)

    assert 60_000 == page["run"]["length_ms"] == page["run"]["took_ms"]
    assert page["steps"][0][4] is None


def test_a_long_wait_for_a_person_is_folded():
    """Fourteen minutes of waiting do not flatten ten seconds of work."""
    steps = [
        step("root", "agent", 0, 875, parent=None),
        step("m", "model_call", 0, 5),
        step("asks", "tool_call", 5, 870),
        step("p", "human", 5, 869, parent="asks"),
        step("guess", "tool_call", 5, 870, inferred=True),
        step("n", "model_call", 870, 875),
    ]

    assert [[5000.0, 870_000.0]] == folds(steps, 0, 875_000)


def test_short_waits_and_busy_time_are_not_folded():
    """What happened stays in proportion."""
    steps = [step("a", "model_call", 0, 5), step("b", "tool_call", 8, 600)]

    assert [] == folds(steps, 0, 600_000)


@given(
    st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1e4)), min_size=1, max_size=30),
    st.floats(1, 2e5),
)
def test_folds_are_in_order_apart_and_inside_the_run(spans, length):
    """Whatever the steps, the scale gets waits that it can draw."""
    steps = [step(f"s{i}", "model_call", a, a + b) for i, (a, b) in enumerate(spans)]
    length_ms = max(length, *(a + b for a, b in spans)) * 1000
    found = folds(steps, 0, length_ms)

    edges = [edge for fold in found for edge in fold]
    assert edges == sorted(edges)
    assert all(0 <= edge <= length_ms + 0.001 for edge in edges)


def test_every_step_belongs_to_the_decision_that_caused_it():
    """A click on any bar opens the decision behind it."""
    steps = [
        step("root", "agent", 0, 9, parent=None),
        step("before", "guardrail", 0, 1),
        step("m1", "model_call", 1, 2),
        step("tool", "tool_call", 2, 5),
        step("http", "other", 3, 4, parent="tool"),
        step("guard", "guardrail", 5, 6),
        step("m2", "model_call", 6, 7),
    ]
    found = owners(steps, [decision("m1", 1, 2, outcome="tool"), decision("m2", 6, 7)])

    assert {"before": -1, "m1": 0, "tool": 0, "http": 0, "guard": 0, "m2": 1} == found


def test_a_parent_loop_ends():
    """A trace with a broken tree is drawn all the same."""
    steps = [step("a", "tool_call", 0, 1, parent="b"), step("b", "tool_call", 0, 1, parent="a")]

    assert {"a": -1, "b": -1} == owners(steps, [])


def test_a_decision_is_called_by_what_it_chose():
    """The list is read by its titles."""
    assert "look" == title(decision("m", 0, 1))
    assert "Answer" == title(decision("m", 0, 1, action="answer", chosen=None))
    assert "Hand over to billing" == title(decision("m", 0, 1, action="handoff", chosen="billing"))


def test_the_time_of_an_outcome_that_nobody_recorded_is_not_counted():
    """An inferred tool call only has bounds, and they hold the waiting."""
    row = decision("m", 0, 2, outcome="x", outcome_duration_ns=900 * S, outcome_inferred=True)
    page = run_page(run(), [step("m", "model_call", 0, 2)], [row], now_ns=0)

    assert 2000 == page["decisions"][0]["took_ms"]
