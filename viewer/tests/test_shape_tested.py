"""What a test has shown, in the words of the card."""

import datetime as dt

from tellwhy_viewer.shape.tested import causes_shown

PROOF = {
    "time": dt.datetime(2026, 11, 30, 12, 5, tzinfo=dt.UTC),
    "model": "claude-sonnet-5",
    "result": "causes",
    "reason": None,
    "method": "asked again",
    "same_as_recorded": 11,
    "asked_as_recorded": 12,
    "draws": 64,
    "cost_usd": 0.0177,
}
CAUSE = {
    "label": "result of get_order",
    "change": "left out",
    "verdict": "cause",
    "flips": True,
    "same": 1,
    "n": 12,
    "control_same": 10,
    "control_n": 12,
    "rate_change": -0.75,
    "rate_change_low": -0.89,
    "rate_change_high": -0.36,
}


def test_without_a_test_there_is_nothing_to_tell():
    """The card says that it was not tested."""
    assert causes_shown([]) is None


def test_each_thing_that_was_left_out_has_its_change_and_interval():
    """With how often the choice was made without it and with it."""
    found = causes_shown([PROOF | CAUSE])

    assert "11 of 12 as recorded" == found["control"]
    assert "claude-sonnet-5, 64 answers, $0.0177, 2026-11-30 12:05 UTC" == found["about"]
    [item] = found["items"]
    assert (True, True) == (item["is_cause"], item["flips"])
    assert "-75 points (95 %: -89 to -36)" == item["points"]
    assert "1 of 12 without it, 10 of 12 with it" == item["drawn"]


def test_a_test_that_compared_nothing_is_a_test_all_the_same():
    """It stopped, or the model wavers: that is not the same as not tested."""
    nothing = dict.fromkeys(CAUSE) | PROOF | {"result": "stopped", "reason": "money ran out"}
    found = causes_shown([nothing])

    assert ([], "money ran out") == (found["items"], found["reason"])
