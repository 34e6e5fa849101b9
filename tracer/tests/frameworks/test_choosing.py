"""Which adapters are chosen, and that each comes with its framework and not before."""

import subprocess
import sys

import pytest

import tellwhy
from tellwhy import _configure, _frameworks, _settings
from tellwhy._frameworks import ADAPTERS, chosen

ALL = {adapter.name for adapter in ADAPTERS}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("auto", ALL),
        ("none", set()),
        ("langgraph, MCP", {"langgraph", "mcp"}),
        ("langchain", {"langgraph"}),
        ("openai-agents", {"openai_agents"}),
        ("auto,-crewai", ALL - {"crewai"}),
        ("-crewai", ALL - {"crewai"}),
    ],
)
def test_the_setting_is_read_as_people_write_it(said, expected):
    """Names in any case, with - or _, a word for all and one for none, and exceptions."""
    assert expected == chosen(said)


def test_a_name_that_nobody_knows_costs_one_line(caplog):
    """The others are chosen all the same."""
    assert {"mcp"} == chosen("mcp,frobnicate")
    assert "TELLWHY_INSTRUMENT names frobnicate" in caplog.text


def test_nothing_is_imported_for_frameworks_that_are_not_there():
    """Neither the adapters nor what they follow."""
    program = (
        "import sys, tellwhy; tellwhy.configure(endpoint='http://127.0.0.1:9');"
        f"print([m for m in sys.modules if m.startswith('tellwhy._frameworks.')"
        f" or m in {[adapter.module for adapter in ADAPTERS]!r}])"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert "[]" == said.stdout.strip()


def test_an_adapter_comes_with_its_framework_and_goes(fresh, monkeypatch, tmp_path):
    """From the import on; choosing another one gives the hooks back."""
    package = tmp_path / "mcp.py"
    package.write_text("class ClientSession:\n    async def call_tool(self, name): return name\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "mcp", raising=False)
    with tellwhy.testing.recording(instrument="auto"):
        assert [] == _frameworks.active()
        import mcp

        original = mcp.ClientSession.call_tool.__wrapped__
        assert ["mcp"] == _frameworks.active()
        tellwhy.instrument("langgraph")
        assert [] == _frameworks.active()
        assert original is mcp.ClientSession.call_tool
    del sys.modules["mcp"], sys.modules["tellwhy._frameworks.mcp"]
    assert not _configure._State.running
    assert "auto" == _settings.current().instrument
