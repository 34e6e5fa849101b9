"""The examples of scheduled jobs with the real programs: the shell script as it stands, offline."""

import json
import os
import subprocess
import sys
import time

import environments
import pytest

from tellwhy._model_server import serve

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]

CODEX = [
    {"think": "I look.", "text": "Looking.", "tools": [["exec_command", {"cmd": "ls"}]]},
    {"text": "It is empty."},
]
CLAUDE = [{"think": "No need to look.", "text": "A folder."}]
CONFIG = """
model = "gpt-5.5"
model_provider = "scripted"
approval_policy = "never"
sandbox_mode = "danger-full-access"

[model_providers.scripted]
name = "scripted"
base_url = "{models}/v1"
wire_api = "responses"
env_key = "OPENAI_API_KEY"
"""


@pytest.fixture
def run_example(collector, tmp_path):
    """Run a script of examples/ with *program* on its path; what it printed, and how to ask on."""

    def run(script, name, program, steps):
        running = collector()
        places = [tmp_path / each for each in ("bin", "home", "home/.codex", "work")]
        for place in places:
            place.mkdir()
        commands = {name: f'"{program}"', "tellwhy": f'"{sys.executable}" -W ignore -m tellwhy'}
        for each, command in commands.items():
            file = places[0] / each
            file.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
            file.chmod(0o755)
        with serve() as models:
            models.prepare = lambda _, body: scripted(body, steps)
            (places[2] / "config.toml").write_text(CONFIG.format(models=models.url))
            variables = environments.variables(running.url, models.url) | {
                "HOME": str(places[1]),
                "PATH": f"{places[0]}:{os.environ['PATH']}",
                "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
                "TELLWHY_COLLECTOR_URL": running.url,
                "TELLWHY_SPOOL_DIR": str(tmp_path / "spool"),
            }
            done = subprocess.run(
                ["sh", str(environments.ROOT / "examples" / script)],
                cwd=places[3],
                env=variables,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout, running.ask

    return run


def within_a_minute(ask, sql):
    """Expect that *sql* is true: the script asks at once, and what was imported is joined a moment later."""
    end = time.monotonic() + 60
    while ask(sql) != [[True]]:
        assert time.monotonic() < end, ask("SELECT chosen, action, stated_reason FROM decisions")
        time.sleep(0.2)


def scripted(body, steps):
    """*body* with the script in what its first message of the user says, wherever that stands."""
    text = f" <<script:{json.dumps(steps)}>>"
    for message in body.get("messages") or body.get("input") or []:
        content = message.get("content") if message.get("role") == "user" else None
        if isinstance(content, str):
            message["content"] = content + text
        elif content and "text" in content[-1]:
            content[-1]["text"] += text
        if content:
            break
    return body


NIGHTS = {
    "codex": ("scheduled_codex.sh", lambda: environments.codex("0.169.0"), CODEX),
    "claude": ("scheduled_claude_code.sh", lambda: environments.claude_code("2.1.197"), CLAUDE),
}
"""Program -> the script of its job, where it comes from, and what its model says."""

DECIDED = {
    "codex": "chosen = 'exec_command' AND contains(stated_reason, 'I look.')",
    "claude": "action = 'answer' AND contains(stated_reason, 'No need to look.')",
}
"""Program -> its one decision, with what was thought before it."""


@pytest.mark.parametrize("name", NIGHTS)
def test_a_job_of_every_night(run_example, name):
    """How it ended, and each decision with what was thought before it."""
    script, program, steps = NIGHTS[name]
    said, ask = run_example(script, name, program(), steps)

    for words in ("completed", "succeeded", "stated_reason"):
        assert words in said, said
    within_a_minute(ask, f"SELECT count(*) = 1 FROM decisions WHERE {DECIDED[name]}")
