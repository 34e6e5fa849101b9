"""Where people, or an environment, say that runs went wrong: read for fitting only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple


class Mark(NamedTuple):
    """The truth about one run."""

    places: frozenset[int]
    """0-based places of messages any of which counts."""
    agent: str | None
    """Who is to blame, where that was marked."""
    group: str
    """Runs of the same task are never in training and test at the same time."""


def marks(data: Path) -> dict[tuple[str, str], Mark]:
    """Marks by set and name of the run."""
    return _who_and_when(data) | _agentrx(data) | _repair_sites(data)


def _who_and_when(data: Path) -> dict[tuple[str, str], Mark]:
    found = {}
    for path in sorted((data / "whoandwhen").glob("*/*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        place = frozenset({int(told["mistake_step"])})
        mark = Mark(place, told["mistake_agent"], str(told.get("question_ID", path.stem)))
        found[path.parent.name, path.stem] = mark
    return found


def _agentrx(data: Path) -> dict[tuple[str, str], Mark]:
    found = {}
    for path in sorted((data / "agentrx").glob("*.ground_truth.json")):
        name = path.name.removesuffix(".ground_truth.json")
        for row in json.loads(path.read_text(encoding="utf-8")):
            root = row["root_cause"]["failure_id"]
            steps = [f["step_number"] for f in row["failures"] if f["failure_id"] == root]
            run = str(row["trajectory_id"])
            if steps:
                group = f"retail {run}" if name.endswith("tau") else run
                found[name, run] = Mark(frozenset({steps[0] - 1}), None, group)
    return found


def _repair_sites(data: Path) -> dict[tuple[str, str], Mark]:
    path = data / "taubench" / "repair_sites.json"
    found = {}
    for row in json.loads(path.read_text(encoding="utf-8")) if path.exists() else ():
        places = frozenset(r["msg"] for r in row["repairs"] if r.get("msg") is not None)
        if places:
            mark = Mark(places, None, f"{row['domain']} {row['task_id']}")
            folder = f"tau_{row['domain']}"
            found[folder, f"{row['task_id']}_{row['trial']}"] = mark
            found[folder, str(row["task_id"])] = mark
    return found
