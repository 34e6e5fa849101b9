"""`tellwhy export`: a run as a recording, a test or an evidence pack, decisions as a dataset."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from tellwhy._cli import dataset, pack, pytest_file
from tellwhy._cli.asking import Silent
from tellwhy._cli.choosing import Unusable
from tellwhy._cli.recordings import recording_lines
from tellwhy._replay.recording import UnusableRecording, read


def run(argv: list[str]) -> int:
    """Write runs to a file.

    Returns:
        The exit status: 0 when it was written, 1 when there is nothing to write.
    """
    given = _parser().parse_args(argv)
    try:
        _EXPORTS[given.kind](given)
    except BrokenPipeError:
        raise  # `| head` has enough
    except (Silent, Unusable, UnusableRecording, OSError) as error:
        print(f"Nothing could be exported: {error}", file=sys.stderr)
        if isinstance(error, Silent):
            print(f"  → {error.remedy}", file=sys.stderr)
        return 1
    return 0


def _recording(given: argparse.Namespace) -> None:
    lines = recording_lines(given.run, url=given.url, whole_process=given.whole_process)
    if given.output is None:
        sys.stdout.buffer.writelines(lines)
        return
    with given.output.open("wb") as file:
        file.writelines(lines)


def _pytest(given: argparse.Namespace) -> None:
    lines = b"".join(recording_lines(given.run, url=given.url, whole_process=False))
    recording = read(lines.decode().splitlines())
    test, data = pytest_file.written(recording, given.output, lines, given.call)
    print(f"{test}\n{data}\n\nRun it with: python -m pytest {shlex.quote(str(test))}")


_EXPORTS = {
    "recording": _recording,
    "pytest": _pytest,
    "dataset": dataset.write,
    "html": pack.write,
}
"""Kind -> what writes it."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tellwhy export",
        description="Write runs to files, redacted as they were recorded: as a recording that `tellwhy replay "
        "--file` and tellwhy.replaying() run again without a collector, as a test, as a dataset, or as an evidence pack: one HTML file with every record and its hash.",
    )
    kinds = parser.add_subparsers(dest="kind", required=True)
    recording = kinds.add_parser("recording", help="lines of JSON, as replay reads them")
    recording.add_argument("-o", "--output", type=Path, help="file to write; default: to stdout")
    recording.add_argument(
        "--whole-process", action="store_true", help="with all other runs of its process"
    )
    test = kinds.add_parser("pytest", help="a test that replays the run offline")
    test.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("tests"),
        help="folder to write to (default: tests)",
    )
    test.add_argument(
        "--call", metavar="MODULE:FUNCTION", help="the agent, where the recording does not know it"
    )
    lines = kinds.add_parser(
        "dataset", help="decisions as lines of JSON, for evaluation and fine-tuning"
    )
    dataset.add_words(lines)
    proof = kinds.add_parser(
        "html", help="an evidence pack: one file to read and print, checked by `tellwhy verify`"
    )
    proof.add_argument(
        "-o", "--output", type=Path, help="file to write (default: run-RUN.html in this folder)"
    )
    for each in (recording, test, proof):
        each.add_argument("run", metavar="RUN", help="run id, as the viewer shows it")
    for each in (recording, test, lines, proof):
        each.add_argument(
            "--url", help="the collector's address (TELLWHY_COLLECTOR_URL; else where spans go)"
        )
    return parser
