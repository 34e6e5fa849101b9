"""Is every call that had started when its agent died there once, with its arguments and its end?

    python benchmarks/faults/kill_agent.py [--rounds 100]

Small agents (`dying_agent.py`: the real anthropic package, a scripted model, a decorated tool) die
at random moments by SIGKILL, SIGTERM, ``os._exit`` or an exception that nobody catches; one half
while a collector is there, one half while none is. What they leave is sent by the next process, or
by the collector itself (``tellwhy serve --adopt``).

A call had started when something else saw it: the model's server the request, or the tool its own
body. Each must be in its view once, with the arguments that belong to it. A call behind which the
agent said "done" must have ended well; one in which it died must be lost, with the reason that
belongs to the death, or have ended just before.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from collecting import Collector, Verdict, settings_of_nobody

from tellwhy._model_server import serve

AT_ONCE = 2
"""Agents that live at the same time."""
ADOPTION_S = 60.0
AGENT = str(Path(__file__).with_name("dying_agent.py"))
DURABILITY = ("process", "disk")
"""In turn: with ``disk`` a signal comes more often while a record is written."""
WAYS = {"kill": -signal.SIGKILL, "term": -signal.SIGTERM, "exit": 77, "raise": 1}
"""Way to die -> exit status."""
REASONS = {"kill": "killed", "exit": "killed", "term": "SIGTERM"}
"""Way to die -> what the calls in which it happened say."""
CALL = re.compile(r"agent\d+\.\d+\.\w+")
SQL = """
SELECT steps.kind, steps.tool_arguments, steps.input_messages, steps.error_type,
       steps.end_time IS NOT NULL, spans.attributes."tellwhy.lost.reason"::VARCHAR, steps.span_id
FROM steps JOIN spans USING (trace_id, span_id)
WHERE steps.kind IN ('tool_call', 'model_call') AND steps.service_name = ?
"""


@dataclass
class Death:
    """What one agent said before it died."""

    name: str
    way: str
    status: int
    arm: str
    inside: set[str] = field(default_factory=set)
    about: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)


def die(number: int, arm: str, environment: dict[str, str]) -> Death:
    """Start an agent and end it."""
    way, after = random.choice(list(WAYS)), random.uniform(0.0, 1.5)
    name = f"agent{number}"
    how = way if way in ("exit", "raise") else "wait"
    process = subprocess.Popen(
        [sys.executable, AGENT, name, how, str(after)],
        env=environment | {"OTEL_SERVICE_NAME": name, "TELLWHY_DURABILITY": DURABILITY[number % 2]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    if how == "wait":
        time.sleep(after)
        process.send_signal(-WAYS[way])
    said, _ = process.communicate(timeout=120)
    death = Death(name, way, process.returncode, arm)
    words = {"in": death.inside, "about": death.about, "done": death.done}
    for line in (first + said).splitlines():
        word, call = line.split()
        words[word].add(call)
    return death


def judge(death: Death, requested: set[str], rows: list[list], verdict: Verdict) -> Counter[str]:
    """Compare what is stored of one agent with what is known of it; ends of its started calls."""
    verdict.expect(
        death.status == WAYS[death.way],
        f"{death.name} ended with {death.status} by {death.way}",
    )
    started = {call for call in death.inside | death.done if not call.endswith(".agent")}
    started |= {call for call in requested if call.startswith(f"{death.name}.")}
    found: dict[str, list[list]] = {}
    for row in rows:
        named = CALL.findall(row[1] or row[2] or "")
        found.setdefault(named[0] if named else "?", []).append(row)
    ends: Counter[str] = Counter()
    for call in started | set(found):
        seen, where = found.get(call, []), f"{call} ({death.way}, {death.arm})"
        verdict.expect(len(seen) == 1, f"{where} is there {len(seen)} times")
        if not seen:
            continue
        _, arguments, _, error, ended, reason, _ = seen[0]
        if call.endswith(".tool"):
            given = {"order": call, "amount": int(call.split(".")[1])}
            verdict.expect(json.loads(arguments) == given, f"{where} has arguments {arguments}")
        verdict.expect(bool(ended), f"{where} has no end")
        end = "lost" if error == "process_died" else "error" if error else "ok"
        expected = {"ok"} if call in death.done else {"ok", "lost", "error"}
        if call not in death.done and death.way in REASONS:
            expected = {"ok", "lost"}
        if call not in death.done and death.way == "raise":
            expected = {"error", "ok"} if call.endswith(".stream") else {"error"}
        verdict.expect(end in expected, f"{where} has the end {end} ({error})")
        if end == "lost":
            told = reason == REASONS.get(death.way)
            verdict.expect(told, f"{where} is lost by {reason}")
        cut = "" if call in death.done else f" where it died ({death.way})"
        ends[f"{end}{cut}"] += 1
    return ends


def adopted(
    spool: Path, by: str, collector: Collector, environment: dict[str, str]
) -> float | None:
    """Let *by* send what is left; seconds that it took, None when something is left."""
    before = time.monotonic()
    if by == "collector":
        collector.stop()
        collector.started("--adopt", str(spool))
        while folders(spool) and time.monotonic() - before < ADOPTION_S:
            time.sleep(0.1)
    else:
        words = [AGENT, "adopter", "adopt", str(ADOPTION_S)]
        subprocess.run([sys.executable, *words], env=environment, check=True)
    return None if folders(spool) else time.monotonic() - before


def folders(spool: Path) -> list[Path]:
    """What waits in a spool."""
    return list(spool.iterdir()) if spool.exists() else []


def can_adopt() -> bool:
    """Whether this collector sends what dead processes left."""
    words = [sys.executable, "-m", "tellwhy", "serve", "--help"]
    return "--adopt" in subprocess.run(words, capture_output=True, text=True, check=True).stdout


def main(words: list[str]) -> int:
    """Let so many agents die."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(words)
    random.seed(options.seed)
    verdict = Verdict("kill_agent")
    adopters = ("process", "collector") if can_adopt() else ("process",)
    arms = list(product(("there", "away"), adopters))
    deaths: list[Death] = []
    adoptions: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name, serve() as models:
        folder = Path(name)
        with Collector(folder / "collector") as collector:
            for place, (where, by) in enumerate(arms):
                arm = f"collector {where}, adopted by {by}"
                spool = folder / f"spool-{place}"
                environment = settings_of_nobody(
                    TELLWHY_ENDPOINT=collector.url,
                    TELLWHY_SPOOL_DIR=str(spool),
                    ANTHROPIC_BASE_URL=models.url,
                    ANTHROPIC_API_KEY="x",
                )
                if where == "away":
                    collector.stop()
                numbers = range(len(deaths), options.rounds * (place + 1) // len(arms))
                with ThreadPoolExecutor(AT_ONCE) as pool:
                    ended = pool.map(lambda n, a=arm, e=environment: die(n, a, e), numbers)
                    deaths += list(ended)
                left = len(folders(spool))
                if where == "away":
                    collector.started()
                took = adopted(spool, by, collector, environment)
                verdict.expect(took is not None, f"{arm}: {left} spools, not all were adopted")
                adoptions[arm] = round(took or ADOPTION_S, 1)
                adoptions[f"{arm}: spools"] = left
            requested = set(CALL.findall(json.dumps([one.body for one in models.requests])))
            ends: Counter[str] = Counter()
            for death in deaths:
                ends += judge(death, requested, collector.ask(SQL, death.name), verdict)
            statuses = collector.ask("SELECT status, count(*) FROM runs GROUP BY ALL ORDER BY ALL")
            [[again]] = collector.ask("SELECT sum(duplicates)::BIGINT FROM ingest_requests")
            verdict.expect(collector.stop() == 0, "the collector did not end well")
            collector.process = None
    return verdict.told(
        rounds=options.rounds,
        deaths=dict(sorted(Counter(one.way for one in deaths).items())),
        calls_started=sum(ends.values()),
        ends=dict(sorted(ends.items())),
        announced_and_not_seen_to_start=sum(
            len(one.about - one.inside - one.done - requested) for one in deaths
        ),
        runs=dict(statuses),
        adoptions_s=adoptions,
        sent_again_and_recognised=again,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
