"""Record a folder of provider recordings through the real SDKs, replay them, and say n of n.

    python tests/conformance/replays.py FOLDER [--provider NAME …]

FOLDER (or ``TELLWHY_CASSETTES``) is as `recordings.py` has it. Each exchange is one run: an agent that
makes the call in every form (synchronous, asynchronous, stream helper or raw response, cut and packed
in several ways), answered by a server on loopback, recorded into a collector. Then the run is replayed
with all connections refused. An exchange passes when every form gives the host the same events, or the
same error; when the recorded body is what the provider sent, byte for byte; and when the verdict is
identical. Ends with status 1 when one does not.
"""

import argparse
import gzip
import os
import sys
import tempfile
import urllib.request
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
os.environ["TELLWHY_STRICT"] = "1"  # the tracer's own errors are raised
os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "false"
sys.path[:0] = [str(ROOT / "tracer/tests/recordings")]

from replaying import calls, replay  # noqa: E402 - the tracer's tests use it too
from replaying.cassettes import Exchange, read_folder  # noqa: E402
from replaying.server import Replayer, replayer  # noqa: E402

import tellwhy  # noqa: E402
from tellwhy._recording import answers  # noqa: E402
from tellwhy._replay.recording import load  # noqa: E402
from tellwhy_collector.testing import collector  # noqa: E402


@dataclass
class Played:
    """One exchange."""

    exchange: Exchange
    first: list[Any] = field(default_factory=list)
    """What the host got, by form."""
    run_id: str = ""
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def main() -> int:
    """Record, replay, print."""
    parser = argparse.ArgumentParser(prog="replays.py", description=__doc__)
    parser.add_argument("folder", nargs="?", default=os.environ.get("TELLWHY_CASSETTES"))
    parser.add_argument("--provider", action="append", help="only this one; may be repeated")
    given = parser.parse_args()
    if given.folder is None:
        parser.error("no folder of recordings; name one or set TELLWHY_CASSETTES")
    exchanges = [
        each
        for each in read_folder(Path(given.folder))
        if (not given.provider or each.provider in given.provider) and calls.format_of(each)
    ]
    played = replayed(exchanges)
    print(written(played))
    return 1 if any(each.problems for each in played) else 0


def replayed(exchanges: list[Exchange]) -> list[Played]:
    """Every exchange recorded, then replayed."""
    warnings.simplefilter("ignore")  # models that their providers have retired
    with (
        tempfile.TemporaryDirectory() as folder,
        collector(Path(folder)) as keeping,
        replayer() as server,
    ):
        tellwhy.configure(endpoint=keeping.http_url, spool_dir=f"{folder}/spool")
        played = [record(each, server) for each in exchanges]
        if not tellwhy.flush(300):
            raise RuntimeError("The collector did not take what was recorded.")
        path = Path(folder) / "recording.jsonl"
        for each in played:
            url = f"{keeping.http_url}/api/runs/{each.run_id}/recording"
            with urllib.request.urlopen(url, timeout=60) as said:
                path.write_bytes(said.read())
            compare(each, path, server)
        tellwhy.shutdown()
    return played


def record(exchange: Exchange, server: Replayer) -> Played:
    """Make the call in every form, as one run."""
    played = Played(exchange)
    with tellwhy.agent("player") as step:
        played.run_id = step.run_id or ""
        for form, serving in replay.variants(exchange):
            played.first.append(plain(replay.call(exchange, server, form, serving)))
    return played


def compare(played: Played, path: Path, server: Replayer) -> None:
    """Replay the run and note what is different."""
    exchange = played.exchange
    bodies = {
        b"".join(data for _, data in call.chunks)
        for call in load(path).calls
        if call.kind == "model" and call.status
    }
    whole = unpacked(exchange)
    for body in bodies - {whole}:
        if whole.startswith(body):
            # Behind the answer's last event there is a mark of the stream's end, or nothing; a host
            # that cannot read a body leaves all of it.
            played.notes.append("an end that the host did not read")
        elif body.decode("utf-8", "replace") in redacted(whole):
            played.notes.append("a secret replaced")
        else:
            played.problems.append("a recorded body is not what was sent")
    again = []
    with tellwhy.replaying(path) as verdict, tellwhy.agent("player"):
        for form, serving in replay.variants(exchange):
            again.append(plain(replay.call(exchange, server, form, serving)))
    if not verdict.identical:
        played.problems += [f"diverged: {each.what}" for each in verdict.divergences[:3]]
    for number, (before, now) in enumerate(zip(played.first, again, strict=False)):
        if before != now and "a secret replaced" not in played.notes:
            played.problems.append(f"form {number}: the host got {before!r:.300}, now {now!r:.300}")


def redacted(body: bytes) -> set[str]:
    """A body as it may have been recorded when it holds what looks like a secret."""
    return {
        answers.answer_of([(0.0, body)], kind, is_clean=False).text
        for kind in ("", "text/event-stream")
    }


def plain(outcome: Any) -> Any:
    """What a host got, to be compared."""
    if isinstance(outcome, Exception):
        return f"{type(outcome).__name__}: {outcome}"
    return outcome


def unpacked(exchange: Exchange) -> bytes:
    """The body as a client sees it."""
    if exchange.packing:
        return gzip.decompress(exchange.body)
    return exchange.body


def written(played: list[Played]) -> str:
    """The result in lines."""
    lines = []
    providers = Counter(each.exchange.provider for each in played)
    for name, count in sorted(providers.items()):
        mine = [each for each in played if each.exchange.provider == name]
        good = sum(not each.problems for each in mine)
        forms = sum(len(each.first) for each in mine)
        noted = Counter(note for each in mine for note in set(each.notes))
        more = "".join(f", {n} with {note}" for note, n in noted.items())
        lines.append(f"{name}: {good} of {count} exchanges, {forms} calls{more}")
    good = sum(not each.problems for each in played)
    lines.append(
        f"all: {good} of {len(played)} exchanges, {sum(len(e.first) for e in played)} calls"
    )
    lines += [f"  {each.exchange.name}: {one}" for each in played for one in each.problems]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
