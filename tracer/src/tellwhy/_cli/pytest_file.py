"""A recorded run as a test that stands alone: the recording beside it, replayed, and its decisions.

What is written is meant to be read and changed: the call of the agent is plain code.
"""

from __future__ import annotations

import json
import keyword
import pprint
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tellwhy._replay.recording import Recording, UnusableRecording

TEST = '''"""{agent}, as it worked in run {run_id} ({day}).

Written by `tellwhy export pytest`. Models and tools answer from the recording beside this file: nothing is
sent, no tool runs. Fails with the first place where the agent asks for something else.
"""

from pathlib import Path

{imports}
import tellwhy
from tellwhy import testing

RECORDING = Path(__file__).with_name({recording!r})

DECISIONS = {decisions}
"""What the model chose, call by call."""


def test_{name}_decides_as_recorded():
    """The same questions, the same choices, offline."""
    with testing.recording() as recorded, tellwhy.replaying(RECORDING{options}) as verdict:
        {call}

    assert verdict.identical, str(verdict)
    assert DECISIONS == recorded.decisions()
'''


def written(
    recording: Recording, folder: Path, lines: bytes, called: str | None = None
) -> tuple[Path, Path]:
    """Write a test and its recording into *folder*; gives both.

    Args:
        recording: What *lines* say.
        folder: Where to; it is made when it is missing.
        lines: The recording as it was fetched.
        called: ``module:function`` of the agent, where the recording does not know it.

    Raises:
        UnusableRecording: Nobody says which function to call, or with what.
    """
    agent = str(recording.head.get("agent_name") or "agent")
    name = _word(agent)
    stem = f"{name}_{recording.run_id[:8]}"
    imports, call, options = _call(recording, called)
    text = TEST.format(
        agent=agent,
        run_id=recording.run_id,
        day=f"{datetime.fromtimestamp(recording.head['start_ns'] / 1e9, UTC):%Y-%m-%d}",
        imports=imports,
        recording=f"{stem}.jsonl",
        decisions=pprint.pformat(recording.decisions, width=96, sort_dicts=False),
        name=name,
        options=options,
        call=call,
    )
    folder.mkdir(parents=True, exist_ok=True)
    test, data = folder / f"test_{stem}.py", folder / f"{stem}.jsonl"
    test.write_text(text, "utf-8")
    data.write_bytes(lines)
    return test, data


def _call(recording: Recording, called: str | None) -> tuple[str, str, str]:
    """Imports, the statement that calls the agent, and options of the replay."""
    entry = recording.entry
    if entry is None:
        raise UnusableRecording(
            f"Run {recording.run_id} does not begin with a function that is decorated with "
            "@tellwhy.agent. Replay it with `tellwhy replay`, or export one that does."
        )
    if "unkept" in entry:
        raise UnusableRecording(
            f"The arguments of {entry['function']} cannot be written down: {entry['unkept']}."
        )
    module, _, path = (called or entry["function"]).partition(":")
    options = ""
    if module == "__main__":
        module = Path(entry["file"]).stem
        options = f", main={module!r}"
    if "." in path and called is None:
        raise UnusableRecording(
            f"{module}:{path} is a method, and its object is not recorded. Say --call module:function, "
            "with a function that makes the object and calls it."
        )
    if "<" in path or not all(map(_is_name, [*module.split("."), *path.split(".")])):
        raise UnusableRecording(
            f"{module}:{path} cannot be imported. Say --call module:function, where the agent can be "
            "called from."
        )
    values = entry["arguments"]
    given = ", ".join(_argument(name, value) for name, value in values.items())
    if _has_marks(values):
        # Dates, data classes and the like: as they were kept.
        given = f"**testing.rebuilt({json.dumps(values, ensure_ascii=False)!r}, main={module!r})"
    return f"import {module}", f"testing.finished({module}.{path}({given}))", options


def _argument(name: str, value: Any) -> str:
    return f"{name}={value!r}" if _is_name(name) else f"**{ {name: value}!r}"


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _has_marks(value: Any) -> bool:
    if isinstance(value, dict):
        return "$" in value or any(map(_has_marks, value.values()))
    return isinstance(value, list) and any(map(_has_marks, value))


def _word(text: str) -> str:
    """*text* as part of a Python name."""
    return re.sub(r"\W+", "_", text).strip("_").lower() or "agent"
