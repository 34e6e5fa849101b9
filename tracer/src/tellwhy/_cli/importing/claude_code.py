"""`tellwhy import claude-code`: the transcripts of Claude Code."""

from __future__ import annotations

import os
from pathlib import Path

from tellwhy._cli.importing import reading
from tellwhy._transcripts.claude_code import AGENT, Transcript
from tellwhy._transcripts.claude_steps import ToolUse


def run(argv: list[str]) -> int:
    """Send the transcripts of Claude Code, which hold what its telemetry leaves out: thinking, the exact
    requests, what tools gave back, permission decisions, subagents. What telemetry has told of a
    call and what its transcript tells become one step.
    """
    home = Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude") / "projects"
    seen: dict[str, str] = {}
    spawned: dict[str, ToolUse] = {}
    return reading.run(
        argv,
        prog="tellwhy import claude-code",
        about=" ".join(str(run.__doc__).split()),
        service=AGENT,
        home=home,
        pattern="*.jsonl",
        reader=lambda path: Transcript(str(path), seen, spawned),
    )
