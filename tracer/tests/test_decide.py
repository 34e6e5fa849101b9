import enum

import tellwhy


def bill():
    """A handler that could be chosen."""


class Queue(enum.Enum):
    HUMAN = 1


def test_a_choice_of_code_is_recorded_and_given_back(recorded):
    """Name, options, choice and reason are on a span of no length, in the run."""
    with tellwhy.agent("router"):
        chosen = tellwhy.decide("route", options=["billing", "human"], chosen="human", why="angry")

    decision = recorded.span("decide route", decode_json=True)
    attributes = decision["attributes"]

    assert "human" == chosen
    assert decision["start_ns"] == decision["end_ns"]
    assert {
        "tellwhy.step.kind": "other",
        "gen_ai.operation.name": "decide",
        "gen_ai.agent.name": "router",
        "tellwhy.run.id": decision["trace_id"],
        "tellwhy.decision.name": "route",
        "tellwhy.decision.offered": ["billing", "human"],
        "tellwhy.decision.chosen": "human",
        "tellwhy.decision.why": "angry",
        "tellwhy.decision.made_by": "code",
    } == attributes


def test_options_may_be_functions_enums_and_numbers(recorded):
    """What has a name goes by it, and the object itself comes back."""
    assert bill is tellwhy.decide("handler", options=[bill, Queue.HUMAN, 3, None], chosen=bill)

    attributes = recorded.spans(decode_json=True)[0]["attributes"]

    assert ["bill", "HUMAN", "3", "null"] == attributes["tellwhy.decision.offered"]
    assert "bill" == attributes["tellwhy.decision.chosen"]


def test_a_failure_of_ours_still_gives_the_choice_back(recorded, lenient):
    """Options that cannot be listed cost the record, not the choice."""

    def broken():
        raise RuntimeError
        yield

    assert 1 == tellwhy.decide("x", options=broken(), chosen=1)
