"""`tellwhy replay RUN -- python agent.py`: run it again, offline, and say whether it is the same."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

from tellwhy import _replay
from tellwhy._cli.asking import Silent
from tellwhy._cli.record import split
from tellwhy._cli.recordings import fetched
from tellwhy._cli.replay_temporal import replayed as replayed_histories
from tellwhy._proxy.server import running
from tellwhy._proxy.serving import Serving
from tellwhy._replay import report
from tellwhy._replay.edits import UnusableEdit, parsed
from tellwhy._replay.network import own_network
from tellwhy._replay.player import Options
from tellwhy._replay.recording import Recording, UnusableRecording, load
from tellwhy._replay.verdict import Verdict

POLL_S = 0.1

IDLE_S = 30.0
"""A program that has diverged and does nothing for so long waits for what will not come."""

GRACE_S = 2.0
"""Between a divergence and SIGTERM, and SIGTERM and SIGKILL: the program may have something to say."""


def run(argv: list[str]) -> int:
    """Run a program again on a recorded run.

    Returns:
        The exit status: 0 when it was identical, 1 when it diverged, 2 when there was no replay.
    """
    words, command = split(argv)
    parser = _parser()
    given = parser.parse_args(words)
    if _is_temporal(given, command, parser):
        return replayed_histories(
            given.temporal_history, given.workflow, given.data_converter, given.json
        )
    if not command or (given.run is None) == (given.file is None):
        parser.error("say RUN, or --file, and after -- the command that runs your program")
    if bool(given.live_from) != given.live or (given.edit and not given.live):
        parser.error("going live wants both --from STEP and --live; --edit goes with them")
    if given.proxy and (
        given.live
        or given.record
        or given.run_blocks
        or given.allow_network
        or given.allow_programs
    ):
        parser.error("--proxy answers model calls from the recording and does nothing else")
    with tempfile.TemporaryDirectory(prefix="tellwhy-replay-") as folder:
        try:
            given.edits = _edits(given.edit)
            path = given.file or fetched(
                given.run, Path(folder), url=given.url, whole_process=given.whole_process
            )
            recording = load(path)
            if given.live_from:
                recording.place_of(given.live_from)
        except (Silent, UnusableRecording, UnusableEdit, OSError) as error:
            print(f"There is no replay: {error}", file=sys.stderr)
            if isinstance(error, Silent):
                print(f"  → {error.remedy}", file=sys.stderr)
            return 2
        if problem := _empty(recording):
            print(problem, file=sys.stderr)
            return 2
        if given.proxy:
            return _proxied(given, command, recording)
        return _replayed(given, command, path, recording)


def _is_temporal(
    given: argparse.Namespace, command: list[str], parser: argparse.ArgumentParser
) -> bool:
    if not (given.temporal_history or given.workflow or given.data_converter):
        return False
    alone = not (command or given.run or given.file)
    if not (given.temporal_history and given.workflow and alone):
        parser.error("--temporal-history goes with --workflow module:Class, and without RUN")
    return True


def _proxied(given: argparse.Namespace, command: list[str], recording: Recording) -> int:
    """Let a program ask a proxy that answers from the recording."""
    serving = Serving(recording, timing=given.timing)
    with running(serving) as proxy:
        try:
            child = subprocess.Popen(command, env=os.environ | proxy.variables)  # noqa: S603
        except OSError as error:
            print(f"{command[0]} cannot be run: {error.strerror}.", file=sys.stderr)
            return 2
        with child:
            _until_diverged(child, serving)
    verdict = serving.verdict()
    _tell(verdict, given.json)
    return 0 if verdict.identical else 1


def _until_diverged(child: subprocess.Popen[bytes], serving: Serving) -> None:
    """Wait for the program; after a divergence its tools would go on without the recorded answers."""
    while child.poll() is None and not serving.diverged.is_set():
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(POLL_S)
    _end(child)


def _hangs(child: subprocess.Popen[bytes], events: Path, recording: Recording) -> bool:
    """Wait for the program; whether it had to be ended, since it had diverged and did nothing more."""
    size, since = -1, time.monotonic()
    while child.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(POLL_S)
        now = sum(path.stat().st_size for path in events.glob("*.jsonl"))
        if now != size:
            size, since = now, time.monotonic()
        elif time.monotonic() - since > IDLE_S:
            first = _replay.judged(recording, events).first
            if first is not None and first.kind != "not_made":
                # As Ctrl-C does, so that pools end their workers.
                child.send_signal(signal.SIGINT)
                _end(child)
                return True
            since = time.monotonic()
    return False


def _end(child: subprocess.Popen[bytes]) -> None:
    for end in (child.terminate, child.kill):
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE_S)
            return
        end()


def _replayed(
    given: argparse.Namespace, command: list[str], path: Path, recording: Recording
) -> int:
    with tempfile.TemporaryDirectory(prefix="tellwhy-replay-") as events:
        named = {field.name for field in fields(Options)} & vars(given).keys()
        options = {name: getattr(given, name) for name in named}
        variables = {
            _replay.RECORDING: str(path.absolute()),
            _replay.EVENTS: events,
            _replay.OPTIONS: json.dumps(options),
        }
        try:
            # Nothing is sent before the program takes over, and this process has no other thread.
            open_ = given.record or given.live or given.allow_network
            child = subprocess.Popen(  # noqa: S603
                command,
                env=os.environ | variables,
                preexec_fn=None if open_ else own_network(),  # noqa: PLW1509
            )
        except OSError as error:
            print(f"{command[0]} cannot be run: {error.strerror}.", file=sys.stderr)
            return 2
        with child:
            hung = _hangs(child, Path(events), recording)
        if not any(Path(events).iterdir()):
            print(
                f"{command[0]} ended with {child.returncode} and never imported tellwhy, so nothing was "
                "replayed. Replay the program that was recorded.",
                file=sys.stderr,
            )
            return 2
        verdict = _replay.judged(recording, Path(events))
    if hung:
        verdict.notes.append(
            f"the program still ran {IDLE_S:g} s after the last thing it did, and was ended: a "
            "multiprocessing.Pool waits for ever for a job whose replay diverged"
        )
    other = recording.head.get("other_runs_of_process", 0)
    if other and not verdict.identical:
        verdict.notes.append(
            f"the process of this run worked on {other} more; if the program does all of them, replay "
            "with --whole-process"
        )
    if given.record and verdict.replay_run_id:
        verdict.notes.append(
            f"stored: `tellwhy compare {recording.run_id} {verdict.replay_run_id}` tells both"
        )
    _tell(verdict, given.json)
    return 0 if verdict.identical else 1


def _edits(path: Path | None) -> dict[str, Any]:
    """What is to be different in live requests."""
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise UnusableEdit(f"{path} is no JSON: {error}.") from error
    if not isinstance(found, dict) or not found:
        raise UnusableEdit(f"{path} is no JSON object of paths and values.")
    for name in found:
        parsed(name)
    return found


def _tell(verdict: Verdict, path: Path | None) -> None:
    sys.stderr.flush()
    print(report.text_of(verdict), flush=True)
    if path is not None:
        path.write_text(json.dumps(verdict.as_dict(), ensure_ascii=False, indent=2) + "\n", "utf-8")


def _empty(recording: Recording) -> str | None:
    if recording.calls:
        return None
    return (
        f"Run {recording.run_id} has nothing to replay: it was recorded with TELLWHY_REPLAYABLE=false, "
        "with content=none, @tellwhy.agent(replayable=False), or by somebody else than tellwhy's tracer."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tellwhy replay",
        usage="tellwhy replay [options] RUN -- python agent.py …",
        description="Run a program again on what was recorded of a run: models and decorated tools "
        "answer as they did, nothing is sent and no tool runs. Ends with 0 when it asked for the same, "
        "with 1 and the first divergence when it did not.",
    )
    parser.add_argument("run", nargs="?", metavar="RUN", help="run id, as the viewer shows it")
    parser.add_argument(
        "--file", type=Path, help="a recording that `tellwhy export recording RUN` wrote"
    )
    parser.add_argument(
        "--url", help="the collector's address (TELLWHY_COLLECTOR_URL; else where spans go)"
    )
    parser.add_argument(
        "--whole-process",
        action="store_true",
        help="take all runs that the process of RUN worked on, for a program that does several",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the verdict there as JSON")
    parser.add_argument(
        "--proxy",
        action="store_true",
        help="answer a program that cannot be hooked, such as Claude Code, through ANTHROPIC_BASE_URL and "
        "OPENAI_BASE_URL; its tools run",
    )
    parser.add_argument(
        "--allow-network",
        action="store_true",
        help="let connections through that are not to models",
    )
    parser.add_argument(
        "--allow-program",
        dest="allow_programs",
        action="append",
        default=[],
        metavar="NAME",
        help="a program that may be started, such as git; may be given more than once, '*' is every one",
    )
    parser.add_argument(
        "--timing", action="store_true", help="let answers take as long as they took"
    )
    parser.add_argument(
        "--run-blocks", action="store_true", help="let `with tellwhy.tool(…)` blocks run"
    )
    parser.add_argument(
        "--record",
        action="store_true",
        help="send the replay to the collector, as a run with tellwhy.replay_of",
    )
    _add_live(parser)
    _add_temporal(parser)
    return parser


def _add_temporal(parser: argparse.ArgumentParser) -> None:
    temporal = parser.add_argument_group("workflows of Temporal, instead of RUN and a command")
    temporal.add_argument(
        "--temporal-history",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="histories as `temporal workflow show --output json` writes them; no activity runs",
    )
    temporal.add_argument(
        "--workflow",
        action="append",
        default=[],
        metavar="MODULE:CLASS",
        help="a workflow class of the code to replay them with; may be given more than once",
    )
    temporal.add_argument(
        "--data-converter",
        default="",
        metavar="MODULE:NAME",
        help="the data converter of the workers, where they have one of their own, such as one that encrypts",
    )


def _add_live(parser: argparse.ArgumentParser) -> None:
    live = parser.add_argument_group("going live, which asks models and costs money")
    live.add_argument(
        "--from",
        dest="live_from",
        default="",
        metavar="STEP",
        help="the model call from which on models are asked: its number, or its step",
    )
    live.add_argument("--live", action="store_true", help="yes, ask models from --from on")
    live.add_argument(
        "--edit",
        type=Path,
        metavar="FILE",
        help="JSON object of what is different in live requests: paths such as $.system, $.model, "
        "$.messages[2].content, and values; null takes away",
    )
    live.add_argument(
        "--live-tool",
        dest="live_tools",
        action="append",
        default=[],
        metavar="NAME",
        help="a tool with effect write that runs then; others stay as recorded",
    )
