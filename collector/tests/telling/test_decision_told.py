"""A decision in words: every part, and what is said when something is not known."""


def refund(made, **more):
    """A paid refund: the model's call and the tool that ran."""
    given = {"order_id": "88213", "amount": 249.0}
    one = made.decision(
        2,
        "refund",
        arguments=given,
        offered=["lookup", "refund"],
        forced="free",
        stated_reason="The parcel is lost.",
        stated_reason_source="reasoning",
        **more,
    )
    steps = [
        made.step("m2", "model_call", request_model="small-1", forced="free"),
        made.step(
            "t2",
            at_ms=300,
            took_ms=812,
            tool_name="refund",
            tool_arguments=given,
            tool_result='{"id": "re_1"}',
            tool_effect="irreversible",
        ),
    ]
    return one, steps


def test_a_choice_is_told_from_what_it_saw_to_what_followed(made):
    """Each part in its order, each layer labelled."""
    one, steps = refund(made)
    messages = [
        {"role": "user", "parts": [{"type": "text", "content": "Money back!"}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "lookup"}]},
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": "c1", "response": {"total": 249}}],
        },
    ]
    later = made.decision(3, "mail", arguments={"to": "a@b.example"})
    scene = made.scene(
        [one, later],
        [*steps, made.step("m3", "model_call"), made.step("t3", tool_name="mail")],
        seen=made.seen("m1", 1, 2, [], [], False),
        texts={("m2", "input_messages"): messages},
    )
    told = made.tell(scene, one)

    assert [
        "The model `small-1` saw 3 messages, 2 of them new since its call before.",
        'New to it: the result of `lookup`, “{"total": 249}”.',
        "It was offered 2 tools: `lookup` and `refund`.",
        "It was free to call one or none.",
        "It called `refund` with order_id “88213” and amount 249.0.",
        "In its reasoning the model wrote: “The parcel is lost.”",
        "Nobody was asked before it, although `refund` is declared as a tool that cannot be undone.",
        "`refund` succeeded after 812 ms.",
        'It gave back “{"id": "re_1"}”.',
        "Next, 100 ms later, it called `mail` (decision 2).",
        "Not tested: no replay has shown what this choice depended on.",
    ] == made.texts(told)
    assert ["stated"] == [s.layer for s in told.sentences if s.part == "stated"]
    assert {"tested"} == {s.layer for s in told.sentences if s.part == "tested"}


def test_an_approval_is_told_with_what_was_shown(made):
    """Who, how fast, seeing what, and whether exactly that ran."""
    one, steps = refund(
        made,
        approval_decision="approved",
        approver="Erika Mustermann",
        approver_kind="person",
        approval_wait_ns=1_400_000_000,
        approval_span_id="h2",
    )
    asked = {"approval_decision": "approved", "approver": "Erika Mustermann"}
    same = made.step("h2", "human", input='{"order_id": "88213", "amount": 249.0}', **asked)
    other = made.step("h2", "human", input='{"order_id": "88213", "amount": 24.9}', **asked)
    told = [
        made.texts(made.tell(made.scene([one], [*steps, h]), one), "gate") for h in (same, other)
    ]

    assert "A person, Erika Mustermann, approved it after 1.4 s." == told[0][0]
    assert told[0][1] == (
        "Shown was order_id “88213” and amount 249.0, and exactly this was carried out."
    )
    assert told[1][1] == (
        "Shown was order_id “88213” and amount 24.9, but what was carried out differs: "
        "order_id “88213” and amount 249.0."
    )


def test_values_are_told_by_the_place_they_came_from(made):
    """One sentence for a place, one for what stood nowhere, one for what needs no source."""
    one, steps = refund(made)
    messages = [
        {"role": "user", "parts": [{"type": "text", "content": "Order 88213, please."}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "price"}]},
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": "c1", "response": "249,00"}],
        },
    ]
    common = {"span_id": "m2", "start_ns": one.start_ns, "decision_id": one.decision_id}
    place = {"source_span_id": "m2", "source_column": "input_messages"}
    evidence = [
        made.evidence(
            **common, **place, argument="$.order_id", value='"88213"', kind="exact",
            source_role="user", source_path="$[0].parts[0].content", source_from=6, source_to=11,
        ),
        made.evidence(
            **common, **place, argument="$.amount", value="249.0", kind="normalised", method="number",
            source_role="tool", source_path="$[2].parts[0].response", source_text="249,00",
        ),
        made.evidence(
            **common, **place, argument="$.amount", value="249.0", kind="exact", rank=1,
            source_role="user", source_path="$[0].parts[0].content",
        ),
        made.evidence(**common, argument="$.notify", value="true", kind="no_source"),
        made.evidence(**common, argument="$.note", value='"Sorry"', kind="model_written"),
    ]  # fmt: skip
    scene = made.scene([one], steps, evidence=evidence, texts={("m2", "input_messages"): messages})
    told = [s for s in made.tell(scene, one).sentences if s.part == "came_from"]

    assert [
        "`order_id` “88213” stood in the user's message.",
        "`amount` 249.0 stood in the result of `price`, as a number written differently: “249,00”.",
        "`notify` true stood nowhere in what was recorded that the model saw.",
        "`note` is the model's own text or choice.",
    ] == [s.text for s in told]
    first = told[0].citations[0]
    assert ("$[0].parts[0].content", 6, 11) == (first.path, first.from_, first.to_)
    assert "$[0].arguments.notify" == told[2].citations[0].path


def test_what_is_not_recorded_is_said_not_to_be(made):
    """Nothing is filled in."""
    one = made.decision(1, "search", outcome="unknown", outcome_span_id=None)
    told = made.texts(made.tell(made.scene([one]), one))

    assert [
        "What the model `small-1` saw was not recorded.",
        "What it could choose from was not recorded.",
        "It called `search`.",
        "Whether the model stated a reason was not recorded.",
        "What came of it was not recorded.",
        "Nothing followed: it was the last choice of this agent in the run.",
    ] == told[:-1]


def test_a_choice_of_code_is_called_so(made):
    """Code saw no messages and its reason is not the model's."""
    one = made.decision(
        1, "van", made_by="code", action="route", offered=["van", "bike"],
        stated_reason="heavy", stated_reason_source="code", outcome="unknown", outcome_span_id=None,
    )  # fmt: skip
    told = made.texts(made.tell(made.scene([one]), one))

    assert "Plain code made this choice; no model was asked." == told[0]
    assert "It could choose between 2 options: `van` and `bike`." == told[1]
    assert "The code chose `van`." == told[2]
    assert "The code gave as its reason: “heavy”." == told[3]


def test_findings_stand_with_their_rule_and_proof(made):
    """The worst first; proof that names no step of the run is left out."""
    one, steps = refund(made)
    at = {"span_id": "m2", "start_ns": one.start_ns, "decision_id": one.decision_id}
    findings = [
        made.finding(**at, rule="slow", severity="low", message="Slow."),
        made.finding(
            **at,
            rule="unapproved_effect",
            severity="high",
            message="Nobody approved\n`refund`",
            proof=({"span_id": "t2", "column": "tool_effect"}, {"span_id": "elsewhere"}),
        ),
    ]
    told = [
        s for s in made.tell(made.scene([one], steps, findings), one).sentences if s.part == "found"
    ]

    assert (
        "Finding `unapproved_effect` (high at decision 1): Nobody approved `refund`."
        == told[0].text
    )
    assert [("m2", "name"), ("t2", "tool_effect")] == [
        (c.span_id, c.column) for c in told[0].citations
    ]
    assert "Finding `slow` (low at decision 1): Slow." == told[1].text


def test_the_same_call_again_is_called_so(made):
    """A reader sees a repetition at once."""
    first = made.decision(1, "search", arguments={"q": "x"}, outcome="failed")
    again = made.decision(2, "search", arguments={"q": "x"})
    told = made.texts(made.tell(made.scene([first, again]), first), "followed")

    assert [
        "Next, 100 ms later, it called `search` again with the same arguments (decision 2)."
    ] == told


def test_a_piece_of_a_text_is_told_with_its_text(made):
    """A figure inside a mail is cited by its characters."""
    one = made.decision(1, "mail", arguments={"body": "Paid 249.00."})
    piece = made.evidence(
        "m1", one.start_ns, one.decision_id, "$.body[5:11]", '"249.00"', "no_source"
    )
    told = made.tell(made.scene([one], evidence=[piece]), one)
    (said,) = [s for s in told.sentences if s.part == "came_from"]

    assert said.text.startswith("“249.00” in `body` stood nowhere")
    cited = said.citations[0]
    assert ("$[0].arguments.body", 5, 11) == (cited.path, cited.from_, cited.to_)
