"""Agents on the real SDKs and a model with a known cause, recorded, and their decisions tested."""

import json
import sys
from pathlib import Path

import pytest

import tellwhy
from tellwhy import _configure, _guard
from tellwhy.testing import model_server
from tellwhy_collector.cli import prove
from tellwhy_collector.testing import collector as running_collector
from tellwhy_collector.testing import rows, wait_until_explained

sys.path.insert(0, str(Path(__file__).parent))

from proved_agents import rule


@pytest.fixture(scope="session")
def keeping(tmp_path_factory):
    """A collector in this process."""
    with running_collector(tmp_path_factory.mktemp("proofs")) as running:
        yield running


@pytest.fixture
def bench(keeping, tmp_path, monkeypatch, capsys):
    """Records agents and tests their decisions."""
    monkeypatch.setenv("TELLWHY_STRICT", "1")
    monkeypatch.setenv("TELLWHY_ENDPOINT", keeping.http_url)
    monkeypatch.setenv("TELLWHY_SPOOL_DIR", str(tmp_path / "spool"))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "offline")
    monkeypatch.setenv("OPENAI_API_KEY", "offline")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    _configure.reset()
    _guard.reset()
    yield Bench(keeping, monkeypatch, capsys)
    _configure.reset()
    assert _guard.counts() == {}


class Bench:
    """Where decisions are tested."""

    def __init__(self, collector, monkeypatch, capsys):
        self.collector = collector
        self.url = collector.http_url
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def serve(self, rule=rule, **how):
        """A model server that the SDKs and `tellwhy prove` ask."""
        server = model_server(rule, **how)
        self._monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        self._monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        return server

    def record(self, agent, *given):
        """The id of a run of *agent*, which is on disk and looked at."""
        runs = []

        @tellwhy.agent(name="tickets")
        def play():
            runs.append(tellwhy.current_run().run_id)
            agent(*given)

        play()
        assert tellwhy.flush(20)
        wait_until_explained(self.collector.store)
        return runs[0]

    def prove(self, *words):
        """Exit status, what was printed, and what was said beside it."""
        status = prove([*words, "--url", self.url])
        said = self._capsys.readouterr()
        return status, said.out, said.err

    def told(self, *words):
        """The rows of a test."""
        status, out, err = self.prove(*words, "--json", "--yes")
        assert status == 0, err
        return json.loads(out)

    def rows(self, sql, *parameters):
        """Rows out of the collector."""
        return rows(self.collector.store, sql, parameters)
