import sys
import time
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import environments
import facts

from tellwhy._demo.model_server import serve

AT_REST = "SELECT (SELECT count(*) FROM steps) > 0 AND (SELECT count(*) FROM open_traces) = 0"


@pytest.fixture(scope="session")
def ask_after(collector_of):
    """Run a scenario once and give a function that asks what the collector has of it."""

    @cache
    def once(*how):
        try:
            return run(*how), None
        except (Exception, pytest.skip.Exception) as error:
            return None, error  # a scenario that fails would fail for each of its facts again

    def run(environment, scenario, form, beside):
        environments.python_of(environment)  # skips before anything is started
        running = collector_of()
        with serve() as models:
            variables = environments.variables(running.url, models.url) | {"BESIDE": beside}
            said = environments.run(environment, scenario, variables, form)
        assert facts.task.ANSWER in said.strip().splitlines()[-1], said
        deadline = time.monotonic() + 60
        while running.ask(AT_REST) != [[True]]:
            assert time.monotonic() < deadline, "the traces did not come to rest"
            time.sleep(0.05)
        return running.ask

    def after(environment, scenario, form="", beside=""):
        ask, error = once(environment, scenario, form, beside)
        if error is not None:
            raise error
        return ask

    return after
