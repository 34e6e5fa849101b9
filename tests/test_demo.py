"""`tellwhy demo`: its recordings and scripts, and the whole of it with `--check`."""

import gzip
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
from importlib.resources import files
from urllib.parse import urlsplit

import pytest

from tellwhy._cli.demo import AGENTS
from tellwhy._demo import recorded, scenarios

RECORDINGS = files("tellwhy._demo") / "recordings"


def demo(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `tellwhy demo` and give back what it said; a variable of `""` is unset."""
    environment = {name: value for name, value in {**os.environ, **variables}.items() if value}
    return subprocess.run(
        [sys.executable, "-m", "tellwhy", "demo", *words],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        env=environment,
    )


def test_recordings_are_small_and_clean():
    """No script of the model server, no text of a provider, no path of a home folder, < 300 kB."""
    total = 0
    for path in RECORDINGS.iterdir():
        if path.name.endswith(".gz"):
            data = path.read_bytes()
            total += len(data)
            text = gzip.decompress(data).decode()
            for mark in ("<<script", "You are Claude Code", "/home/"):
                assert mark not in text, (path.name, mark)
    assert 0 < total < 300_000


def test_every_recording_is_described():
    """The README of the recordings names each file's instrumentor."""
    described = (RECORDINGS / "README.md").read_text()
    for name in recorded.MINUTES_AGO:
        assert f"{name}.traces.json.gz" in described


def test_times_are_moved_together():
    """Every time of a record moves by the same amount, and 0 stays the mark of a pending span."""
    second = 1_000_000_000
    moved = recorded._shift(
        {
            "startTimeUnixNano": str(5 * second),
            "endTimeUnixNano": "0",
            "events": [{"timeUnixNano": str(6 * second), "name": "x"}],
            "attributes": [
                {"key": "event.timestamp", "value": {"stringValue": "2026-11-22T16:58:51.294Z"}},
                {"key": "startTime", "value": {"intValue": "5"}},
            ],
        },
        3600 * second,
    )
    assert moved["startTimeUnixNano"] == str(3605 * second)
    assert moved["endTimeUnixNano"] == "0"
    assert moved["events"][0]["timeUnixNano"] == str(3606 * second)
    assert moved["attributes"][0]["value"]["stringValue"] == "2026-11-22T17:58:51.294Z"
    assert moved["attributes"][1]["value"] == {"intValue": "5"}


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.module)
def test_scripts_call_tools_that_exist(agent, monkeypatch):
    """Each tool that a script calls is a function of the agent, called with its parameters."""
    import inspect

    monkeypatch.setenv("ANTHROPIC_API_KEY", "x")
    module = importlib.import_module(f"tellwhy._demo.agents.{agent.module}")
    known = {**vars(module), **getattr(module, "TOOLS", {})}
    calls = [
        call
        for entry in scenarios.scenario(agent.module)
        for step in entry["steps"]
        for call in step.get("tools", [])
    ]
    assert calls
    for name, arguments in calls:
        inspect.signature(known[name]).bind(**arguments)


def test_the_script_is_not_part_of_the_prompt():
    """The script is added where the request is answered; the agent's own request stays as it was."""
    body = {"system": "You watch the shelves of a shop.", "messages": []}
    prepared = scenarios.prepare("/stock/v1/messages", body)
    assert "<<script:" in prepared["system"]
    assert "<<script:" not in json.dumps(body)
    assert scenarios.prepare("/v1/messages", body) is body
    assert scenarios.prepare("/../secrets/v1/messages", body) is body


def test_live_without_a_key_says_what_to_do():
    """`--live` without ANTHROPIC_API_KEY ends at once with the variable's name."""
    done = demo("--live", "--check", ANTHROPIC_API_KEY="")
    assert done.returncode == 1
    assert "ANTHROPIC_API_KEY is not set" in done.stderr


def test_missing_sdks_are_named_with_their_pip_install():
    """Without the SDKs the demo says what to install."""
    code = (
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'openai' else find(name, *a)\n"
        "from tellwhy._cli.demo import run; raise SystemExit(run(['--check']))"
    )
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert 'openai: not installed. Run: pip install "tellwhy[demo]"' in done.stderr


@pytest.mark.slow
def test_the_demo_shows_what_it_promises():
    """`--check` finds every run, decision, approval, retry and failure, and both rooms answer."""
    done = demo("--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAIL" not in done.stdout
    assert done.stdout.count("\nok  ") >= 15


@pytest.mark.slow
def test_the_agents_run_for_a_collector_that_is_there(collector):
    """`--collector-url` starts no rooms, runs the agents once and ends when their spans are sent."""
    running = collector()
    done = demo("--collector-url", running.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert running.ask("SELECT count(*) FROM runs WHERE service_name LIKE 'demo-%'") == [[6]]


def test_a_collector_that_is_not_there_is_named():
    """`--collector-url` without anybody at that address ends with 1 and says what to start."""
    done = demo("--collector-url", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "No collector is ready at http://127.0.0.1:9" in done.stderr


def test_a_feed_is_stopped_politely():
    """`--every` goes on without a collector, and SIGTERM ends the pause with 0."""
    words = ["--collector-url", "http://127.0.0.1:9", "--every", "60"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tellwhy", "demo", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "No collector is ready" in process.stderr.readline()
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.parametrize(
    "words", [["--every", "5"], ["--collector-url", "http://127.0.0.1:9", "--check"]]
)
def test_words_that_exclude_each_other_are_refused(words):
    """`--every` alone and `--check` for a foreign collector end with 2 and a sentence."""
    done = demo(*words)
    assert done.returncode == 2
    assert "--collector-url" in done.stderr


@pytest.mark.slow
def test_a_recording_that_is_there_is_not_loaded_again(collector):
    """Loading twice into one database posts everything once."""
    running = collector()
    first = recorded.load(running.url)
    assert first.keys() == recorded.MINUTES_AGO.keys()
    assert all(first.values())
    assert not any(recorded.load(running.url).values())
    counted = "SELECT (SELECT count(*) FROM spans) + (SELECT count(*) FROM logs)"
    assert running.ask(counted) == [[sum(first.values())]]
    assert running.ask("SELECT count(*) FROM runs WHERE start_time < now() - INTERVAL 1 DAY") == [
        [0]
    ]


CHROMIUM = os.environ.get("TELLWHY_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def running_demo():
    """A demo that stays up; gives the address that it says to look at."""
    words = [sys.executable, "-m", "tellwhy", "demo", "--no-browser"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    link = ""
    assert process.stdout is not None
    for line in process.stdout:
        if "look at" in line:
            link = line.split()[-1]
        if line.startswith("Ctrl+C"):
            break
    yield link
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=40)
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_a_reviewer_sees_the_payment_and_who_approved_it(running_demo):
    """The printed address shows the decision; the page makes no error and asks no other host."""
    from playwright.sync_api import expect, sync_playwright

    problems: list[str] = []
    hosts: set[str] = set()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or ""))
        page.goto(running_demo)
        for text in ("Please resolve ticket T-55102.", "Erika Mustermann", "issue_refund", "249.0"):
            expect(page.get_by_text(text).first).to_be_attached(timeout=20_000)
        assert "<<script" not in page.content()
        browser.close()
    assert problems == []
    assert hosts <= {"127.0.0.1", ""}
