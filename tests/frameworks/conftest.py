import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import environments
import facts

from tellwhy._model_server import serve

PROGRAMS = {
    "run_claude_code.py": ("CLAUDE_CLI", environments.claude_code),
    "run_codex.py": ("CODEX_CLI", environments.codex),
}
"""Scenarios whose form is the version of a program."""


@pytest.fixture
def ask_after(collector):
    """Run a scenario and give the function that asks what the collector has of it."""

    def after(environment, scenario, form="", beside=""):
        environments.python_of(environment)  # skips before anything is started
        more = {"BESIDE": beside}
        if form and scenario in PROGRAMS:
            variable, program_of = PROGRAMS[scenario]
            more[variable] = str(program_of(form))
        running = collector()
        with serve() as models:
            variables = environments.variables(running.url, models.url) | more
            said = environments.run(environment, scenario, variables, form)
        assert facts.task.ANSWER in said.strip().splitlines()[-1], said
        deadline = time.monotonic() + 60
        while running.ask(facts.AT_REST) != [[True]]:
            assert time.monotonic() < deadline, "the traces did not come to rest"
            time.sleep(0.05)
        return running.ask

    return after
