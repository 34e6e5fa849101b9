"""Which recorded requests are asked again, and with what in place of them."""

from __future__ import annotations

import argparse
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tellwhy._cli.asking import Asking
from tellwhy._cli.choosing import Recorded, Unusable, model_calls
from tellwhy._cli.recordings import recording_lines
from tellwhy._reask.requests import NOT_KEPT, Left, Request, requests_of
from tellwhy._replay.edits import UnusableEdit, edited
from tellwhy._replay.recording import read


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
    calls = model_calls(asker, given)
    if not calls:
        raise Unusable("no model call was found there")
    result = Chosen(found=len(calls))
    places = sorted(calls)
    if given.sample is None or given.sample >= len(places):
        _take(result, places, asker, calls, edits, control=given.control)
        return result
    random.Random(given.seed).shuffle(places)  # noqa: S311 - no secret
    while places and (wanted := given.sample - len(result.changed)) > 0:
        # What cannot be asked again makes room for another one.
        drawn, places = sorted(places[:wanted]), places[wanted:]
        _take(result, drawn, asker, calls, edits, control=given.control)
    return result


def _take(
    result: Chosen,
    places: list[tuple[str, str]],
    asker: Asking,
    calls: dict[tuple[str, str], Recorded],
    edits: dict[str, Any],
    *,
    control: bool,
) -> None:
    """Add the requests at *places* (run and step), or why they cannot be asked again."""
    of_run: dict[str, set[str]] = {}
    for run_id, span_id in places:
        of_run.setdefault(run_id, set()).add(span_id)
    for run_id, span_ids in of_run.items():
        lines = b"".join(recording_lines(run_id, url=asker.collector_url, whole_process=False))
        missing = set(span_ids)
        for each in requests_of(read(lines.decode().splitlines()), span_ids):
            missing.discard(each.span_id)
            _add(result, each, calls, edits, control=control)
        if missing:  # other tracers told of them, and no recording has them
            result.left[NOT_KEPT] += len(missing)


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
