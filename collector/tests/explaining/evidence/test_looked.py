"""What cannot be made out of a run does not take the rest of it along."""

import made_cases

from tellwhy_collector.reconstruct.explaining import _Looked

BROKEN = made_cases.step("odd", 5, output_messages=5)
"""What no dialect writes: messages that are no list."""


def test_what_fails_leaves_the_rest_of_the_run(caplog):
    """Evidence cannot be made out; effects without an approval and places are there all the same."""
    refund = made_cases.step("refund", 12, "tool_call", tool_name="act", tool_effect="write")
    chosen = {"chosen": "act", "arguments": {"x": "W123"}}
    looked = _Looked(made_cases.case([([], chosen)], [BROKEN, refund]))

    assert looked.failed
    assert () == looked.evidence
    assert ["refund"] == [effect.span_id for effect in looked.effects]
    assert "m0" in looked.places
    assert "Run r could not be looked at as a whole" in caplog.text
