"""Each example of a framework runs offline, and the SQL at its end shows its decision."""

import ast
import subprocess
from pathlib import Path

import environments
import pytest

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]

EXAMPLES = environments.ROOT / "examples" / "frameworks"
ENVIRONMENTS = {
    "bedrock_converse.py": "others",
    "claude_agent_permissions.py": "agent-sdk",
    "crewai_crew.py": "older",
    "langgraph_approval.py": "newer",
    "llamaindex_human.py": "older",
    "mcp_two_processes.py": "newer",
    "openai_agents_approval.py": "newer",
    "pydantic_ai_approval.py": "newer",
    "temporal_approval.py": "temporal",
}


def sql_of(path: Path) -> str:
    """The constant that the example prints at its end."""
    found = [
        node.value
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "SQL"
    ]
    return ast.literal_eval(found[0])


def test_every_example_is_tried():
    """A new one needs its environment here, and has 60 lines at most."""
    files = sorted(EXAMPLES.glob("*.py"))

    assert sorted(ENVIRONMENTS) == [path.name for path in files]
    assert [] == [path.name for path in files if len(path.read_text().splitlines()) > 60]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_example(collector, name):
    """It ends well and leaves one payment that was carried out."""
    python = environments.python_of(ENVIRONMENTS[name])
    running = collector()
    variables = environments.variables(running.url)
    for _ in range(5):
        done = subprocess.run(
            [str(python), "-W", "ignore", str(EXAMPLES / name)],
            env=variables | {"PYTHONPATH": str(environments.TRACER)},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        if "did not start within" not in done.stderr:  # temporalio gives its server 5 s
            break
    assert done.returncode == 0, done.stderr[-4000:]
    sql = sql_of(EXAMPLES / name)
    assert f'tellwhy sql "{sql}"' in done.stdout
    running.wait_for([["pay", "succeeded"]], f"SELECT chosen, outcome FROM ({sql})")
