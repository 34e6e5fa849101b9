"""Claude Code as a scheduled job: `tellwhy run` around the real program, then its transcript."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import task

TELLWHY = [sys.executable, "-W", "ignore", "-m", "tellwhy"]
SERVER = Path(__file__).with_name("claude_code_server.py")


def program():
    """The Claude Code that was asked for; else the one that the Claude Agent SDK brings."""
    if "CLAUDE_CLI" in os.environ:
        return os.environ["CLAUDE_CLI"]
    import claude_agent_sdk

    return str(Path(claude_agent_sdk.__file__).parent / "_bundled" / "claude")


def named(step):
    """The script's *step* with the tools' names as Claude Code offers them."""
    calls = [[f"mcp__shop__{name}", given] for name, given in step.get("tools", ())]
    return {**step, "tools": calls} if calls else step


def words():
    """The command line."""
    script = json.dumps([named(step) for step in task.SCRIPT])
    servers = {"shop": {"command": sys.executable, "args": [str(SERVER)]}}
    return [
        program(),
        "-p", f"Buy a coat. <<script:{script}>>",
        "--output-format", "json",
        "--model", task.MODEL,
        "--session-id", task.SESSION,
        "--tools", "",
        "--mcp-config", json.dumps({"mcpServers": servers}),
        "--strict-mcp-config",
        "--allowedTools", "mcp__shop__get_weather,mcp__shop__check_stock",
        "--permission-prompt-tool", "mcp__shop__approve",
    ]  # fmt: skip


with tempfile.TemporaryDirectory() as folder:
    work = Path(folder, "work")
    work.mkdir()
    environment = os.environ | {
        "HOME": folder,
        "CLAUDE_CONFIG_DIR": f"{folder}/config",
        "TELLWHY_SPOOL_DIR": f"{folder}/spool",
        "ENABLE_TOOL_SEARCH": "false",
        "PYTHONPATH": os.environ["PYTHONPATH"],
    }
    job = [*TELLWHY, "run", "--schedule-name", "buy-coats", "--", *words()]
    done = subprocess.run(
        job,
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    subprocess.run([*TELLWHY, "import", "claude-code"], env=environment, check=True)
    print(json.loads(done.stdout)["result"])
