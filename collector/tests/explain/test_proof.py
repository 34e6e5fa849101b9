"""What a model told is kept only where it can be proven."""

import pytest

from tellwhy_collector.explain.proof import MAX_TEXT, Facts, kept

SENTENCES = [
    {
        "layer": "fact",
        "text": "It called `refund` with order_id “88213” and amount 249.0.",
        "citations": [{"excerpt": '{"currency": "USD"}'}],
    },
    {
        "layer": "stated",
        "text": "In its reasoning the model wrote: “It is lost.”",
        "citations": [{}],
    },
    {"layer": "fact", "text": "It used 36,550 tokens in.", "citations": []},
]
FACTS = Facts.of(SENTENCES)


def told(text, *cites, layer="fact"):
    return {"text": text, "layer": layer, "cites": list(cites)}


@pytest.mark.parametrize(
    "one",
    [
        told("It refunded 249.00 for order 88213.", "s1"),
        told("The refund was in “usd”.", "s1"),
        told("It read 36550 tokens and called `refund`.", "s1", "s3"),
        told("It stated that the parcel is lost.", "s2", layer="stated"),
    ],
)
def test_what_rests_on_its_facts_is_kept(one):
    """Figures in another spelling are the same figures."""
    assert ([one], []) == kept([one], FACTS)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (told("It refunded 250.", "s1"), "250 stands in nothing"),
        (told("It wrote “approved”.", "s1"), "the words “approved” stand in nothing"),
        (told("It called `delete`.", "s1"), "the words “delete” stand in nothing"),
        (told("It used 36,550 tokens.", "s1"), "36,550 stands in nothing"),
        (told("It is so.", "s9"), "it cites s9, which is not there"),
        (told("It is so.", "s1", "s9"), "it cites s9, which is not there"),
        (told("It is so."), "it cites nothing"),
        (told("It is lost.", "s2"), "it is called fact and rests on what is stated"),
        (told("It is lost.", "s1", "s2"), "rests on what is fact and stated"),
        (told("x" * (MAX_TEXT + 1), "s1"), f"longer than {MAX_TEXT} characters"),
        ("It is so. [s1]", "it is no sentence"),
        ({"text": "It is so.", "layer": "fact", "cites": "s1"}, "it cites nothing"),
        ({"text": "It is so.", "layer": "fact", "cites": [["s1"]]}, "which is not there"),
        ({"text": " ", "layer": "fact", "cites": ["s1"]}, "it is no sentence"),
    ],
)
def test_what_goes_beyond_its_facts_is_dropped_with_the_reason(one, why):
    """No figure, no quotation, no id and no layer of its own."""
    found, dropped = kept([one], FACTS)

    assert [] == found
    assert why in dropped[0]["why"]


def test_the_model_gets_ids_layers_texts_and_what_is_recorded():
    """And nothing else of the run."""
    assert {
        "id": "s1",
        "layer": "fact",
        "text": SENTENCES[0]["text"],
        "recorded": ['{"currency": "USD"}'],
    } == FACTS.given()[0]
