"""A framework that is imported after tellwhy has started, as in every replay, is adapted on arrival."""

import subprocess

import environments
import pytest

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]

IMPORTS = {
    "langgraph": ("newer", "from langchain.agents import create_agent"),
    "langgraph, callbacks first": ("newer", "import langchain_core.callbacks.manager"),
    "openai_agents": ("newer", "import agents"),
    "pydantic_ai": ("newer", "import pydantic_ai"),
    "mcp": ("newer", "import mcp"),
    "llamaindex": ("older", "from llama_index.core.agent.workflow import FunctionAgent"),
    "crewai": ("older", "import crewai"),
    "claude_agent": ("agent-sdk", "import claude_agent_sdk"),
}
PROGRAM = """
import tellwhy
tellwhy.configure()
{statement}
from tellwhy import _frameworks, _guard
print(*_frameworks.active())
assert _guard.counts() == {{}}, _guard.counts()
"""


@pytest.mark.parametrize("case", IMPORTS)
def test_it_is_adapted(case, tmp_path):
    """Nothing is imported in a circle, and nothing of ours has failed."""
    environment, statement = IMPORTS[case]
    python = environments.python_of(environment)
    variables = environments.variables("http://127.0.0.1:9") | {
        "PYTHONPATH": str(environments.TRACER),
        "TELLWHY_STRICT": "1",
        "TELLWHY_SPOOL_DIR": str(tmp_path),
        "TELLWHY_EXIT_TIMEOUT_S": "0",
    }
    done = subprocess.run(
        [str(python), "-W", "ignore", "-c", PROGRAM.format(statement=statement)],
        env=variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert case.partition(",")[0] in done.stdout.split()
