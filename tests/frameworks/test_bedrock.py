"""Calls of Bedrock through the real boto3: refusals, streams that end early, and invoke_model."""

import pytest

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]

CALLS = """
    SELECT request_model, status, split_part(error_type, '.', -1), attempts,
        json_extract_string(chosen, '$[0].text')
    FROM steps WHERE kind = 'model_call' AND duplicate_of IS NULL ORDER BY start_ns"""
WHERE = "SELECT DISTINCT provider, operation, agent_name FROM model_calls"


def test_each_call_is_told_as_it_ended(ask_after):
    """The provider's word for an error, the attempts, and what came of streams; the host as ever."""
    ask = ask_after("others", "special_boto3.py")

    assert [
        ["throttled", "error", "ThrottlingException", 3, None],
        ["wrong", "error", "ParamValidationError", None, None],
        ["left", "ok", None, 1, None],
        ["cut", "error", "modelStreamErrorException", 1, "one two three "],
        ["kept", "ok", None, 1, None],
        ["invoked", "ok", None, 1, "Invoked."],
        ["piecewise", "ok", None, 1, "In pieces."],
    ] == ask(CALLS)
    assert [["aws.bedrock", "chat", "clerk"]] == ask(WHERE)
