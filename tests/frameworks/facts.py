"""The facts that every runtime is asked for, each as SQL over what the collector has of one task.

A fact is there when its statement gives one row with true. `RUNTIMES` says which facts each runtime
gives; a test fails in both directions, and docs/reference/runtimes.md is made from it.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scenarios"))

import task


def bare(name):
    """*name* without what Claude Code puts in front of the tools of a server."""
    return f"replace({name}, 'mcp__shop__', '')"


FACTS = {
    "tools offered": f"""
        SELECT list_sort({bare("offered")}::VARCHAR[]) = ['check_stock', 'get_weather', 'pay']
        FROM decisions WHERE {bare("chosen")} = 'get_weather'""",
    "chosen": f"""
        SELECT list({bare("chosen")} ORDER BY start_ns) = ['get_weather', 'check_stock', 'pay']
        FROM decisions WHERE action = 'tool_call'""",
    "arguments": """
        SELECT count(*) = 3 FROM decisions
        WHERE arguments::JSON IN ('{"city":"Oslo"}', '{"item":"coat"}', '{"amount":42}')""",
    "call id": """
        SELECT count(*) = 3 FROM decisions d JOIN tool_calls t USING (tool_call_id)
        WHERE d.tool_call_id IS NOT NULL AND d.chosen = t.tool_name""",
    "result linked": f"""
        SELECT outcome = 'succeeded' AND contains(outcome_result, '-3 degrees in Oslo')
        FROM decisions WHERE {bare("chosen")} = 'get_weather'""",
    "thinking": f"""
        SELECT stated_reason = '{task.THOUGHT}' AND stated_reason_source = 'reasoning'
        FROM decisions WHERE {bare("chosen")} = 'get_weather'""",
    "tokens": """
        SELECT count(*) = 4 FROM model_calls
        WHERE input_tokens > 0 AND output_tokens > 0""",
    "attempts": """
        SELECT list_sort(list(attempts)) = [1, 1, 1, 2] FROM model_calls""",
    "request id": """
        SELECT count(DISTINCT request_id) = 4 FROM model_calls""",
    "tool error": f"""
        SELECT outcome = 'failed' AND contains(outcome_error, 'no shelf for coat')
        FROM decisions WHERE {bare("chosen")} = 'check_stock'""",
    "approval": f"""
        SELECT approval_decision = 'approved' AND outcome = 'succeeded' AND approval_wait_ns > 0
        FROM decisions WHERE {bare("chosen")} = 'pay'""",
    "pause": """
        SELECT count(*) = 1 FROM steps
        WHERE kind = 'human' AND approval_decision = 'asked' AND tool_name = 'pay'
        AND duplicate_of IS NULL""",
    "agent name": f"""
        SELECT bool_and(agent_name = '{task.AGENT}') FROM model_calls""",
    "node names": """
        SELECT count(DISTINCT name) >= 1 FROM steps WHERE operation = 'node'""",
    "one conversation": f"""
        SELECT count(*) >= 1 AND bool_and(conversation_id IN ('{task.CONVERSATION}', '{task.SESSION}')) FROM runs""",
    "once each": """
        SELECT (SELECT count(*) FROM model_calls) = 4 AND (SELECT count(*) FROM tool_calls) = 3""",
}

CODEX = {
    "tools offered": """
        SELECT bool_and(list_contains(offered::VARCHAR[], 'exec_command')) FROM decisions""",
    "chosen": """
        SELECT list(chosen) = ['exec_command', 'exec_command']
        FROM decisions WHERE action = 'tool_call'""",
    "arguments": """
        SELECT list(arguments->>'cmd' ORDER BY start_ns) = ['echo dry', 'ls /no-such-folder']
        FROM decisions WHERE action = 'tool_call'""",
    "call id": """
        SELECT count(*) = 2 FROM decisions d JOIN tool_calls t USING (tool_call_id)
        WHERE d.chosen = t.tool_name""",
    "result linked": """
        SELECT outcome = 'succeeded' AND contains(outcome_result, 'dry')
        FROM decisions WHERE arguments->>'cmd' = 'echo dry'""",
    "thinking": f"""
        SELECT stated_reason = '{task.THOUGHT}' AND stated_reason_source = 'reasoning'
        FROM decisions WHERE arguments->>'cmd' = 'echo dry'""",
    "tokens": """
        SELECT count(*) = 3 FROM model_calls
        WHERE status = 'ok' AND input_tokens > 0 AND output_tokens > 0""",
    "request id": """
        SELECT count(DISTINCT request_id) = 3 FROM model_calls WHERE status = 'ok'""",
    "tool error": """
        SELECT outcome = 'failed' AND outcome_error IS NOT NULL
        FROM decisions WHERE arguments->>'cmd' = 'ls /no-such-folder'""",
    "approval": """
        SELECT count(*) = 2 FROM decisions WHERE approval_decision = 'approved'""",
    "pause": """
        SELECT count(*) > 0 FROM steps WHERE approval_decision = 'asked'""",
    "agent name": "SELECT bool_and(agent_name = 'codex') FROM model_calls",
    "one conversation": """
        SELECT count(DISTINCT conversation_id) = 1 AND count(conversation_id) = count(*)
        FROM runs WHERE model_calls > 0""",
    "once each": """
        SELECT (SELECT count(*) FROM model_calls WHERE status = 'ok') = 3
            AND (SELECT count(*) FROM tool_calls) = 2""",
}
"""The same facts of the task that codex has, which offers the tools of others to no model."""

AT_REST = """
SELECT (SELECT count(*) FROM steps) > 0 AND (SELECT count(*) FROM open_traces) = 0
    AND (SELECT count(*) FROM unexplained) = 0
"""
"""Whether all that came in was worked out and looked at."""
