"""`tellwhy import codex`: the rollouts of codex."""

from __future__ import annotations

import os
from pathlib import Path

from tellwhy._cli.importing import reading
from tellwhy._transcripts.codex import AGENT, Rollout


def run(argv: list[str]) -> int:
    """Send the rollouts of codex, which hold what its log events leave out: reasoning, what the model
    was asked and answered. What events have told of a call and what its rollout tells become one
    step.
    """
    home = Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex") / "sessions"
    return reading.run(
        argv,
        prog="tellwhy import codex",
        about=" ".join(str(run.__doc__).split()),
        service=AGENT,
        home=home,
        pattern="rollout-*.jsonl",
        reader=lambda _: Rollout(),
    )
