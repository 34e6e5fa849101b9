"""Replay a folder of provider recordings through the real SDKs under the tracer, and say n of n.

    python tests/conformance/recordings.py FOLDER [--provider NAME …] [--write PAGE]

FOLDER (or ``TELLWHY_CASSETTES``) holds one folder for each provider with VCR recordings (YAML, or
JSON of the same shape). Reading YAML needs PyYAML; Bedrock's streams need botocore, as the SDK does.
Ends with status 1 when a span differs from its recording.
"""

import argparse
import os
import sys
import warnings
from collections import Counter, defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
os.environ["TELLWHY_STRICT"] = "1"  # the tracer's own errors are raised
os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "false"
sys.path[:0] = [str(ROOT / "tracer/tests/recordings"), str(Path(__file__).parent)]

import steps  # noqa: E402 - beside this file
from replaying import calls, replay  # noqa: E402 - the tracer's tests use it too
from replaying.cassettes import Exchange, read_folder  # noqa: E402
from replaying.server import replayer  # noqa: E402

from tellwhy import testing  # noqa: E402

PAGE = ROOT / "docs/reference/recordings.md"
INTRODUCTION = """# Provider recordings

Real exchanges with providers, recorded by pydantic-ai, openllmetry, openinference and opentelemetry-python-contrib for their own tests,
replayed through the real SDKs under the tracer: a server on loopback answers each request as it was recorded, the SDK sends what it sent
then, and the span that comes out is compared with the recording, which the checker reads on its own. This page is written by
`python tests/conformance/recordings.py FOLDER --write docs/reference/recordings.md`.

Each exchange is replayed up to five times: synchronous with the body whole; asynchronous, cut at random; through the stream helper (or the
raw response) synchronous with gzip and asynchronous with deflate, cut at random; and, up to {small:,} bytes, one byte at a time. What was
recorded packed is served as it was packed. An exchange passes only when **every** replay that the SDK can make without the tracer

- gives the host exactly what it gets without the tracer, the same events or the same error;
- writes exactly one model-call span and, beside it, only tool calls that the request answers; the tracer counts no error of its own;
- has in that span what was recorded: operation, provider, address, models, response id, request id, status, finish reasons, every text,
  thinking with its signature, every tool call with id, name and parsed arguments, tools that the provider ran, tokens with those of caches
  and reasoning, error type and message; and of the request roles, texts, instructions, tool calls and results, failed results, thinking,
  tools offered and all other parameters;
- is read so by the collector's native dialect, over OTLP bytes.
"""

LIMITS = """## What a span does not have, though the provider said it

- Anthropic's `usage.iterations`: tokens of a compaction or an advisor inside a call. The span has the counts of `usage` itself, which
  leave them out.
- The answer of an OpenAI response in the background: the span has what the `POST` answered (`queued`); it is fetched later with a `GET`.
- `POST /v1/responses/compact`, which is no step yet.
- Signatures that Gemini's OpenAI format carries in `extra_content`.
"""

LEGEND = """
*Model calls* are exchanges that one of the two SDKs can send and that ask a model; *as recorded* are those of them that pass.
"""


def main() -> int:
    """Replay, print and, if asked, write the page."""
    parser = argparse.ArgumentParser(prog="recordings.py", description=__doc__)
    parser.add_argument("folder", nargs="?", default=os.environ.get("TELLWHY_CASSETTES"))
    parser.add_argument("--provider", action="append", help="only this one; may be repeated")
    parser.add_argument("--write", type=Path, metavar="PAGE", help=f"such as {PAGE.name}")
    given = parser.parse_args()
    if given.folder is None:
        parser.error("no folder of recordings; name one or set TELLWHY_CASSETTES")
    exchanges = [
        each
        for each in read_folder(Path(given.folder))
        if not given.provider or each.provider in given.provider
    ]
    verdicts = replayed([each for each in exchanges if calls.format_of(each) is not None])
    page = written(exchanges, verdicts)
    if given.write:
        given.write.write_text(page)
    print(page.partition("## What was")[2])
    return 1 if any(verdict.problems for verdict in verdicts) else 0


def replayed(exchanges: list[Exchange]) -> list[replay.Verdict]:
    """Every exchange without and with the tracer, and what the collector makes of it."""
    warnings.simplefilter("ignore")  # models that their providers have retired
    with replayer() as server:
        alone = [replay.without_tracer(each, server) for each in exchanges]
        with testing.recording() as recording:
            verdicts = [
                replay.with_tracer(each, server, found, recording)
                for each, found in zip(exchanges, alone, strict=True)
            ]
    for verdict in verdicts:
        verdict.problems += [
            f"collector: {each}" for each in steps.problems(verdict.expected, verdict.spans)
        ]
    return verdicts


def written(exchanges: list[Exchange], verdicts: list[replay.Verdict]) -> str:
    """The page."""
    sdks = ", ".join(f"{name} {version(name)}" for name in ("anthropic", "openai", "httpx2"))
    lines = [INTRODUCTION.format(small=replay.SMALL), "## What was replayed", ""]
    lines += [f"With {sdks}.", "", *_table(exchanges, verdicts), LEGEND]
    lines += ["## Spans that differ", "", *_problems(verdicts), ""]
    lines += ["## What an SDK cannot do with a recording, traced or not", "", *_sdk(verdicts), ""]
    lines += ["## Requests that the SDK sends otherwise than recorded", "", *_sent(verdicts), ""]
    lines += ["## The rest: no model call of these SDKs", "", *_rest(exchanges), "", LIMITS.strip()]
    return "\n".join(lines) + "\n"


def _table(exchanges: list[Exchange], verdicts: list[replay.Verdict]) -> list[str]:
    lines = [
        "| provider | exchanges | model calls | as recorded | streams | errors | replays |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    rows: dict[str, list[replay.Verdict]] = defaultdict(list)
    for verdict in verdicts:
        rows[verdict.exchange.provider].append(verdict)
    rows["**all**"] = verdicts
    every = Counter(each.provider for each in exchanges)
    every["**all**"] = len(exchanges)
    for name in [*sorted(every.keys() - {"**all**"}), "**all**"]:
        some = rows.get(name, [])
        good = sum(bool(each.replays) and not each.problems for each in some)
        streams = sum(each.exchange.is_stream for each in some)
        errors = sum(each.exchange.status >= 400 for each in some)
        times = sum(each.replays for each in some)
        lines.append(
            f"| {name} | {every[name]} | {len(some)} | {good} of {len(some)} "
            f"| {streams} | {errors} | {times:,} |"
        )
    return lines


def _problems(verdicts: list[replay.Verdict]) -> list[str]:
    found = [
        f"- `{verdict.exchange.name}`: {problem}"
        for verdict in verdicts
        for problem in verdict.problems
    ]
    return found or ["None."]


def _sdk(verdicts: list[replay.Verdict]) -> list[str]:
    counted: Counter[tuple[str, str]] = Counter()
    for verdict in verdicts:
        for problem in verdict.sdk:
            form, _, why = problem.partition(": ")
            helper = "stream helper" if verdict.exchange.is_stream else "raw response"
            kind = f"{helper}, {form.split()[0]}" if "other" in form else f"create, {form}"
            counted[verdict.exchange.provider, f"{kind}: {_one_line(why)}"] += 1
    found = [f"- {provider} ({n}): {why}" for (provider, why), n in sorted(counted.items())]
    return found or ["Nothing: every form of the call gets through."]


def _sent(verdicts: list[replay.Verdict]) -> list[str]:
    counted = Counter((each.exchange.provider, each.sent) for each in verdicts if each.sent)
    found = [f"- {provider} ({n}): `{fields}`" for (provider, fields), n in counted.items()]
    return found or ["None: every request is sent as it was recorded, field by field."]


def _rest(exchanges: list[Exchange]) -> list[str]:
    counted = Counter(
        (each.provider, calls.reason(each)) for each in exchanges if calls.format_of(each) is None
    )
    lines = ["| provider | exchanges | why |", "|---|--:|---|"]
    return lines + [f"| {name} | {n} | {why} |" for (name, why), n in sorted(counted.items())]


def _one_line(text: Any) -> str:
    words = " ".join(str(text).split())
    return words if len(words) <= 120 else f"{words[:110]} …"


if __name__ == "__main__":
    sys.exit(main())
