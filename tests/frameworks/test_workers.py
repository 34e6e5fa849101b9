"""A run that goes on in the workers of a task queue: real workers, real messages."""

import pytest

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]

TOOLS = """
    SELECT t.tool_name, t.status, t.arguments->>'item', t.run_id = r.run_id, t.agent_name
    FROM tool_calls t, runs r ORDER BY t.arguments->>'item'"""


@pytest.mark.parametrize("pool", ["prefork", "solo"])
def test_tasks_of_celery_belong_to_the_run_that_asked_for_them(ask_after, pool):
    """By the headers that a task reads itself, and by signals; one that fails, too."""
    ask = ask_after("others", "run_celery.py", pool)

    assert [
        ["wrap", "ok", "coat", True, "clerk"],
        ["wrap", "ok", "hat", True, "clerk"],
        ["wrap", "error", "lamp", True, "clerk"],
    ] == ask(TOOLS)
    assert [["clerk", "succeeded", "case-7"]] == ask(
        "SELECT agent_name, status, conversation_id FROM runs"
    )
