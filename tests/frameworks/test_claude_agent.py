"""What only the Claude Agent SDK has: turns of one client, subagents, hooks, arguments that a callback changes."""

import pytest

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]

ENVIRONMENT = "agent-sdk"


def test_turns_subagents_hooks_and_changed_arguments(ask_after):
    """Two runs of one conversation; who decided what about which arguments; the agent inside."""
    ask = ask_after(ENVIRONMENT, "run_claude_agent_turns.py")

    gates = """
        SELECT replace(chosen, 'mcp__shop__', ''), outcome, approval_decision, approver, approver_kind
        FROM decisions WHERE action = 'tool_call' ORDER BY start_ns"""
    assert [
        ["Agent", "succeeded", "approved", "config", "rule"],
        ["Bash", "denied", "denied", "no_shell", "rule"],
        ["pay", "succeeded", "approved", "at_most_ten", "unknown"],
    ] == ask(gates)
    runs = """
        SELECT conversation_id, status, tool_calls, cost_usd > 0, cost_source, output_tokens > 0
        FROM runs ORDER BY start_ns"""
    conversation = "00000000-0000-4000-8000-0000000000a7"
    assert [
        [conversation, "succeeded", 2, True, "reported", True],
        [conversation, "succeeded", 1, True, "reported", True],
    ] == ask(runs)
    inside = """
        SELECT a.agent_name, t.tool_name, m.stated_reason FROM steps a
        JOIN steps t ON t.span_id = a.parent_span_id JOIN steps m ON m.parent_span_id = a.span_id
        WHERE a.agent_name = 'counter' AND a.kind = 'agent' AND m.kind = 'model_call'"""
    assert [["counter", "Agent", "I count."]] == ask(inside)
    changed = """
        SELECT json_extract_string(executed, '$.amount'), changed_after_approval FROM approvals
        WHERE tool_name = 'mcp__shop__pay'"""
    assert [["10", False]] == ask(changed)
    named = "SELECT count(*) FROM findings WHERE rule IN ('tool_not_offered', 'approval_changed')"
    assert [[0]] == ask(named)


def test_a_denial_is_the_callback_s(ask_after):
    """The tool did not run, and the words of the callback say why."""
    ask = ask_after(ENVIRONMENT, "run_claude_agent.py", "denied")

    denied = """
        SELECT d.outcome, d.approver, a.reason, d.outcome_error FROM decisions d
        JOIN approvals a USING (decision_id) WHERE d.chosen = 'mcp__shop__pay'"""
    assert [["denied", "may_pay", "too dear", "too dear"]] == ask(denied)
