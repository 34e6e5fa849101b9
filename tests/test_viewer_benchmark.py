"""The viewer's measurement, small: real collector, real viewer, real browser."""

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture
def module(monkeypatch):
    """A module of `docs/` or `benchmarks/`, by name."""
    for folder in ("docs", "benchmarks"):
        monkeypatch.syspath_prepend(str(ROOT / folder))
    return importlib.import_module


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")
@pytest.mark.timeout(900)
def test_every_figure_is_measured_and_makes_the_page(module, monkeypatch, tmp_path):
    """The script runs to its end, long texts travel only when they are opened, the page is made."""
    words = "--steps 40,120 --runs 120 --reviewers 2 --rounds 1".split()
    ended = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "viewer" / "measure.py"), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=880,
    )
    assert 0 == ended.returncode, ended.stderr
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ["run", "run", "long_text", "reviewers", "list"] == [line["what"] for line in lines]
    for line in lines:
        times = [value for name, value in line.items() if name.endswith("_ms")]
        assert times
        assert all(value >= 0 for value in times), line
    long_text = lines[2]
    assert long_text["text_bytes"] == 1_000_000
    assert long_text["first_bytes"] < 50_000 < long_text["result_bytes"]
    assert long_text["message_bytes"] > 50_000

    page, path = module("viewer_page"), tmp_path / "results.json"
    path.write_text(json.dumps({"results": lines}), encoding="utf-8")
    monkeypatch.setattr(page, "RESULTS", path)
    text = page.section(module("generate").table)
    assert "| 120 steps |" in text
    assert "`result_longest_task_ms`" in text
    assert set(module("run").VIEWER) == {"measure"}
