"""Evidence packs: one run in one HTML file that proves that nothing in it was changed."""

from __future__ import annotations

import argparse
import hmac
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tellwhy._cli.asking import Asking, Silent
from tellwhy._cli.pack.page import page, read
from tellwhy._cli.pack.records import Record, gathered, manifest, seal
from tellwhy._version import __version__

MOST = 20
"""Differences that are named; beyond them they are counted."""


def write(given: argparse.Namespace) -> None:
    """Write the pack of the run in *given* to a file, and say its seal.

    Raises:
        Silent: no collector answers, or it has no such run.
        OSError: the file cannot be written.
    """
    asker = Asking.at(given.url)
    held = gathered(asker, given.run)
    about = {
        "format": 1,
        "tellwhy": __version__,
        "run_id": held["runs"][0]["run_id"],
        "exported_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "collector": asker.collector_url,
    }
    target = given.output or Path(f"run-{_named(given.run)}.html")
    target.write_text(page(held, about), encoding="utf-8", newline="\n")
    lines = manifest(held)
    print(f"{target}: {len(lines):,} records\nseal {seal(lines, about)}")
    print("Note the seal elsewhere. Check the file with: tellwhy verify " + str(target))


def _named(run_id: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in run_id)[:64]


def verify(argv: list[str]) -> int:
    """Prove that an evidence pack was not changed, and that the collector still says the same.

    Returns:
        0 nothing was changed; 1 something was, or differs from the seal or the collector; 2 the file
        cannot be read as a pack.
    """
    given = _parser().parse_args(argv)
    try:
        text = given.file.read_bytes().decode("utf-8")
        held, about = read(text)
        lines = manifest(held)
        sealed = seal(lines, about)
        same = about.get("tellwhy") != __version__ or page(held, about) == text
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        print(f"{given.file} cannot be read as an evidence pack: {error}", file=sys.stderr)
        return 2
    troubles = list(_inside(text, sealed, about, same=same))
    if given.seal and not hmac.compare_digest(given.seal.strip().lower(), sealed):
        troubles.append(
            f"its seal is {sealed}, not {given.seal}: records were changed and sealed again."
        )
    if given.url is not None and not troubles:
        try:
            troubles += _beside(Asking.at(given.url or None), held)
        except Silent as error:
            print(f"The collector could not be asked: {error}\n  → {error.remedy}", file=sys.stderr)
            return 1
    return _told(given, about, lines, sealed, troubles)


def _inside(text: str, sealed: str, about: dict[str, Any], *, same: bool) -> Iterator[str]:
    if sealed not in text:
        yield "records were changed: their hashes no longer make the seal that the page shows."
    elif not same:
        yield "the page was changed: it is not the one that its records make."
    if about.get("tellwhy") != __version__:
        print(
            f"Written by tellwhy {about.get('tellwhy')}, this is {__version__}: the records are checked, the "
            "page is not made again."
        )


def _beside(asker: Asking, held: dict[str, list[Record]]) -> Iterator[str]:
    """What differs between the pack and a collector."""
    there = {line[:2]: line[2] for line in manifest(gathered(asker, held["runs"][0]["run_id"]))}
    here = {line[:2]: line[2] for line in manifest(held)}
    words = [f"{' '.join(name)} is not in the collector." for name in here if name not in there]
    words += [f"{' '.join(name)} is only in the collector." for name in there if name not in here]
    words += [
        f"{' '.join(name)} differs from the collector's."
        for name in here
        if name in there and here[name] != there[name]
    ]
    yield from words[:MOST]
    if len(words) > MOST:
        yield f"{len(words) - MOST} more differ."


def _told(
    given: argparse.Namespace,
    about: dict[str, Any],
    lines: list[tuple[str, str, str]],
    sealed: str,
    troubles: list[str],
) -> int:
    print(f"Run {about.get('run_id')}, exported {about.get('exported_at')}, {len(lines):,} records")
    print(f"seal {sealed}")
    for trouble in troubles:
        print(f"CHANGED: {trouble}")
    if troubles:
        return 1
    against = " and agrees with the collector" if given.url is not None else ""
    print(f"Unchanged: every record has its hash{against}.")
    if not given.seal:
        print(
            "Hold it against the seal that was noted at the export (--seal) to prove that it is the same file."
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tellwhy verify",
        description="Prove that a file of `tellwhy export html` was not changed: its records by their hashes, its "
        "page by making it again, both by a seal, and what it says by asking the collector.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the HTML file")
    parser.add_argument("--seal", help="the seal that was printed at the export")
    parser.add_argument(
        "--url",
        nargs="?",
        const="",
        help="ask the collector too; without an address TELLWHY_COLLECTOR_URL or where spans go",
    )
    return parser
