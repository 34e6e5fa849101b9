"""Every combination of the SDKs' majors in one process: {anthropic 0.x, 2.x} with {openai 2.x, 3.x}."""

import pytest

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]

ENVIRONMENTS = {
    "anthropic 0.x, openai 2.x": "older",
    "anthropic 0.x, openai 3.x": "anthropic-0-openai-3",
    "anthropic 2.x, openai 2.x": "anthropic-2-openai-2",
    "anthropic 2.x, openai 3.x": "newer",
}
CALLS = """
    SELECT provider, count(*), count(DISTINCT request_id), bool_and(input_tokens > 0 AND output_tokens > 0)
    FROM model_calls GROUP BY provider ORDER BY provider"""
DECISIONS = """
    SELECT chosen, outcome, outcome_result FROM decisions WHERE action = 'tool_call' ORDER BY start_ns"""


@pytest.mark.parametrize("majors", ENVIRONMENTS)
def test_each_call_of_both_is_one_step(ask_after, majors):
    """Whichever of httpx and httpx2 an SDK stands on."""
    ask = ask_after(ENVIRONMENTS[majors], "run_sdks.py")

    assert [["anthropic", 2, 2, True], ["openai", 2, 2, True]] == ask(CALLS)
    assert [["pay", "succeeded", '"paid 42"']] * 2 == ask(DECISIONS)
    assert [[2]] == ask("SELECT count(*) FROM tool_calls")
