"""A run that pauses in one process and goes on in another: one decision, with its answer and outcome."""

import time

import environments
import pytest
from facts import AT_REST

from tellwhy._model_server import serve

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]

SCENARIOS = ("resume_langgraph.py", "resume_openai_agents.py", "resume_pydantic_ai.py")
DECISION = """
    SELECT d.outcome, d.approval_decision, d.approval_wait_ns > 0,
        (SELECT count(*) FROM decisions WHERE chosen = 'pay'), (SELECT count(*) FROM runs),
        (SELECT count(DISTINCT conversation_id) FROM runs)
    FROM decisions d WHERE d.chosen = 'pay'"""


ENDS = {"yes": ("succeeded", "approved"), "no": ("denied", "denied")}


@pytest.mark.parametrize("word", ENDS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_decision_of_the_first_has_what_the_second_brought(collector, tmp_path, scenario, word):
    """Two real processes; the second was told the state and nothing else."""
    environments.python_of("newer")
    running = collector()
    with serve() as models:
        variables = environments.variables(running.url, models.url)
        for form in ("ask", word):
            environments.run("newer", scenario, variables, form, str(tmp_path / "state"))
    deadline = time.monotonic() + 60
    while running.ask(AT_REST) != [[True]]:
        assert time.monotonic() < deadline, "the traces did not come to rest"
        time.sleep(0.05)

    assert [[*ENDS[word], True, 1, 2, 1]] == running.ask(DECISION)
