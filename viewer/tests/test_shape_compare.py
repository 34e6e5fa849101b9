import pytest

from tellwhy_viewer.shape.compare import candidates_table, comparison, sentence

RUN = {
    "run_id": "a" * 32,
    "agent_name": "clerk",
    "name": "clerk",
    "status": "succeeded",
    "start_ns": 1_780_000_000_000_000_000,
    "duration_ns": 2_000_000_000,
    "models": "m1",
    "task": "Pay.",
    "output": "Paid.",
    "decisions": 2,
    "errors": 0,
    "input_tokens": 100,
    "output_tokens": 20,
    "cost_usd": 0.01,
}


def decision(at=0, **changes):
    plain = {
        "decision_id": f"{at:016x}:0",
        "span_id": f"{at:016x}",
        "choice_index": 0,
        "start_ns": at,
        "agent_name": "clerk",
        "made_by": "model",
        "model": "m1",
        "action": "tool_call",
        "chosen": "pay",
        "arguments": {"amount": 90, "to": "ann"},
        "answer_text": None,
        "stated_reason": None,
        "outcome": "succeeded",
        "outcome_span_id": None,
        "outcome_result": '{"paid": 90}',
        "outcome_error": None,
        "cost_usd": 0.001,
    }
    return plain | changes


def pair(change="same", before=None, after=None, **more):
    return {
        "change": change,
        "moved": False,
        "differences": [],
        "saw": [],
        "before": before,
        "after": after,
    } | more


ANSWER = {"action": "answer", "chosen": None, "arguments": None, "answer_text": "Done."}
CHANGED = [{"path": "$.amount", "before": 90, "after": 900}]


@pytest.mark.parametrize(
    ("pairs", "first", "says"),
    [
        ([], None, "Neither run has a decision."),
        ([pair(before=decision(), after=decision())], None, "The same 1 decisions."),
        (
            [pair("arguments", decision(), decision(), differences=CHANGED)],
            0,
            "First difference at 1: both called pay, with another $.amount.",
        ),
        (
            [pair(before=decision(), after=decision()), pair("only_after", None, decision(1))],
            1,
            "Same for 1 decision. First difference at 2: only B called pay.",
        ),
        ([pair("only_before", decision(**ANSWER))], 0, "First difference at 1: only A answered."),
        (
            [pair("action", decision(), decision(**ANSWER))],
            0,
            "First difference at 1: A called pay, B answered.",
        ),
        (
            [pair("answer_text", decision(**ANSWER), decision(**ANSWER))],
            0,
            "First difference at 1: both answered, in other words.",
        ),
        (
            [pair("chosen", decision(chosen="a\u202eb"), decision(chosen="c"))],
            0,
            "First difference at 1: A called a⟨U+202E⟩b, B called c.",
        ),
    ],
)
def test_one_sentence_tells_what_differs_first(pairs, first, says):
    """How far they are the same, then what each did."""
    assert says == sentence(pairs, first)


def told(pairs, **more):
    plain = {"before": RUN, "after": RUN, "branch": None, "first": None, "counts": {"same": 1}}
    return comparison(plain | {"pairs": pairs} | more)


def test_changed_arguments_are_marked_on_both_sides():
    """In canonical order, so that the same stand at the same place."""
    after = decision(arguments={"to": "ann", "amount": 900})
    shown = told([pair("arguments", decision(), after, differences=CHANGED)], first=0)["pairs"][0]

    for side, amount in (("a", "90"), ("b", "900")):
        arguments = [(one["name"], one["changed"], one["text"]) for one in shown[side]["arguments"]]
        assert [("amount", True, amount), ("to", False, "ann")] == arguments
    assert ("90", "900") == (
        shown["differences"][0]["a"]["text"],
        shown["differences"][0]["b"]["text"],
    )


def test_what_is_new_or_gone_has_one_side():
    """The other says that it is not there."""
    gone = [{"path": "$.to", "before": "ann"}, {"path": "$.iban", "after": "x"}]
    shown = told([pair("arguments", decision(), decision(), differences=gone)])["pairs"][0]
    alone = told([pair("only_before", decision())])["pairs"][0]

    assert (None, "ann") == (shown["differences"][0]["b"], shown["differences"][0]["a"]["text"])
    assert shown["differences"][1]["a"] is None
    assert (1, None) == (alone["a"]["n"], alone["b"])


def test_decisions_are_numbered_in_their_own_run():
    """Also where the order is another."""
    one, two = decision(1), decision(2)
    shown = told([pair(before=one, after=two, moved=True), pair(before=two, after=one)])

    assert [(1, 2), (2, 1)] == [(each["a"]["n"], each["b"]["n"]) for each in shown["pairs"]]


def test_figures_stand_beside_each_other_with_their_change():
    """Unknown stays unknown; what is the same has no change."""
    other = RUN | {
        "duration_ns": 3_000_000_000,
        "cost_usd": None,
        "models": "m2",
        "input_tokens": None,
    }
    facts = {fact["label"]: fact for fact in told([], after=other)["facts"]}

    assert ("2.0 s", "3.0 s", "+50%") == tuple(facts["Took"][name] for name in ("a", "b", "change"))
    assert ("$0.0100", "\u2013", "") == tuple(facts["Cost"][name] for name in ("a", "b", "change"))
    assert ("120", "20", "-83%") == tuple(facts["Tokens"][name] for name in ("a", "b", "change"))
    assert "other" == facts["Models"]["change"]


def test_a_replay_says_what_was_changed_and_from_where():
    """The number of the decision from which models were asked again."""
    branch = {
        "from_span_id": f"{2:016x}",
        "edits": {"$.model": "m2", "$.system": None},
        "live_tools": ["pay"],
    }
    pairs = [
        pair(before=decision(1), after=decision(1)),
        pair(before=decision(2), after=decision(2)),
    ]
    shown = told(pairs, branch=branch)["branch"]

    assert 2 == shown["live_from"]
    assert [("$.model", "m2"), ("$.system", None)] == [
        (edit["path"], edit["value"] and edit["value"]["text"]) for edit in shown["edits"]
    ]


def test_candidates_are_safe_to_show():
    """Names and tasks of agents are made visible."""
    row = RUN | {"why": "same task", "task": "Pay \u202e", "start_time": None}
    shown = candidates_table([row | {"agent_name": "a\x1bb", "service_name": None}])

    assert ("a⟨1B⟩b", "Pay ⟨U+202E⟩") == (shown[0]["Agent"], shown[0]["Task"])
