"""The script that replays a folder of recordings, over the small set of the tracer's tests."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CASSETTES = ROOT / "tracer/tests/recordings/cassettes"


@pytest.mark.slow
def test_recordings_are_replayed_counted_and_read_by_the_collector(tmp_path):
    """Every exchange passes, and the page says n of n for each provider."""
    page = tmp_path / "recordings.md"
    words = [str(ROOT / "tests/conformance/recordings.py"), str(CASSETTES), "--write", str(page)]
    words += ["--provider", "anthropic", "--provider", "openrouter"]
    command = [sys.executable, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=110)

    assert "" == done.stderr
    assert 0 == done.returncode, done.stdout
    assert "| anthropic | 5 | 5 | 5 of 5 |" in page.read_text()
    assert "| openrouter | 4 | 4 | 4 of 4 |" in page.read_text()


def test_without_a_folder_it_says_what_to_name():
    """No folder, no guess."""
    script = ROOT / "tests/conformance/recordings.py"
    command = [sys.executable, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env={})

    assert 2 == done.returncode
    assert "name one or set TELLWHY_CASSETTES" in done.stderr


@pytest.mark.slow
def test_recordings_of_providers_are_replayed_byte_for_byte():
    """The small set, in every form of the SDKs, with connections refused."""
    script = ROOT / "tests/conformance/replays.py"
    command = [sys.executable, str(script), str(CASSETTES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=115)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert done.stdout.endswith("all: 25 of 25 exchanges, 125 calls\n")
