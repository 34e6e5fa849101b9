"""`tellwhy explain`: a run or a decision in words, as the collector tells it or told by a model."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from typing import Any

from tellwhy_collector.asking import asking, collector_url
from tellwhy_collector.errors import SettingsError
from tellwhy_collector.explain.printed import page
from tellwhy_collector.shell.client import Client
from tellwhy_collector.shell.errors import Refused, ShellError, Usage
from tellwhy_collector.shell.table import visible

MODEL = "claude-haiku-4-5"
"""Who tells with ``--told`` when nobody else is named."""

WIDTH = 100
"""Columns where there is no terminal."""

_PREFIX = (
    "SELECT run_id FROM runs WHERE starts_with(run_id, ?) GROUP BY ALL ORDER BY run_id LIMIT 4"
)
_LAST = "SELECT run_id FROM runs ORDER BY start_ns DESC LIMIT 1"


def run(argv: list[str]) -> int:
    """Tell a run, or one decision in it, in sentences with what they rest on.

    Returns:
        0; 1 there is no such run or decision, or the model's telling failed; 2 the command line is
        wrong; 3 no collector answers.
    """
    try:
        given = _parser().parse_args(argv)
    except SystemExit as end:  # argparse has said why; --help ends with 0
        return int(end.code or 0)
    try:
        _explain(given)
    except ShellError as error:
        return _say(error)
    except BrokenPipeError:  # `| head` has seen enough
        sys.stderr.close()
    except KeyboardInterrupt:
        return 130
    return 0


def _explain(given: argparse.Namespace) -> None:
    client = _client(given.url)
    run_id = wanted_run(client, given.run)
    explanation = client.explanation(run_id, given.step, excerpts=given.told)
    if given.told:
        from tellwhy_collector.explain import told  # noqa: PLC0415 - it needs the model's own client

        explanation |= told.tell(explanation, told.Wish.of(given), ask=_ask)
    if given.json:
        _print(json.dumps(explanation, ensure_ascii=False, indent=2))
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH
    for line in page(explanation, width):
        _print(line)


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tellwhy explain",
        description="Tell a run, or one decision in it, in sentences. Each cites where it can be "
        "looked up. The token is read from TELLWHY_READ_TOKEN or TELLWHY_READ_TOKEN_FILE, the "
        "authority of an https address from TELLWHY_COLLECTOR_CA.",
    )
    parser.add_argument("run", metavar="RUN", help="id of a run, how it begins, or: last")
    parser.add_argument(
        "step",
        metavar="STEP",
        nargs="?",
        help="a decision of it: its number from 1, its decision_id, or the span_id of a step",
    )
    parser.add_argument(
        "--url", help="the collector (TELLWHY_COLLECTOR_URL; http://127.0.0.1:4318)"
    )
    parser.add_argument("--json", action="store_true", help="as the collector's API tells it")
    told = parser.add_argument_group(
        "told by a model",
        "Sends the sentences and what they cite to Anthropic, with the key in ANTHROPIC_API_KEY. "
        "Of what comes back only sentences are shown that cite sentences of ours and hold no figure "
        'and no quote beyond them. Needs: pip install "tellwhy-collector[told]"',
    )
    told.add_argument("--told", action="store_true", help="let a model tell it again, shorter")
    told.add_argument("--model", default=MODEL, help=f"which one (default {MODEL})")
    told.add_argument("--yes", action="store_true", help="do not ask before money is spent")
    told.add_argument(
        "--max-cost-usd", type=float, metavar="USD", help="do not ask for what may cost more"
    )
    return parser


def _client(url: str | None) -> Client:
    try:
        return Client(url or collector_url(), asking())
    except SettingsError as error:
        raise Usage(str(error)) from None


def wanted_run(client: Client, named: str) -> str:
    """The id of the run that *named* means.

    Raises:
        Refused: There is none.
        Usage: It may be one of several.
    """
    last = named == "last"
    found = _ids(client, _LAST, []) if last else _ids(client, _PREFIX, [named])
    if named in found:
        return named
    if len(found) == 1:
        return found[0]
    if not found:
        what = "no run yet" if last else f"no run whose id begins with {named[:100]!r}"
        raise Refused(f"The collector at {client.url} has {what}.")
    raise Usage(f"{named!r} begins the ids of several runs: {', '.join(found)}. Give more of it.")


def _ids(client: Client, sql: str, params: list[Any]) -> list[str]:
    return [row[0] for row in json.loads(client.sql(sql, params).body)["rows"]]


def _ask(question: str) -> bool:
    """Whether the person at the terminal says yes.

    Raises:
        Usage: There is nobody to ask.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Usage(f"{question} Nobody can be asked here: add --yes.")
    sys.stderr.write(f"{question} Go on? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _say(error: ShellError) -> int:
    sys.stdout.flush()
    for line in f"tellwhy explain: {error}".split("\n"):
        sys.stderr.write(visible(line) + "\n")
    return error.code
