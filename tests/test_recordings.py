"""The script that replays a folder of recordings, over the small set of the tracer's tests."""

import json
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


def said(role, content, **more):
    return {"role": role, "content": content, **more}


def asked(call_id, name, arguments):
    call = {"name": name, "arguments": json.dumps(arguments)}
    calls = [{"id": call_id, "type": "function", "function": call}]
    return said("assistant", None, tool_calls=calls)


@pytest.mark.slow
def test_whole_talks_are_replayed_with_their_tools_stubbed(tmp_path):
    """Files as tau-bench writes them: every result of a tool is given again, and none runs."""
    talks = [
        [
            said("system", "You change bookings."),
            said("user", "Move my flight, please."),
            asked("c1", "get_booking", {"id": "EHGLP3"}),
            said("tool", '{"flight": "HAT001", "seats": [1, null]}', tool_call_id="c1"),
            asked("c2", "move_booking", {"id": "EHGLP3", "day": 16}),
            said("tool", "Error: no seats", tool_call_id="c2"),
            said("assistant", "There is no seat on that day."),
            said("user", "###STOP###"),
        ],
        [said("user", "Hello."), said("assistant", "Good evening.")],
    ]
    for number, talk in enumerate(talks):
        (tmp_path / f"{number}.json").write_text(json.dumps({"traj": talk, "reward": 1.0}))
    script = ROOT / "tests/conformance/talks.py"
    command = [sys.executable, str(script), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=115)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "2 of 2 runs\n4 model calls, 2 tool calls\n" == done.stdout
