"""decisions, tool_calls and runs against a slow and obvious reading of the same steps."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

KINDS = st.sampled_from(
    ["agent", "model_call", "model_call", "tool_call", "tool_call", "human", "other"]
)
IDS = st.sampled_from(["c1", "c2", "c3"])


@st.composite
def told(draw):
    """What one random step says, without its place in time."""
    kind = draw(KINDS)
    fields = {
        "kind": kind,
        "run_id": draw(st.sampled_from(["r1", "r2"])),
        "status": draw(st.sampled_from(["ok", "ok", "error", "pending"])),
        "parent_span_id": draw(st.sampled_from([None, "x"])),
    }
    if kind == "model_call":
        ids = draw(st.lists(IDS, max_size=2, unique=True))
        fields["chosen"] = [
            {"action": "tool_call", "name": "t", "tool_call_id": i} for i in ids
        ] or None
        fields["input_tokens"] = draw(st.none() | st.integers(0, 99))
    if kind in ("tool_call", "human"):
        fields["tool_call_id"] = draw(st.none() | IDS)
    if kind == "human":
        fields["approval_decision"] = draw(st.sampled_from(["approved", "denied", "asked"]))
    return fields, draw(st.booleans())


def decider(step, steps):
    """The last model call of the run that chose the step's call id before it."""
    found = None
    for other in steps:
        ids = [action["tool_call_id"] for action in other.chosen or ()]
        if (
            other.run_id == step.run_id
            and step.tool_call_id in ids
            and other.start_ns <= step.start_ns
        ):
            found = other
    return found


def head(run_id, steps):
    """The outermost step: agents first, then roots, then the rest, by start."""
    own = [s for s in steps if s.run_id == run_id]
    rank = {("agent", None): 0, ("agent", "x"): 0}
    return min(
        own,
        key=lambda s: (
            rank.get((s.kind, s.parent_span_id), 2 if s.parent_span_id else 1),
            s.start_ns,
        ),
    )


def ending(run_id, steps):
    """How a run ended: by its outermost span, or without one by the last thing that happened."""
    own = [s for s in steps if s.run_id == run_id]
    outer = head(run_id, steps)
    if outer.status == "pending" or all(s.end_ns is None for s in own):
        return "running"
    if outer.status == "error":
        return "failed"
    if outer.kind == "agent" or outer.parent_span_id is None:
        return "succeeded"
    if any(s.end_ns is None for s in own):
        return "running"
    done = [s for s in own if s.kind in ("model_call", "tool_call")]
    return "failed" if done and done[-1].status == "error" else "unknown"


def expected_outcome(call, call_id, steps, everything):
    mine = [
        s
        for s in steps
        if s.tool_call_id == call_id
        and s.kind in ("tool_call", "human")
        and decider(s, steps) is call
    ]
    ran = [s for s in mine if s.kind == "tool_call"]
    gates = [s for s in mine if s.kind == "human"]
    given_ = [s for s in gates if s.approval_decision != "asked"]
    gate = (given_ or gates or [None])[-1]
    decision = gate and gate.approval_decision
    if not ran and decision == "denied":
        return "denied"
    if ran and ran[-1].status != "pending":
        if ran[-1].status == "ok":
            return "succeeded"
        return "denied" if decision == "denied" else "failed"
    if ran or decision == "asked" or (gate and gate.status == "pending"):
        return "pending"
    return "pending" if ending(call.run_id, everything) == "running" else "unknown"


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(told(), min_size=1, max_size=14))
def test_the_views_say_what_the_slow_reading_says(views, random_steps):
    """Random steps of two runs, with reused ids and duplicates."""
    everything, gone = [], set()
    for place, (fields, duplicate) in enumerate(random_steps):
        end = None if fields["status"] == "pending" else place * 10 + 5
        everything.append(views.make(f"s{place:02}", start=place * 10, end=end, **fields))
        if duplicate and place % 3 == 0:
            gone.add(f"s{place:02}")
    steps = [s for s in everything if s.span_id not in gone]
    views.put(
        *everything, duplicates=[("a" * 32, span_id, "kept", "same_times") for span_id in gone]
    )

    decisions = [
        (s.span_id, a["tool_call_id"], expected_outcome(s, a["tool_call_id"], steps, steps))
        for s in steps
        for a in s.chosen or ()
    ]
    deciders = [
        (s.span_id, d.span_id if (d := decider(s, steps)) else None)
        for s in steps
        if s.kind == "tool_call"
    ]
    runs = []
    for run_id in ("r1", "r2"):
        own = [s for s in steps if s.run_id == run_id]
        if not [s for s in own if s.kind != "other"]:
            continue
        tokens = [s.input_tokens for s in own if s.input_tokens is not None]
        runs.append(
            (
                run_id,
                len(own),
                sum(len(s.chosen or ()) for s in own),
                sum(tokens) if tokens else None,
                ending(run_id, steps),
            )
        )

    assert decisions == views.rows(
        "decisions", "span_id", "tool_call_id", "outcome", order="start_ns, choice_index"
    )
    assert deciders == views.rows("tool_calls", "span_id", "decided_by")
    assert runs == views.rows(
        "runs", "run_id", "steps", "decisions", "input_tokens", "status", order="run_id"
    )
