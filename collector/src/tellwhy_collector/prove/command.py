"""The command line of `tellwhy prove`."""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
from dataclasses import replace
from typing import Any

from tellwhy_collector.asking import asking, collector_url, of_providers
from tellwhy_collector.errors import SettingsError
from tellwhy_collector.explain import wanted_run
from tellwhy_collector.prove import printed
from tellwhy_collector.prove.budget import Budget, Forecast, forecast
from tellwhy_collector.prove.drawing import Row
from tellwhy_collector.prove.items import KINDS, Item
from tellwhy_collector.prove.proof import PARALLEL, SAMPLES, Wish, prove
from tellwhy_collector.prove.provider import provider_for
from tellwhy_collector.prove.recorded import Recorded, forced, read
from tellwhy_collector.shell.client import Client
from tellwhy_collector.shell.errors import Refused, ShellError, Usage
from tellwhy_collector.shell.table import visible

MAX_CALLS = 200
MAX_COST_USD = 1.0
WIDTH = 100
"""Columns where there is no terminal."""

_CACHED = """
    SELECT request_sha256, stage, status, choices, error FROM proof_calls
    WHERE trace_id = ? AND span_id = ? ORDER BY time, request_sha256
"""


def run(argv: list[str]) -> int:
    """Test what a decision depended on.

    Returns:
        0 it was tested, whatever was found; 1 there is no such decision, or it cannot be asked again,
        or nobody agreed; 2 the command line is wrong; 3 no collector answers; 4 it stopped early.
    """
    try:
        given = _parser().parse_args(argv)
    except SystemExit as end:  # argparse has said why; --help ends with 0
        return int(end.code or 0)
    try:
        return _prove(given)
    except ShellError as error:
        sys.stdout.flush()
        sys.stderr.write(visible(f"tellwhy prove: {error}") + "\n")
        return error.code
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. Answers are kept: the same command goes on from here.\n")
        return 130


def _prove(given: argparse.Namespace) -> int:
    client = _client(given.url)
    recorded = read(client, wanted_run(client, given.run), given.step)
    if given.model:
        recorded = replace(recorded, model=given.model, body=recorded.body | {"model": given.model})
    if (tool := forced(recorded.body)) and not given.same_arguments:
        raise Refused(
            f"The request forces the model to call {tool!r} (tool_choice), so nothing else in it led there. "
            "Test its arguments, with --same-arguments."
        )
    items = [item for item in recorded.wire.items(recorded.body) if item.kind in given.items]
    if not items:
        raise Refused(f"The request has nothing of {', '.join(given.items)} that can be left out.")
    needed = forecast(
        recorded,
        [item.kind for item in items],
        said=given.replace,
        other_model=given.model is not None,
    )
    budget = _budget(given, recorded, needed)
    shown = _forecast(recorded, items, needed, budget)
    if given.estimate:
        _estimate(given, recorded, items, needed, shown)
        return 0
    provider = provider_for(
        recorded.wire, recorded.headers, recorded.host, given.base_url, of_providers()
    )
    names = {"run_id": recorded.run_id, "span_id": recorded.span_id, "proof_id": "may-it-be-stored"}
    client.post("/api/causes", names)  # before money is spent
    _agree(shown, given)
    wish = Wish(given.samples, given.parallel, given.same_arguments, given.replace)
    told = prove(
        recorded,
        items,
        provider,
        budget,
        wish,
        cached=_cached(client, recorded),
        store=lambda body: client.post("/api/causes", body),
    )
    if given.json:
        sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH
        sys.stdout.write("".join(f"{line}\n" for line in printed.page(recorded, told, width)))
    return 4 if told["proof"]["reason"] else 0


def _cached(client: Client, recorded: Recorded) -> list[Row]:
    reply = client.sql(_CACHED, [recorded.trace_id, recorded.span_id], max_rows=100_000)
    found = json.loads(reply.body)
    names = ("request_sha256", "stage", "status", "choices", "error")
    return [dict(zip(names, row, strict=True)) for row in found["rows"]]


def _budget(given: argparse.Namespace, recorded: Recorded, needed: Forecast) -> Budget:
    if needed.worst_usd is None:
        if given.max_calls is None or given.max_cost_usd is not None:
            raise Usage(
                f"The price of {recorded.model!r} is not known, so --max-cost-usd cannot be kept. Limit "
                "the calls alone, with --max-calls."
            )
        return Budget(recorded, given.max_calls, None, None)
    calls = MAX_CALLS if given.max_calls is None else given.max_calls
    most = MAX_COST_USD if given.max_cost_usd is None else given.max_cost_usd
    return Budget(recorded, calls, most, needed.worst_usd)


def _forecast(recorded: Recorded, items: list[Item], needed: Forecast, budget: Budget) -> str:
    usual = min(needed.usual, budget.max_calls)
    few = min(needed.few, usual)
    text = (
        f"{recorded.model} would be asked decision {recorded.number} again, with {len(items)} items to "
        f"leave out: {few} to {usual} calls if it is steady, at most {budget.max_calls}"
    )
    if needed.call_usd is None:
        return f"{text}, at a price that is not known."
    about = f"${few * needed.call_usd:.4f} to ${usual * needed.call_usd:.4f}"
    return (
        f"{text}; about {about} (${needed.call_usd:.4f} a call, ${needed.worst_usd:.4f} at most), and never "
        f"more than ${budget.max_cost_usd:g}."
    )


def _estimate(
    given: argparse.Namespace,
    recorded: Recorded,
    items: list[Item],
    needed: Forecast,
    shown: str,
) -> None:
    if given.json:
        found: dict[str, Any] = {
            "run_id": recorded.run_id,
            "decision_id": recorded.decision_id,
            "model": recorded.model,
            "items": [
                {"kind": item.kind, "label": item.label, "path": item.where} for item in items
            ],
            **needed._asdict(),
        }
        sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=2) + "\n")
        return
    lines = [shown, "Nothing was sent.", ""]
    lines += [f"{item.kind:13} {item.label}" for item in items]
    sys.stdout.write("".join(f"{visible(line)}\n" for line in lines))


def _agree(shown: str, given: argparse.Namespace) -> None:
    """Go on when the person says so.

    Raises:
        Usage: There is nobody to ask.
        Refused: Nobody agreed.
    """
    if given.yes:
        sys.stderr.write(visible(shown) + "\n")
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Usage(f"{shown} Nobody can be asked here: add --yes, or --estimate.")
    sys.stderr.write(f"{visible(shown)} No tool is run. Go on? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise Refused("Not asked. Nothing was sent and nothing was spent.")


def _client(url: str | None) -> Client:
    try:
        return Client(url or collector_url(), asking("review"))
    except SettingsError as error:
        raise Usage(str(error)) from None


def _kinds(text: str) -> list[str]:
    found = [kind.strip() for kind in text.split(",") if kind.strip()]
    unknown = [kind for kind in found if kind not in KINDS]
    if unknown or not found:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(KINDS)}")
    return found


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def _money(text: str) -> float:
    try:
        money = float(text)
    except ValueError:
        money = math.nan
    if not 0 <= money < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of US dollars from 0 on")
    return money


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tellwhy prove",
        description="Test what a decision depended on: its model is asked again, as it was recorded and "
        "with things of the request left out, until it is clear. It costs money, says before how much, "
        "and runs no tool. Keys: ANTHROPIC_API_KEY or OPENAI_API_KEY. The collector's token: "
        "TELLWHY_REVIEW_TOKEN, or TELLWHY_ADMIN_TOKEN.",
    )
    parser.add_argument("run", metavar="RUN", help="id of a run, how it begins, or: last")
    parser.add_argument(
        "step",
        metavar="STEP",
        help="a decision of it: its number from 1, its decision_id, or the span_id of its step",
    )
    parser.add_argument(
        "--url", help="the collector (TELLWHY_COLLECTOR_URL; http://127.0.0.1:4318)"
    )
    parser.add_argument("--json", action="store_true", help="rows, as the collector stores them")
    _add_what(parser)
    _add_limits(parser)
    return parser


def _add_what(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("what is tested")
    what.add_argument(
        "--items",
        type=_kinds,
        default=list(KINDS),
        metavar="KINDS",
        help=f"leave out only these: {','.join(KINDS)}",
    )
    what.add_argument(
        "--replace", default="", metavar="TEXT", help="put TEXT in the place of what is left out"
    )
    what.add_argument(
        "--same-arguments",
        action="store_true",
        help="a call counts as the same choice only with equal arguments",
    )
    what.add_argument("--model", help="ask another model than the recorded one")
    what.add_argument(
        "--base-url",
        help="where to ask (ANTHROPIC_BASE_URL or OPENAI_BASE_URL; else the provider's own address)",
    )


def _add_limits(parser: argparse.ArgumentParser) -> None:
    limits = parser.add_argument_group("what it may take")
    limits.add_argument(
        "--estimate", action="store_true", help="say what it would take and send nothing"
    )
    limits.add_argument("--yes", action="store_true", help="do not ask before money is spent")
    limits.add_argument(
        "--max-cost-usd", type=_money, metavar="USD", help=f"never more (default {MAX_COST_USD:g})"
    )
    limits.add_argument(
        "--max-calls", type=_count, metavar="N", help=f"never more (default {MAX_CALLS})"
    )
    limits.add_argument(
        "--samples",
        type=_count,
        default=SAMPLES,
        metavar="N",
        help=f"most draws with one thing left out (default {SAMPLES})",
    )
    limits.add_argument(
        "--parallel",
        type=_count,
        default=PARALLEL,
        metavar="N",
        help=f"calls at the same time (default {PARALLEL})",
    )
