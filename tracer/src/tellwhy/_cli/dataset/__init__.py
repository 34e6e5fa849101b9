"""`tellwhy export dataset`: recorded decisions as lines of JSON, for evaluation and fine-tuning.

Read in this order: this file, `reading` (examples out of the collector), `openai_chat` (as OpenAI's
fine-tuning takes them).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from tellwhy._cli.asking import Asking
from tellwhy._cli.choosing import Unusable, add_choosing, is_one_way, model_calls
from tellwhy._cli.dataset import openai_chat
from tellwhy._cli.dataset.reading import Example, examples

FORMATS = ("tellwhy", "openai-chat")


def add_words(parser: argparse.ArgumentParser) -> None:
    """The words of the command line."""
    add_choosing(parser)
    parser.add_argument("-o", "--output", type=Path, help="file to write; default: to stdout")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default=FORMATS[0],
        help="tellwhy: everything that is known; openai-chat: as OpenAI's fine-tuning takes it "
        "(default: tellwhy)",
    )


def write(given: argparse.Namespace) -> None:
    """Write the examples that the command line names.

    Raises:
        Silent: The collector does not answer.
        Unusable: There are none, or they are not named.
    """
    if not is_one_way(given):
        raise Unusable("say which model calls: RUN …, --sql or --last")
    asking = Asking.at(given.url)
    calls = model_calls(asking, given)
    if not calls:
        raise Unusable("no model call was found there")
    left: Counter[str] = Counter()
    lines = _lines(examples(asking, list(calls)), given.format, left)
    if given.output is None:
        count = _put(lines, sys.stdout)
    else:
        with given.output.open("w", encoding="utf-8") as file:
            count = _put(lines, file)
    print(f"{count:,} of {len(calls):,} model calls written", file=sys.stderr)
    for why, number in left.most_common():
        print(f"  {number:,} left out: {why}", file=sys.stderr)


def _lines(found: Iterator[Example], form: str, left: Counter[str]) -> Iterator[dict[str, Any]]:
    for each in found:
        if each["chosen"] is None or each["messages"] is None:
            left["its request or its answer was not recorded"] += 1
        elif form == "tellwhy":
            yield each
        else:
            try:
                yield openai_chat.of(each)
            except openai_chat.CannotSay as error:
                left[str(error)] += 1


def _put(lines: Iterator[dict[str, Any]], file: IO[str]) -> int:
    count = 0
    for count, line in enumerate(lines, 1):  # noqa: B007 - how many there were
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return count
