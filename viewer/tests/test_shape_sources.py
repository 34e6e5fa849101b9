"""Where values came from and what rules found, as the card shows them."""

import json

import pytest

from tellwhy_viewer.shape.place import NoPlace, marked
from tellwhy_viewer.shape.sources import (
    by_decision,
    origins,
    problems,
    sources,
    suspects,
    worst,
)

MESSAGES = json.dumps(
    [
        {"role": "user", "parts": [{"type": "text", "content": "Refund order 88213."}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "get_order"}]},
        {
            "role": "tool",
            "parts": [
                {
                    "type": "tool_call_response",
                    "id": "c1",
                    "response": {"total": 249.0, "s": "a\\b"},
                },
                {"type": "tool_call_response", "id": "c2", "response": '{"id": "88213"}'},
            ],
        },
    ]
)
ROW = {"span_id": "m1", "input_messages": MESSAGES}


def evidence(argument, kind="exact", **more):
    """One row of the table."""
    names = "method source_role source_span_id source_column source_path source_inner_path source_from source_to source_text"
    plain = dict.fromkeys(names.split()) | {"trace_id": "t", "rank": 0, "weak": False, "value": "1"}
    return plain | {"argument": argument, "kind": kind} | more


def stood(path, **more):
    """Where it stood in the call's own messages."""
    return {"source_span_id": "m1", "source_column": "input_messages", "source_path": path, **more}


def test_a_source_is_named_by_its_tool_and_can_be_opened():
    """The tool is found by the id of the call; the path is the part a person looks for."""
    rows = [
        evidence("$.amount", **stood("$[2].parts[0].response.total", source_role="tool")),
        evidence("$.amount", rank=1, **stood("$[0].parts[0].content", source_role="user")),
        evidence(
            "$.order.id", **stood("$[0].parts[0].content", source_role="user", source_from=13)
        ),
    ]
    amount, order = sources(rows, ROW)

    assert ("get_order", "$.total", 2, "amount") == (
        amount["label"], amount["path"], amount["places"], amount["top"],
    )  # fmt: skip
    assert {"trace": "t", "span": "m1", "column": "input_messages"}.items() <= amount["at"].items()
    assert ("user", "order", 13) == (order["label"], order["top"], order["at"]["from"])


def test_a_value_without_a_source_leads_nowhere():
    """And is marked as such."""
    (missing,) = sources([evidence("$.notify", "no_source", value="true")], ROW)

    assert ("no_source", None, None, "true") == tuple(
        missing[name] for name in ("kind", "label", "at", "value")
    )


def test_a_piece_of_a_text_belongs_to_its_argument():
    """Characters behind the path are no key."""
    (piece,) = sources([evidence("$.body[5:11]", "no_source")], ROW)

    assert ("body", True) == (piece["top"], piece["piece"])


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (("$[0].parts[0].content", None, 13, 18), ("Refund order ", "88213", ".")),
        (("$[0].parts[0].content", None, None, None), ("", "Refund order 88213.", "")),
        (
            ("$[2].parts[0].response.total", None, None, None),
            ('{"total": ', "249.0", ', "s": "a\\\\b"}'),
        ),
        (("$[2].parts[0].response.s", None, 0, 1), ('{"total": 249.0, "s": "', "a", '\\b"}')),
        (("$[2].parts[1].response", "$.id", None, None), ('{"id": "', "88213", '"}')),
        (("$[2].parts[1].response", "$.id", 3, 9), ('{"id": "', "88213", '"}')),
    ],
)
def test_a_place_is_marked_with_what_stands_around_it(place, told):
    """Text by its characters, values inside their object, JSON inside a text."""
    found = marked(MESSAGES, *place)

    assert told == (found["before"], found["marked"], found["after"])


@pytest.mark.parametrize("path", ["$[9]", "$[0].nothing", "$.a", "$[x]", "no path at all["])
def test_a_place_that_is_not_there_is_told(path):
    """Nothing is guessed."""
    with pytest.raises(NoPlace):
        marked(MESSAGES, path)


def finding(severity="medium", decision_id=None, span_id="x", **more):
    """One row of the table."""
    plain = {"trace_id": "t", "rule": "r", "message": "m", "proof": None, "made_by": "tellwhy"}
    return plain | {"severity": severity, "decision_id": decision_id, "span_id": span_id} | more


def test_findings_stand_at_the_decision_they_are_about():
    """By the decision, else by the step that belongs to one; the others stand at the run."""
    rows = [finding(decision_id="a:0"), finding(span_id="tool"), finding(span_id="nowhere")]
    found = by_decision(rows, [{"decision_id": "a:0"}, {"decision_id": "b:0"}], {"tool": 1})

    assert {0: [rows[0]], 1: [rows[1]]} == found


def test_only_proof_that_can_be_opened_is_offered():
    """Rules of users write what they like."""
    proof = [{"span_id": "s", "column": "chosen", "path": "$[0]"}, {"span_id": "s"}, 7]
    told = problems([finding("high", proof=json.dumps(proof)), finding("odd", proof="{")])

    assert [{"trace": "t", "span": "s", "column": "chosen", "path": "$[0]"}] == told[0]["proof"]
    assert ([], "low") == (told[1]["proof"], told[1]["severity"])


def test_the_worst_severity_marks_a_decision():
    """High before medium before low."""
    assert [None, "low", "high"] == [
        worst([]), worst([finding("low")]), worst([finding("low"), finding("high")]),
    ]  # fmt: skip


def test_values_of_one_place_share_its_number():
    """Two values of one result are one place; a value without a source has none."""
    rows = [
        evidence("$.a", origin_span_id="t1", **stood("$[2].parts[0].response.total")),
        evidence("$.b", origin_span_id="t1", **stood("$[2].parts[0].response.s")),
        evidence("$.c", **stood("$[0].parts[0].content", source_role="user")),
        evidence("$.d", "no_source"),
    ]
    told = sources(rows, ROW)
    places = origins(told)

    assert [1, 1, 2, None] == [one["n"] for one in told]
    assert [(1, "t1"), (2, None)] == [(place["n"], place["span"]) for place in places]


def test_places_that_do_not_stand_out_are_not_told():
    """Of a place the reasons that speak for it are told, the heaviest first."""
    reasons = [{"says": "It failed.", "weight": 0.7}, {"says": "It is short.", "weight": -0.9}]
    row = {"trace_id": "t", "span_id": "s2", "decision_id": None, "rank": 0, "share": 0.6}
    told = suspects(
        [
            row | {"category": "failure", "reasons": json.dumps(reasons)},
            row | {"category": "other", "reasons": "[]"},
        ],
        [{"decision_id": "s1:0"}, {"decision_id": "s2:0"}],
        {"s2": 1},
    )

    assert [(1, ["It failed."])] == [(one["decision"], one["reasons"]) for one in told]
