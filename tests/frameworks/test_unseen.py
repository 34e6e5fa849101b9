"""Model calls that no hook is for: they are missing, and the doctor says so with the way out."""

import os
import subprocess

import environments
import pytest

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]

SAYS = {
    "requests": "Model calls that the program itself makes with requests are not seen.",
    "aiohttp": "Model calls that the program itself makes with aiohttp are not seen.",
}
REMEDY = "Make them with the anthropic or openai package; base_url takes any compatible server."


@pytest.mark.parametrize("library", SAYS)
def test_the_doctor_names_what_is_not_seen(ask_after, library):
    """The run is there and its model call is not, as the doctor of that environment says."""
    ask = ask_after("others", "run_unseen.py", library)
    assert [["clerk", "succeeded", 0]] == ask("SELECT agent_name, status, model_calls FROM runs")

    variables = environments.variables("http://127.0.0.1:9") | {"COLUMNS": "200"}
    done = subprocess.run(
        [str(environments.python_of("others")), "-m", "tellwhy", "doctor"],
        env=variables | {"PYTHONPATH": os.fspath(environments.TRACER)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    lines = [line.strip() for line in done.stdout.splitlines()]
    at = next(at for at, line in enumerate(lines) if line.endswith(SAYS[library]))
    assert lines[at + 1].endswith(REMEDY), done.stdout
