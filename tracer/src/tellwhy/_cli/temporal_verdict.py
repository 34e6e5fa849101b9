"""What came of replaying one Temporal history, out of the words in which Temporal tells it. Pure.

Source:
    ``WorkflowReplayResult.replay_failure`` of temporalio 1.35: why a replay failed stands in the words
    of the error alone, as Rust's debug text of a ``Failure``.
"""

from __future__ import annotations

import linecache
import os
import re
from dataclasses import dataclass
from pathlib import Path

_MESSAGE = re.compile(r'message: "((?:[^"\\]|\\.)*)"')
_EVENT = re.compile(r"HistoryEvent\(id: (\d+), (\w+)\)")
_FRAME = re.compile(r'File \\?"([^"\\]+)\\?", line (\d+), in (\w+)')
_MACHINE = re.compile(
    r"(?:error: |^)(\w[\w ]*?) ?machine does not handle this event", re.IGNORECASE
)


@dataclass(slots=True)
class HistoryVerdict:
    """Whether the code did what a history holds; of what is not known the text is empty."""

    workflow_type: str
    workflow_id: str
    run_id: str
    identical: bool = True
    event_id: int | None = None
    """Number of the event at which the code did something else; None where Temporal does not say."""
    event_type: str = ""
    """What that event is, such as ``TimerStarted``."""
    did: str = ""
    """What the code did instead, such as ``Activity``."""
    place: str = ""
    """``file:line in function: source`` where the code raised."""
    message: str = ""
    """What Temporal says."""

    def __str__(self) -> str:
        """In lines, for a terminal."""
        which = f"{self.workflow_type} {self.workflow_id} (run {self.run_id})"
        if self.identical:
            return f"replay: IDENTICAL to {which}"
        lines = [f"replay: DIVERGED from {which}", "", "first divergence"]
        if self.event_type:
            lines.append(f"  recorded there: event {self.event_id}, {self.event_type}")
        if self.did:
            lines.append(f"  the code did instead: {self.did}")
        if self.place:
            lines += [f"  at {self.place}", "  the code raised there"]
        return "\n".join([*lines, f"  Temporal says: {self.message}"])


def judge(verdict: HistoryVerdict, failure: str) -> None:
    """Fill in *verdict* from the words of a *failure*."""
    said = _MESSAGE.search(failure)
    verdict.identical = False
    verdict.message = said[1].replace('\\"', '"').replace("\\n", "\n") if said else failure
    event, machine = _EVENT.search(verdict.message), _MACHINE.search(verdict.message)
    if event:
        verdict.event_id, verdict.event_type = int(event[1]), event[2]
    if event and machine:
        verdict.did = machine[1]
    frames = [each for each in _FRAME.findall(failure) if "temporalio" not in Path(each[0]).parts]
    if frames:
        file, number, function = frames[-1]
        code = linecache.getline(file, int(number)).strip()
        verdict.place = f"{os.path.relpath(file)}:{number} in {function}: {code}"
