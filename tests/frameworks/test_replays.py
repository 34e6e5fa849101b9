"""Each runtime's real agent loop, recorded once and replayed: offline, the same output, no tool runs."""

import os
import subprocess
import sys
import time
from pathlib import Path

import environments
import facts
import pytest
from runtimes import RUNTIMES

from tellwhy._model_server import serve

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]

REPLAYED = [runtime for runtime in RUNTIMES if not runtime.not_replayed]
"""All but those whose model calls are made by a program of their own: see test_proxy."""


@pytest.mark.parametrize("runtime", REPLAYED, ids=lambda runtime: runtime.title)
def test_a_runtime_is_replayed(collector, tmp_path, runtime):
    """Identical, not one request and not one effect more, and the same last line."""
    python = environments.python_of(runtime.environment)
    running, effects = collector(), tmp_path / "effects"
    scenario = str(Path(environments.HERE) / "scenarios" / runtime.scenario)
    with serve() as models:
        variables = environments.variables(running.url, models.url) | {"EFFECTS": str(effects)}
        first = environments.run(
            runtime.environment, runtime.scenario, variables, runtime.form
        ).splitlines()
        deadline = time.monotonic() + 60
        while running.ask(facts.AT_REST) != [[True]]:
            assert time.monotonic() < deadline, "the traces did not come to rest"
            time.sleep(0.05)
        ((run_id,),) = running.ask("SELECT run_id FROM runs ORDER BY start_ns LIMIT 1")
        did, asked = effects.read_text(), len(models.requests)
        words = ["-m", "tellwhy", "replay", "--whole-process", run_id, "--"]
        done = subprocess.run(
            [sys.executable, *words, str(python), "-W", "ignore", scenario, runtime.form],
            env=variables
            | {
                "PYTHONPATH": os.environ.get("PYTHONPATH", str(environments.TRACER)),
                "TELLWHY_COLLECTOR_URL": running.url,
            },
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    assert "replay: IDENTICAL to run" in done.stdout, done.stdout + done.stderr[-3000:]
    assert 0 == done.returncode
    assert facts.task.ANSWER in first[-1]
    assert first == done.stdout.partition("replay: IDENTICAL")[0].splitlines()
    assert (did, asked) == (effects.read_text(), len(models.requests))
    assert {"get_weather", "check_stock", "pay"} == set(did.split())
