"""Which recorded requests are asked again: named by run, by SQL, or by time."""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tellwhy._cli import asking
from tellwhy._cli.asking import Asking
from tellwhy._cli.recordings import recording_lines
from tellwhy._reask.requests import Left, Request, requests_of
from tellwhy._replay.edits import UnusableEdit, edited
from tellwhy._replay.recording import read

AGENT = "what-if"
"""Agent that the command is; its own requests are not asked again."""

MAX_REQUESTS = 100_000
"""Model calls that can be chosen from: the rows that a collector gives at once."""

RUNS_AT_ONCE = 500

UNITS = {"m": "minute", "h": "hour", "d": "day", "w": "week"}


class Unusable(Exception):  # noqa: N818 - says what it is
    """What was asked for cannot be done; says why."""


class Recorded(NamedTuple):
    """What the collector knows of a model call."""

    input_tokens: int | None
    output_tokens: int | None
    agent_name: str | None


@dataclass(slots=True)
class Task:
    """One request that is asked again."""

    request: Request
    body: dict[str, Any]
    """What is asked."""
    arm: str
    """``changed`` or ``control``."""
    recorded: Recorded


@dataclass(slots=True)
class Chosen:
    """What is asked again, and what cannot be."""

    tasks: list[Task] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)
    """Why -> how many."""
    found: int = 0
    """Model calls before a sample was taken."""

    @property
    def changed(self) -> list[Task]:
        """Those with something changed."""
        return [task for task in self.tasks if task.arm == "changed"]

    @property
    def runs(self) -> int:
        """From how many runs they come."""
        return len({task.request.run_id for task in self.tasks})


def chosen(asker: Asking, given: argparse.Namespace, edits: dict[str, Any]) -> Chosen:
    """The requests that the words of the command line name.

    Raises:
        Silent: The collector does not answer.
        Unusable: There are none.
    """
    calls = _calls(asker, given)
    if not calls:
        raise Unusable("no model call was found there")
    result = Chosen(found=len(calls))
    places = sorted(calls)
    if given.sample is not None and given.sample < len(places):
        places = sorted(random.Random(given.seed).sample(places, given.sample))  # noqa: S311 - no secret
    of_run: dict[str, set[str]] = {}
    for run_id, span_id in places:
        of_run.setdefault(run_id, set()).add(span_id)
    for run_id, span_ids in of_run.items():
        lines = b"".join(recording_lines(run_id, url=asker.collector_url, whole_process=False))
        found = requests_of(read(lines.decode().splitlines()), span_ids)
        for each in found:
            _add(result, each, calls, edits, control=given.control)
    return result


def _add(
    result: Chosen,
    each: Request | Left,
    calls: dict[tuple[str, str], Recorded],
    edits: dict[str, Any],
    *,
    control: bool,
) -> None:
    if isinstance(each, Left):
        result.left[each.why] += 1
        return
    try:
        body = edited(each.body, edits)
    except UnusableEdit as error:
        result.left[str(error)] += 1
        return
    recorded = calls[each.run_id, each.span_id]
    result.tasks.append(Task(each, body, "changed", recorded))
    if control:
        result.tasks.append(Task(each, each.body, "control", recorded))


def _calls(asker: Asking, given: argparse.Namespace) -> dict[tuple[str, str], Recorded]:
    """Run and step of the model calls that are meant."""
    if given.last:
        where, params = _last(given.last, given.agent)
        return _of(asking.records(asker, _CALLS + where, params, max_rows=MAX_REQUESTS))
    steps: set[tuple[str, str]] | None = None
    runs: Sequence[str] = given.run
    if given.sql:
        rows = asking.records(asker, given.sql, max_rows=MAX_REQUESTS)
        if rows and "run_id" not in rows[0]:
            raise Unusable(
                f"the statement gives {', '.join(rows[0])} and no run_id. Select run_id, or run_id and span_id"
            )
        runs = list(dict.fromkeys(str(row["run_id"]) for row in rows))
        if rows and "span_id" in rows[0]:
            steps = {(str(row["run_id"]), str(row["span_id"])) for row in rows}
    found: dict[tuple[str, str], Recorded] = {}
    for at in range(0, len(runs), RUNS_AT_ONCE):
        part = runs[at : at + RUNS_AT_ONCE]
        where = f" AND run_id IN ({', '.join('?' * len(part))})"
        found |= _of(asking.records(asker, _CALLS + where, part, max_rows=MAX_REQUESTS))
    return found if steps is None else {key: found[key] for key in steps & found.keys()}


def _of(rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str], Recorded]:
    return {
        (row["run_id"], row["span_id"]): Recorded(
            row["input_tokens"], row["output_tokens"], row["agent_name"]
        )
        for row in rows
    }


def _last(text: str, agent: str | None) -> tuple[str, list[Any]]:
    found = re.fullmatch(r"(\d{1,6})\s*([mhdw])", text)
    if found is None:
        raise Unusable(f"--last {text} is no time. Write it like 7d, 12h or 30m")
    where = f" AND start_time > now()::timestamp - interval {int(found[1])} {UNITS[found[2]]}"
    if agent is None:
        return where, []
    return f"{where} AND agent_name = ?", [agent]


_CALLS = f"""
    SELECT run_id, span_id, agent_name, input_tokens, output_tokens FROM model_calls
    WHERE status = 'ok' AND agent_name IS DISTINCT FROM '{AGENT}'
"""  # noqa: S608 - a name of ours
