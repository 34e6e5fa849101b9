"""Agents on the real SDKs and a scripted model, recorded into a real collector and replayed."""

import asyncio
import json
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import tellwhy
from tellwhy import _configure, _guard
from tellwhy._replay import Verdict
from tellwhy_collector.testing import collector as running_collector
from tellwhy_collector.testing import rows, wait_until_explained

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def plain_main(monkeypatch):
    """A `__main__` that spawned workers need not run: other tests have put a script of theirs there."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))


@pytest.fixture(scope="session")
def model_server():
    """A scripted model server."""
    from tellwhy._model_server import serve

    with serve() as server:
        yield server


@pytest.fixture(scope="session")
def keeping(tmp_path_factory):
    """A collector in this process."""
    with running_collector(tmp_path_factory.mktemp("recordings")) as running:
        yield running


@pytest.fixture
def stage(model_server, keeping, tmp_path, monkeypatch):
    """Records agents and replays them."""
    model_server.reset()
    monkeypatch.setenv("TELLWHY_STRICT", "1")
    monkeypatch.setenv("TELLWHY_ENDPOINT", keeping.http_url)
    monkeypatch.setenv("TELLWHY_SPOOL_DIR", str(tmp_path / "spool"))
    for name, value in {
        "ANTHROPIC_BASE_URL": model_server.url,
        "ANTHROPIC_API_KEY": "x",
        "OPENAI_BASE_URL": f"{model_server.url}/v1",
        "OPENAI_API_KEY": "x",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    _configure.reset()
    _guard.reset()
    yield Stage(keeping.http_url, tmp_path, model_server)
    _configure.reset()
    assert _guard.counts() == {}


@dataclass
class Played:
    """A recorded run and a replay of it."""

    first: Any
    """What the agent gave when it was recorded."""
    again: Any
    """What it gave in the replay."""
    verdict: Verdict
    ran: int
    """How often tools ran in the replay."""
    requests: int
    """How many requests reached the model server in the replay."""


class Stage:
    """Where agents play."""

    def __init__(self, url, folder, models):
        self.url = url
        self.folder = folder
        self.models = models
        self.effects = []
        """What tools did; one entry a call."""

    def record(self, agent):
        """What *agent* gives, and a file with the recording of its run."""
        runs = []

        @tellwhy.agent(name="player")
        def play():
            runs.append(tellwhy.current_run().run_id)
            return agent(self)

        @tellwhy.agent(name="player")
        async def play_async():
            runs.append(tellwhy.current_run().run_id)
            return await agent(self)

        given = _run(agent, play, play_async)
        assert tellwhy.flush(20)
        path = self.folder / f"{runs[0]}.jsonl"
        with urllib.request.urlopen(f"{self.url}/api/runs/{runs[0]}/recording", timeout=20) as said:
            path.write_bytes(said.read())
        return given, path

    def program(self, keeping, agent, *words):
        """The id of the run of *agent* that a program makes, and what the program printed."""
        done = subprocess.run(words, check=True, timeout=120, stdout=subprocess.PIPE, text=True)
        newest = "SELECT run_id FROM steps WHERE name = ? ORDER BY start_ns DESC LIMIT 1"
        return rows(keeping.store, newest, [f"invoke_agent {agent}"])[0][0], done.stdout

    def replay(self, agent, path, **options):
        """What *agent* gives on a recording, and the verdict."""

        @tellwhy.agent(name="player")
        def play():
            return agent(self)

        @tellwhy.agent(name="player")
        async def play_async():
            return await agent(self)

        given = None
        with tellwhy.replaying(path, **options) as verdict:
            given = _run(agent, play, play_async)
        return given, verdict

    def play(self, agent, other=None, **options):
        """Record *agent*, then replay *other*, by default the same."""
        first, path = self.record(agent)
        ran, asked = len(self.effects), len(self.models.requests)
        again, verdict = self.replay(other or agent, path, **options)
        asked = len(self.models.requests) - asked
        return Played(first, again, verdict, len(self.effects) - ran, asked)


def _run(agent, play, play_async):
    if asyncio.iscoroutinefunction(agent):
        return asyncio.run(play_async())
    return play()


@pytest.fixture
def recorded(stage, keeping, monkeypatch, tmp_path):
    """A recorded run, and the words that name its collector; answers are kept in a folder of ours."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TELLWHY_COLLECTOR_URL", keeping.http_url)

    import asked_again

    def record(one=asked_again.agent):
        _, path = stage.record(one)
        wait_until_explained(keeping.store)
        stage.models.requests.clear()
        stage.effects.clear()
        return path.stem

    return record


@pytest.fixture
def edit(tmp_path):
    """A file that makes the scripted model answer otherwise."""
    from replayed_loops import task

    def write(*steps, **more):
        path = tmp_path / "edit.json"
        path.write_text(json.dumps({"$.messages[0].content": task(*steps), **more}))
        return str(path)

    return write
