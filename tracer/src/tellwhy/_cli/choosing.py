"""Which recorded model calls a command works on: named by run, by SQL, or by time."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from tellwhy._cli import asking
from tellwhy._cli.asking import Asking

WHAT_IF = "what-if"
"""Agent that `tellwhy what-if` is; its own requests are never chosen."""

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


def add_choosing(parser: argparse.ArgumentParser) -> None:
    """The words that name model calls."""
    which = parser.add_argument_group("which model calls")
    which.add_argument("run", nargs="*", metavar="RUN", help="all of these runs")
    which.add_argument(
        "--sql",
        metavar="SELECT",
        help="those of the column run_id, or of run_id and span_id, that this gives",
    )
    which.add_argument("--last", metavar="TIME", help="those of the last 7d, 12h or 30m")
    which.add_argument("--agent", metavar="NAME", help="with --last: of this agent alone")


def is_one_way(given: argparse.Namespace) -> bool:
    """Whether they are named in one of the three ways."""
    return sum(map(bool, (given.run, given.sql, given.last))) == 1


def model_calls(asker: Asking, given: argparse.Namespace) -> dict[tuple[str, str], Recorded]:
    """Run and step of the model calls that are meant, with what was counted of them.

    Raises:
        Silent: The collector does not answer, or has too many.
        Unusable: The words name none that way.
    """
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
    WHERE status = 'ok' AND agent_name IS DISTINCT FROM '{WHAT_IF}'
"""  # noqa: S608 - a name of ours
