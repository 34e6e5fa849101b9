"""Agents that die at random moments: is every call that had started seen, rightly, and once?

Each agent works on tasks: a streamed model call against a scripted model, then a tool. It prints a
line from inside every call, so what was printed had certainly started. It is ended after a random
time by SIGKILL, SIGTERM, ``os._exit`` or an exception. One last agent adopts what is left. Then the
collector is asked for every call that was printed: its arguments, its end, and how often it is there.
"""

from __future__ import annotations

import argparse
import collections
import functools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tellwhy._demo.model_server import serve

AGENT = """
import json, os, random, sys, threading, time
import anthropic, tellwhy
from tellwhy import _shipping

_shipping.FIRST_ADOPTION_S = 60.0 if sys.argv[2] != "adopt" else 0.0
client = anthropic.Anthropic()

@tellwhy.tool(effect="write")
def work(task: str) -> str:
    print("tool", task, flush=True)
    time.sleep(random.random() / 50)
    return task

@tellwhy.agent
def shop(task: str) -> str:
    script = json.dumps([{"text": "so be it " * 20}])
    messages = [{"role": "user", "content": f"{task} <<script:{script}>>"}]
    with client.messages.stream(model="claude-sonnet-5", max_tokens=99, messages=messages) as stream:
        for number, text in enumerate(stream.text_stream):
            if not number:
                print("model", task, flush=True)
    return work(task)

how, name = sys.argv[2], sys.argv[1]
if how == "adopt":
    with tellwhy.agent("adopter"):
        time.sleep(float(sys.argv[3]))
    sys.exit()
if how == "exit":
    threading.Timer(float(sys.argv[3]), os._exit, (1,)).start()
ends = time.monotonic() + float(sys.argv[3])
number = 0
while True:
    if how == "raise" and time.monotonic() > ends:
        raise RuntimeError("on purpose")
    shop(f"{name}-{number}")
    number += 1
"""

PORTS = ("--http-port", "0", "--grpc-port", "0")
AT_ONCE = 4
"""So many agents live at the same time."""

HOW = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "exit": None, "raise": None}


def rows(url: str, sql: str) -> list[list]:
    """The answer of one SELECT."""
    body = json.dumps({"sql": sql, "max_rows": 100_000}).encode()
    request = urllib.request.Request(f"{url}/api/sql", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.loads(response.read())["rows"]


def died(environment: dict[str, str], number: int) -> tuple[str, list[str], int]:
    """One agent's way to die, what it printed, and its exit status."""
    how = random.choice(list(HOW))
    after = 0.4 + random.random()
    agent = subprocess.Popen(
        [sys.executable, "-c", AGENT, f"task{number}", how, str(after)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    first = agent.stdout.readline()
    if HOW[how] is not None:
        time.sleep(after)
        agent.send_signal(HOW[how])
    said, _ = agent.communicate(timeout=60)
    return how, [first.strip(), *said.splitlines()], agent.returncode


def judged(url: str, printed: set[str]) -> dict[str, int]:
    """What became of the printed calls, and how many there are of each."""
    found: collections.Counter[str] = collections.Counter()
    ends: dict[str, set[str]] = collections.defaultdict(set)
    for kind, said, error, ended in rows(
        url,
        "SELECT kind, coalesce(tool_arguments, input_messages)::VARCHAR, error_type, "
        "end_time IS NOT NULL FROM steps WHERE kind IN ('tool_call', 'model_call')",
    ):
        words = said.replace('"', " ").split()
        task = next(word for word in words if word.startswith("task") and "-" in word)
        name = f"{'tool' if kind == 'tool_call' else 'model'} {task}"
        found[name] += 1
        ends[name].add(error or ("succeeded" if ended else "pending"))
    counted = collections.Counter(end for name in printed for end in ends[name] or {"missing"})
    return {
        "calls": len(printed),
        "missing": len(printed - set(found)),
        "twice": sum(count > 1 for count in found.values()),
        **{f"ended_{end}": count for end, count in sorted(counted.items())},
    }


def main() -> None:
    """Let agents die and print one JSON line."""
    options = argparse.ArgumentParser()
    options.add_argument("--deaths", type=int, default=100)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    random.seed(chosen.seed)
    with tempfile.TemporaryDirectory() as folder, serve() as models:
        spool = Path(folder) / "spool"
        served = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tellwhy",
                "serve",
                *PORTS,
                "--database",
                f"{folder}/runs.duckdb",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        url = ""
        while "SQL" not in (line := served.stdout.readline()):
            url = line.split()[-1] if "OTLP/HTTP" in line else url
        environment = os.environ | {
            "TELLWHY_ENDPOINT": url,
            "TELLWHY_SPOOL_DIR": str(spool),
            "ANTHROPIC_BASE_URL": models.url,
            "ANTHROPIC_API_KEY": "x",
            "NO_PROXY": "127.0.0.1",
        }
        ways: collections.Counter[str] = collections.Counter()
        printed: set[str] = set()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            dying = functools.partial(died, environment)
            for how, lines, status in pool.map(dying, range(chosen.deaths)):
                ways[f"{how} {status}"] += 1
                printed |= {line for line in lines if line.count("-") == 1}
        left = len(list(spool.iterdir()))
        adopter = [sys.executable, "-c", AGENT, "x", "adopt", "15"]
        subprocess.run(adopter, env=environment, check=True)
        line = judged(url, printed) | {
            "deaths": chosen.deaths,
            "ways": dict(sorted(ways.items())),
            "spools_left": left,
            "spools_after_adoption": len(list(spool.iterdir())),
        }
        served.terminate()
        served.wait(30)
    print(json.dumps(line))


if __name__ == "__main__":
    main()
