"""From rows of a collector to predictions in the form that the scorers take."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from categories import TRAIL
from sets import Recording, recordings

from tellwhy_collector.testing import collector, rows, send, wait_until_explained

AT_ONCE = 40
"""Runs in one collector: its database stays small, and a run that fails is soon seen."""

WAIT_S = 1_800

SUSPECTS = """
    SELECT u.trace_id, u.span_id, u.share, s.agent_name
    FROM suspects u JOIN steps s ON s.trace_id = u.trace_id AND s.span_id = u.span_id
    ORDER BY u.trace_id, u.rank
"""
FINDINGS = "SELECT trace_id, span_id, rule FROM findings WHERE made_by = 'tellwhy'"

_ASIDE = re.compile(r"\s*\(.*\)\s*$")
"""Magentic-One writes what a message is for behind its speaker: ``Orchestrator (thought)``."""


class Suspect(NamedTuple):
    """One row of ``suspects``."""

    span_id: str
    share: float
    agent: str


class Seen(NamedTuple):
    """What the collector says of one run."""

    recording: Recording
    suspects: list[Suspect]
    """The most suspect first."""
    findings: list[tuple[str, str]]
    """Span id and rule."""


def explained(data: Path, scratch: Path) -> list[Seen]:
    """Every run of the folder *data* as a real collector explains it.

    Args:
        data: See `sets`.
        scratch: An empty folder for databases.
    """
    waiting: list[Recording] = []
    found: list[Seen] = []
    for recording in recordings(data):
        waiting.append(recording)
        if len(waiting) >= AT_ONCE:
            found += _explained(waiting, scratch / str(len(found)))
            waiting = []
    return found + _explained(waiting, scratch / "last")


def _explained(some: Sequence[Recording], folder: Path) -> list[Seen]:
    folder.mkdir()
    suspects: dict[str, list[Suspect]] = {}
    findings: dict[str, list[tuple[str, str]]] = {}
    with collector(folder) as running:
        for one in some:
            answer = send(f"{running.http_url}/v1/traces", one.body, one.content_type)
            if answer.status != 200:
                raise SystemExit(
                    f"{one.folder}/{one.name} was answered {answer.status}: {answer.body!r}"
                )
        wait_until_explained(running.store, WAIT_S)
        for trace_id, span_id, share, agent in rows(running.store, SUSPECTS):
            suspects.setdefault(trace_id, []).append(Suspect(span_id, share, agent or ""))
        for trace_id, span_id, rule in rows(running.store, FINDINGS):
            findings.setdefault(trace_id, []).append((span_id, rule))
    return [Seen(o, suspects.get(o.trace_id, []), findings.get(o.trace_id, [])) for o in some]


def predictions(seen: Iterable[Seen]) -> dict[str, dict[str, Any]]:
    """Predictions by the name of their scorer: ``trail``, ``whoandwhen``, ``agentrx``, ``tau``."""
    found: dict[str, dict[str, Any]] = {"trail": {}, "whoandwhen": {}, "agentrx": {}, "tau": {}}
    for one in seen:
        folder, name = one.recording.folder, one.recording.name
        if folder.startswith("trail_"):
            found["trail"][name] = located(one)
        elif folder.startswith("ww_"):
            found["whoandwhen"][f"{folder}/{name}"] = guilty(one)
        elif folder.startswith("agentrx_"):
            places = ranked(one)
            if places:
                found["agentrx"][f"{folder}/{name}"] = {"step": places[0] + 1}
        elif folder.startswith("tau_"):
            domain = folder.removeprefix("tau_")
            found["tau"][f"{domain}/{name}"] = ranked(one)
            # Some runs are named without their trial in the scorer's list.
            found["tau"].setdefault(f"{domain}/{name.partition('_')[0]}", ranked(one))
    return found


def located(one: Seen) -> list[dict[str, str]]:
    """Category and span of each finding whose rule stands for a category."""
    pairs = {(span, category) for span, rule in one.findings for category in TRAIL.get(rule, ())}
    return [{"location": span, "category": category} for span, category in sorted(pairs)]


def guilty(one: Seen) -> dict[str, Any]:
    """The agent whose calls are most suspect together, and the place of the most suspect call."""
    places = ranked(one)
    if not places:
        return {}
    shares: Counter[str] = Counter()
    for suspect in one.suspects:
        shares[_ASIDE.sub("", suspect.agent)] += suspect.share  # type: ignore[assignment]
    return {"agent": shares.most_common(1)[0][0], "step": places[0]}


def ranked(one: Seen) -> list[int]:
    """0-based places of the suspects in the chat, the most suspect first."""
    places = one.recording.places
    return [places[s.span_id] for s in one.suspects if s.span_id in places]
