"""Claude Code behind the recording proxy, and on its recording: the real program, both versions."""

import json
import subprocess
import sys

import environments
import pytest

from tellwhy._model_server import serve

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]

BUNDLED = "as the Claude Agent SDK brings it"


def program(version):
    """The program Claude Code."""
    if version != BUNDLED:
        return environments.claude_code(version)
    home = environments.python_of("agent-sdk").parents[1]
    return next(home.glob("lib/python*/site-packages/claude_agent_sdk/_bundled/claude"))


@pytest.mark.parametrize("version", ["2.1.197", BUNDLED])
def test_claude_code_is_replayed_and_told_where_a_file_has_changed(collector, tmp_path, version):
    """Identical while the file that it reads is the same; then its result is the first divergence."""
    file, home = tmp_path / "a.txt", tmp_path / "home"
    file.write_text("hello\n")
    home.mkdir()
    script = [{"tools": [["Read", {"file_path": str(file)}]]}, {"text": "It says hello."}]
    prompt = f"Read it. <<script:{json.dumps(script)}>>"
    words = ["--", str(program(version)), "-p", prompt, "--output-format", "json"]
    running = collector()

    def tellwhy(*command):
        return subprocess.run(
            [sys.executable, "-m", "tellwhy", *command, *words, "--model", "claude-sonnet-4-5"],
            env=variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    with serve() as models:
        variables = environments.variables(running.url, models.url)
        variables |= {"PYTHONPATH": ":".join(sys.path), "HOME": str(home), "IS_SANDBOX": "1"}
        recorded = tellwhy("record")
        run_id = recorded.stderr.partition("recorded run ")[2].partition(":")[0]
        assert run_id, recorded.stdout + recorded.stderr
        asked = len(models.requests)
        same = tellwhy("replay", "--proxy", run_id)
        file.write_text("bye\n")
        other = tellwhy("replay", "--proxy", run_id)

        assert asked == len(models.requests)
    assert (0, 0, 1) == (recorded.returncode, same.returncode, other.returncode), same.stdout
    assert "It says hello." in same.stdout
    assert f"{asked} of {asked} model calls were served" in same.stdout
    divergence = other.stdout.partition("first divergence")[2].partition("later")[0]
    assert "hello" in divergence, other.stdout
    assert "bye" in divergence
