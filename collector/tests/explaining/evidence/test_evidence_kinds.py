"""What connects a value to its source, one spelling after the other, and what needs none."""

import made_cases
import pytest
from made_cases import answered, chose, result, said

from tellwhy_collector.reconstruct.evidence import evidence_of

ORDER = {"order_id": "#W123", "total": 1203.5, "items": [{"price": 30.25}, {"price": 41.5}]}


def first(case, argument="$.x"):
    """The likeliest place of a value."""
    return next(row for row in evidence_of(case) if row.argument == argument and row.rank == 0)


@pytest.mark.parametrize(
    ("value", "text", "method", "stands"),
    [
        ("W123", "it is W123, please", None, "W123"),
        ("w123x", "it is W123X", "case", "W123X"),
        ("café 9", "the cafe 9", "unicode", "cafe 9"),
        ("#W5565470", "order w5565470", "punctuation", "w5565470"),
        ("New York", "New\n  York", "whitespace", "New\n  York"),
        (1200.5, "pay 1,200.50 now", "number", "1,200.50"),
        ("$1,200.50", "pay 1200.5", "unit", "1200.5"),
        (0.15, "take 15% off", "unit", "15"),
        ("54 kg", "it weighs 54", "unit", "54"),
        ("2024-05-24", "on May 24th", "date", "May 24th"),
        ("2024-05-24", "on 24 May 2024", "date", "24 May 2024"),
        ("05/24/2024", "at 2024-05-24T10:00", "date", "2024-05-24"),
        ("14:00", "at 2:00 pm", "time", "2:00 pm"),
        (2, "for two people", "number", "two"),
    ],
)
def test_a_value_is_found_in_another_spelling(value, text, method, stands):
    """The place is the spelling that stands there."""
    found = first(chose({"x": value}, [said(text)]))

    assert ("normalised" if method else "exact", method) == (found.kind, found.method)
    assert stands == text[found.source_from : found.source_to]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2024-05-25", "on May 24th"),
        ("2024-05-24", "on May 24, 2023"),
        (200.25, "pay 1,200.25"),
        (523, "item 15230"),
        ("02134", "2134"),
        ("15:00", "at 2:00 pm"),
        ("mia_li_3668", "I am Mia Li"),
    ],
)
def test_what_only_looks_alike_is_no_source(value, text):
    """Another day, a piece of a longer number, an id that is half known."""
    assert "no_source" == first(chose({"x": value}, [said(text)])).kind


@pytest.mark.parametrize(
    "value",
    [True, "", None, [], "please refund the customer for it", "print(1)\nx = 3", 10, "pending"],
)
def test_what_needs_no_source_has_none(value):
    """Free text, switches, small numbers, words: the model's own."""
    found = first(chose({"x": value}, [said("hello")]))

    assert ("model_written", None) == (found.kind, found.source_span_id)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x", "W5565470"),
        ("x", 7312.5),
        ("x", "2024-05-24"),
        ("x", "ada@shop.example"),
        ("x", "https://shop.example/o/7"),
        ("x", "/srv/data.csv"),
        ("x", "JFK"),
        ("user_id", "ada_lovelace"),
        ("last_name", "Lovelace"),
    ],
)
def test_what_should_have_a_source_and_stands_nowhere_is_said_so(name, value):
    """Ids, numbers, dates, addresses, codes, names."""
    assert "no_source" == first(chose({name: value}, [said("hello")]), f"$.{name}").kind


@pytest.mark.parametrize(
    ("value", "method", "told"),
    [
        ("ada.lovelace@shop.example", "concatenation", "ada + lovelace + shop + example"),
        ("https://shop.example/orders/W123", "concatenation", "shop + example + orders + w123"),
        (71.75, "sum", "30.25 + 41.5"),
        (1162.0, "difference", "1203.5 - 41.5"),
        (2407.0, "product", "1203.5 * 2"),
        ("W12", "part", None),
    ],
)
def test_a_value_is_derived_from_what_stands_there(value, method, told):
    """Pieces put together, sums, a piece of a longer word; the proof says how."""
    messages = [
        said("I am Ada Lovelace, 2 orders of shop dot example"),
        result(ORDER),
    ]
    found = first(chose({"x": value}, messages))

    assert ("derived", method) == (found.kind, found.method)
    assert told is None or found.source_text.startswith(f"{told}: ")


def test_others_are_better_sources_than_the_model_itself():
    """A result before the user's word, the model's own word last, newer before older."""
    texts = [said("W123"), said("order W123 it is", "assistant"), said("my order is W123")]
    rows = evidence_of(chose({"x": "W123"}, [*texts, result({"y": "W123"})]))

    assert ["tool", "user", "user"] == [row.source_role for row in rows]
    assert ["$[3].parts[0].response.y", "$[0].parts[0].content", "$[2].parts[0].content"] == [
        row.source_path for row in rows
    ]
    only = first(chose({"x": "W123"}, texts[1:2]))
    assert ("exact", "assistant") == (only.kind, only.source_role)


def test_common_values_are_looked_for_under_their_own_name():
    """And marked as weak."""
    found = first(chose({"pages": 1}, [result({"page": 1, "more": {"pages": 1}})]), "$.pages")

    assert ("$[0].parts[0].response.more.pages", True) == (found.source_path, found.weak)


def test_json_inside_a_text_is_looked_into():
    """Both paths are given."""
    found = first(chose({"x": "W123"}, [result('{"a b": [{"id": "W123"}]}')]))

    assert "$[0].parts[0].response" == found.source_path
    assert ('$."a b"[0].id', None) == (found.source_inner_path, found.source_from)


def test_an_object_s_key_is_a_source():
    """Shops answer with objects whose keys are ids."""
    found = first(chose({"x": "9013366374"}, [result({"variants": {"9013366374": {"p": 1}}})]))

    assert ("exact", "key") == (found.kind, found.method)
    assert '$[0].parts[0].response.variants."9013366374"' == found.source_path


def test_a_choice_that_the_schema_offers_comes_from_there():
    """The schema of the tool that is called; its own words are said, its types are not."""
    tools = [
        {"name": "other", "parameters": {"properties": {"x": {"enum": ["basic_economy"]}}}},
        {"name": "act", "parameters": {"properties": {"x": {"enum": ["basic_economy"]}}}},
    ]
    found = first(chose({"x": "basic_economy"}, [said("hello")], tools_offered=tools))

    assert ("tool_schema", "tools_offered") == (found.source_role, found.source_column)


def test_what_stands_in_a_free_text_is_looked_up():
    """Figures and ids, with their place in the text."""
    text = "Please refund order #W123 with 1203.50 dollars, not ticket A77Z."
    rows = evidence_of(chose({"x": text}, [result(ORDER)]))
    kinds = {row.argument: (row.kind, row.value) for row in rows if row.rank == 0}

    assert ("model_written", f'"{text}"') == kinds["$.x"]
    assert ("exact", '"#W123"') == kinds[f"$.x[{text.index('#')}:{text.index('#') + 5}]"]
    assert ("no_source", '"A77Z"') in kinds.values()
    assert ("normalised", '"1203.50"') in kinds.values()


def test_figures_ids_and_quotes_of_answers_are_looked_up():
    """With their place in characters; list numbers and steps are no figures."""
    text = 'You paid $1,203.50 for #W123 on 2024-05-24. You said "please send it back".\n1. Done'
    rows = evidence_of(answered(text, [said("please send it back"), result(ORDER)]))
    found = {text[slice(*map(int, row.argument[2:-1].split(":")))]: row.kind for row in rows}

    assert {
        "$1,203.50": "normalised",
        "#W123": "exact",
        "2024-05-24": "no_source",
        "please send it back": "exact",
    } == found


def test_the_step_that_gave_a_result_is_named():
    """Call ids are used again: the last one that had ended when the model was asked."""
    made = {"kind": "tool_call", "tool_call_id": "c1"}
    tools = [made_cases.step(f"t{at}", at, **made) for at in (12, 22, 32)]
    chosen = {"chosen": "act", "arguments": {"x": "W123"}}
    seen = [result({"y": "W123"})]
    case = made_cases.case([(seen, chosen), (seen, chosen), (seen, chosen)], tools)
    found = {row.span_id: row.origin_span_id for row in evidence_of(case)}

    assert {"m0": None, "m1": "t12", "m2": "t22"} == found


def test_an_older_result_keeps_its_step_when_its_id_is_used_again():
    """The step had ended when its result was new to a call; what ran later gave another."""
    made = {"kind": "tool_call", "tool_call_id": "c1"}
    tools = [made_cases.step(f"t{at}", at, **made) for at in (12, 22)]
    first, second = result({"y": "W123"}), result({"y": "K987"})
    asked = said("go on")
    both = {"chosen": "act", "arguments": {"x": "W123", "z": "K987"}}
    none = {"chosen": "act", "arguments": {}}
    calls = [([asked], none), ([asked, first], none), ([asked, first, second], both)]
    rows = evidence_of(made_cases.case(calls, tools))

    assert {"W123": "t12", "K987": "t22"} == {
        row.value.strip('"'): row.origin_span_id for row in rows if row.span_id == "m2"
    }


def test_nothing_is_said_where_nothing_was_recorded():
    """Without contents nobody knows where a value stood."""
    case = made_cases.case([([], {"chosen": "act", "arguments": {"x": "W123"}})])

    assert [] == evidence_of(case)
