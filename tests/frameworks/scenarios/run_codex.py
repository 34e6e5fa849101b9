"""codex as a scheduled job: `tellwhy run` around the real program, then its rollout."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import task

TELLWHY = [sys.executable, "-W", "ignore", "-m", "tellwhy"]
SCRIPT = [
    {"think": task.THOUGHT, "text": "Looking.", "tools": [["exec_command", {"cmd": "echo dry"}]]},
    {
        "tools": [["exec_command", {"cmd": "ls /no-such-folder"}]],
        "error": {"status": 500, "times": 1},
    },
    {"text": task.ANSWER},
]
"""A command that works, an answer that takes two attempts, a command that fails."""

CONFIG = """
model = {model}
model_provider = "scripted"
approval_policy = "never"
sandbox_mode = "danger-full-access"

[model_providers.scripted]
name = "scripted"
base_url = {models}
wire_api = "responses"
env_key = "OPENAI_API_KEY"
request_max_retries = 4

[otel]
log_user_prompt = true
exporter = {{ otlp-http = {{ endpoint = {logs}, protocol = "binary" }} }}
"""


with tempfile.TemporaryDirectory() as folder:
    home = Path(folder, "home")
    home.mkdir()
    values = {
        "model": task.OPENAI_MODEL,
        "models": os.environ["OPENAI_BASE_URL"],
        "logs": f"{os.environ['TELLWHY_ENDPOINT']}/v1/logs",
    }
    quoted = {name: json.dumps(value) for name, value in values.items()}
    (home / "config.toml").write_text(CONFIG.format(**quoted))
    environment = os.environ | {
        "HOME": folder,
        "CODEX_HOME": str(home),
        "TELLWHY_SPOOL_DIR": f"{folder}/spool",
    }
    question = f"Is the bed dry? <<script:{json.dumps(SCRIPT)}>>"
    words = [os.environ["CODEX_CLI"], "exec", "--json", "--skip-git-repo-check", question]
    done = subprocess.run(
        [*TELLWHY, "run", "--schedule-name", "nightly-bed", "--", *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    subprocess.run([*TELLWHY, "import", "codex"], env=environment, check=True)
    items = [json.loads(line).get("item", {}) for line in done.stdout.splitlines()]
    print([item["text"] for item in items if item.get("type") == "agent_message"][-1])
