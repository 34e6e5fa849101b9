"""What real senders tell of an approval, read from their captures; what they leave out stays NULL."""

from pathlib import Path

import orjson
import pytest

from tellwhy_collector.testing import post, rows, wait_until_explained

CAPTURES = Path(__file__).parents[1] / "dialects" / "captures"
TOLD = (
    "tool_name, decision, approver, approver_kind, wait_ns IS NOT NULL AS waited, rubber_stamp, "
    "decision_id IS NOT NULL AS chosen, executed_span_id IS NOT NULL AS ran, changed_after_approval"
)
PAUSED = ("pay", "asked", None, "unknown", False, False, True, True, None)
CLAUDE = [
    ("Bash", "denied", "user_reject", "person", True, False, True, False, None),
    ("ToolSearch", "approved", "config", "rule", True, False, True, True, None),
    ("Write", "approved", "user_temporary", "person", True, True, True, True, None),
    ("mcp__lab__boom", "approved", "user_temporary", "person", True, True, True, True, None),
    ("mcp__lab__get_weather", "approved", "user_temporary", "person", True, True, True, True, None),
]


def told(collector, *names):
    """Rows of approvals that the captures of these names give together."""
    for name in names:
        request = orjson.loads((CAPTURES / f"{name}.otlp.json").read_bytes())
        post(collector.ingest, request, "logs" if "resourceLogs" in request else "traces")
    wait_until_explained(collector.store)
    return rows(collector.store, f"SELECT {TOLD} FROM approvals ORDER BY ALL")


def without_wait(row):
    """What the log events alone tell of it: no wait, so nobody knows how fast it was."""
    person_allowed = row[3] == "person" and row[1] == "approved"
    return (*row[:4], False, None if person_allowed else False, *row[6:])


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["claude_code/r7_mcp_approval__traces", "claude_code/r7_mcp_approval__logs"], CLAUDE),
        (["claude_code/r7_mcp_approval__traces"], CLAUDE),
        (
            ["codex/logs"],
            [("exec_command", "approved", "Config", "rule", False, False, True, True, None)],
        ),
        (["langgraph__openinference"], [PAUSED]),
        (["langgraph__genai"], [PAUSED]),
        (["langgraph__traceloop"], [PAUSED]),
        (["llamaindex__native"], [PAUSED]),
        (["pydantic_ai__native"], [PAUSED] * 2),
        (
            ["temporal__interceptor"],
            [(None, None, None, "unknown", False, None, False, False, None)],
        ),
        (["openai_agents__openinference"], []),
        (["claude_agent_sdk__openinference"], []),
    ],
    ids=lambda value: value[0] if value and isinstance(value[0], str) else "",
)
def test_what_each_sender_tells_of_its_approvals(collector, names, found):
    """Spans and log events of one question are one row."""
    assert found == told(collector, *names)


def test_from_the_log_events_of_claude_code_alone_no_wait_is_made_up(collector):
    """They come when the answer is there; a denied call leaves no event of its own."""
    found = told(collector, "claude_code/r7_mcp_approval__logs")

    assert [without_wait(row)[:7] for row in CLAUDE] == [row[:7] for row in found]
    assert [(False, False)] == rows(
        collector.store,
        "SELECT DISTINCT approval_wait_ns IS NOT NULL, approval_span_id IS NULL FROM decisions"
        " WHERE action = 'tool_call'",
    )


def test_a_denial_by_a_hook_says_which_kind_of_rule_it_was(collector):
    """The command that was stopped stands beside it."""
    told(collector, "claude_code/r2__traces", "claude_code/r2__logs")
    found = rows(
        collector.store,
        "SELECT approver, approver_kind, arguments->>'command', executed_span_id FROM approvals"
        " WHERE decision = 'denied' AND tool_name = 'Bash'",
    )

    assert [("hook", "rule", "rm -rf /tmp/zzz", None)] == found
