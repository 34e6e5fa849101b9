"""`tellwhy what-if`: which recorded decisions would flip with another model, or another prompt.

Every chosen request is asked again with the change; no agent runs, no tool does. A forecast comes
first, a cap on what is spent always. Read in this order: this file, `selection` (which requests),
`forecast`, `work` (asking), `printed`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import threading
from pathlib import Path
from typing import Any

from tellwhy._cli.asking import Asking, Silent
from tellwhy._cli.choosing import Unusable, add_choosing, is_one_way
from tellwhy._cli.what_if import printed
from tellwhy._cli.what_if.forecast import Prices, forecast_of
from tellwhy._cli.what_if.selection import chosen
from tellwhy._cli.what_if.work import Stopped, Work, done
from tellwhy._reask.asking import Asker
from tellwhy._reask.budget import Budget
from tellwhy._reask.kept import Kept, default
from tellwhy._reask.provider import NoProvider, Provider
from tellwhy._replay.edits import UnusableEdit, parsed
from tellwhy._replay.recording import UnusableRecording

NONE_FLIPPED, FLIPPED, NOT_ASKED, INCOMPLETE = 0, 1, 2, 3
"""Exit statuses."""


def run(argv: list[str]) -> int:
    """Ask recorded requests again with something changed.

    Returns:
        The exit status: 0 when no decision flipped (or only the forecast was wanted), 1 when one
        did, 2 when nothing could be asked, 3 when the budget ended first or requests failed.
    """
    parser = _parser()
    given = parser.parse_args(argv)
    if not is_one_way(given):
        parser.error("say which requests: RUN …, --sql or --last")
    if not (given.model or given.edit):
        parser.error("say what is to be different: --model or --edit")
    try:
        return _run(given)
    except (Silent, Unusable, UnusableEdit, UnusableRecording, NoProvider, OSError) as error:
        print(f"Nothing was asked: {error}", file=sys.stderr)
        if isinstance(error, Silent):
            print(f"  → {error.remedy}", file=sys.stderr)
        return NOT_ASKED


def _run(given: argparse.Namespace) -> int:
    asking = Asking.at(given.url)
    edits = edits_of(given.model, given.edit)
    wanted = chosen(asking, given, edits)
    if not wanted.tasks:
        raise Unusable(f"none of the requests can be asked again{printed.left_in_words(wanted)}")
    budget = Budget(given.max_cost_usd, given.max_calls)
    ending = threading.Event()
    kept = Kept(None) if given.ask_all else default()
    provider = Provider()
    asker = Asker(
        dict(os.environ),
        budget,
        Prices(asking, may_fail=True),
        kept,
        provider=provider,
        ending=ending,
    )
    forecast = forecast_of(asker, Prices(asking), wanted)
    print(printed.intended(wanted, edits))
    print(printed.forecast_in_words(forecast), flush=True)
    if given.max_cost_usd is None and given.max_calls is None:
        print(printed.how_to_ask(forecast))
        return NONE_FLIPPED
    if given.max_calls is None and forecast.unpriced and forecast.to_send:
        raise Unusable(
            f"there is no public price for {', '.join(forecast.unpriced)}, so --max-cost-usd cannot "
            "hold. Say --max-calls instead"
        )
    url = asking.collector_url if given.record else None
    work = Work(asker, wanted, given.parallel, url, ending, edits)
    try:
        return _ask(given, work, budget)
    finally:
        provider.close()


def _ask(given: argparse.Namespace, work: Work, budget: Budget) -> int:
    wanted = work.wanted
    try:
        outcome = done(work)
    except Stopped as stopped:
        print(printed.summary(stopped.outcome, budget, wanted, given), flush=True)
        return 130
    for line in printed.table(outcome, everything=given.all):
        print(line)
    print(printed.summary(outcome, budget, wanted, given), flush=True)
    if given.json is not None:
        text = json.dumps(
            printed.as_dict(outcome, budget, wanted, work.edits), ensure_ascii=False, indent=2
        )
        given.json.write_text(text + "\n", "utf-8")
    if outcome.not_asked or outcome.failed:
        return INCOMPLETE
    return FLIPPED if outcome.flipped else NONE_FLIPPED


def edits_of(model: str | None, path: Path | None) -> dict[str, Any]:
    """What is to be different: paths in the request, and values.

    Raises:
        UnusableEdit: The file holds none.
    """
    found: dict[str, Any] = {} if model is None else {"$.model": model}
    if path is None:
        return found
    try:
        said = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UnusableEdit(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise UnusableEdit(f"{path} is no JSON: {error}.") from error
    if not isinstance(said, dict) or not said:
        raise UnusableEdit(f"{path} is no JSON object of paths and values.")
    for name in said:
        parsed(name)
    return found | said


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tellwhy what-if",
        description="Ask recorded requests again with another model or something else changed, and say "
        "which decisions flip. No agent and no tool runs. Without --max-cost-usd or --max-calls only the "
        "forecast is made.",
    )
    add_choosing(parser)
    which = parser.add_argument_group("a sample of them")
    which.add_argument("--sample", type=_count, metavar="N", help="so many of them, by chance")
    which.add_argument(
        "--seed", type=int, default=0, metavar="N", help="another chance (default: 0)"
    )
    what = parser.add_argument_group("what is different")
    what.add_argument("--model", metavar="NAME", help="another model of the same wire format")
    what.add_argument(
        "--edit",
        type=Path,
        metavar="FILE",
        help="JSON object of paths such as $.system or $.tools[0].description, and values; null takes away",
    )
    what.add_argument(
        "--control",
        action="store_true",
        help="ask each request as it was as well, to see how often chance alone decides otherwise",
    )
    _add_cost(parser)
    return parser


def _add_cost(parser: argparse.ArgumentParser) -> None:
    cost = parser.add_argument_group("what it may cost")
    cost.add_argument(
        "--max-cost-usd", type=_money, metavar="USD", help="never spend more than this"
    )
    cost.add_argument("--max-calls", type=_count, metavar="N", help="never send more requests")
    cost.add_argument(
        "--parallel", type=_count, default=4, metavar="N", help="requests at once (default: 4)"
    )
    cost.add_argument(
        "--ask-all", action="store_true", help="ask again what was asked before, and keep nothing"
    )
    out = parser.add_argument_group("what comes of it")
    out.add_argument("--all", action="store_true", help="show decisions that stayed the same, too")
    out.add_argument("--json", type=Path, metavar="FILE", help="write everything there as JSON")
    out.add_argument(
        "--no-record",
        dest="record",
        action="store_false",
        help="do not send what came of it to the collector (view what_if_answers)",
    )
    out.add_argument(
        "--url", help="the collector's address (TELLWHY_COLLECTOR_URL; else where spans go)"
    )


def _money(text: str) -> float:
    try:
        money = float(text)
    except ValueError:
        money = math.nan
    if not 0 <= money < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of US dollars from 0 on")
    return money


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)
