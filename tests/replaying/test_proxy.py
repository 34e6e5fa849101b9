"""`tellwhy record` and `tellwhy replay --proxy`: programs that cannot be hooked, behind a proxy."""

import http.client
import json
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tellwhy._cli import record, replay
from tellwhy._proxy.server import Answered, running
from tellwhy_collector.testing import rows, wait_until_explained

PROGRAM = Path(__file__).with_name("proxied_loops.py")

LOOPS = {
    "plain": 2,
    "streamed": 2,
    "refused": 1,
    "retried": 3,
    "broken": 2,
    "interleaved": 80,
    "chat": 2,
}
"""Name -> requests to a model."""


@pytest.fixture
def program(stage, keeping, monkeypatch, tmp_path, capfd):
    """Record a loop in a process of its own, and replay one."""
    monkeypatch.setenv("TELLWHY_COLLECTOR_URL", keeping.http_url)
    seen = tmp_path / "seen.json"

    def words(*loop):
        return ["--", sys.executable, str(PROGRAM), str(seen), *loop]

    def recorded(*loop):
        status = record.run(words(*loop))
        run_id = capfd.readouterr().err.partition("recorded run ")[2].partition(":")[0]
        return status, run_id, json.loads(seen.read_text())

    def replayed(run_id, *loop):
        seen.unlink(missing_ok=True)
        status = replay.run(["--proxy", run_id, *words(*loop)])
        return status, json.loads(seen.read_text()) if seen.exists() else None

    return recorded, replayed


@pytest.mark.slow
@pytest.mark.parametrize("loop", LOOPS)
def test_what_was_recorded_is_answered_again_byte_for_byte(program, stage, loop, capfd):
    """The same output, and not one request."""
    recorded, replayed = program
    status, run_id, seen = recorded(loop)
    asked = len(stage.models.requests)
    again, seen_again = replayed(run_id, loop)
    said = capfd.readouterr().out

    assert (0, 0, LOOPS[loop], LOOPS[loop]) == (status, again, asked, len(stage.models.requests))
    assert seen == seen_again
    assert f"replay: IDENTICAL to run {run_id}" in said
    assert f"{LOOPS[loop]} of {LOOPS[loop]} model calls" in said


@pytest.mark.slow
def test_a_recorded_program_is_a_run_like_any_other(program, keeping):
    """Its decisions, tools and results stand in the same views."""
    recorded, _ = program
    _, run_id, _ = recorded("plain")
    wait_until_explained(keeping.store)

    assert [("python3", "succeeded", 2)] == [
        (name.rstrip(".0123456789") + "3" if name.startswith("python") else name, status, calls)
        for name, status, calls in rows(
            keeping.store,
            "SELECT agent_name, status, model_calls FROM runs WHERE run_id = ?",
            [run_id],
        )
    ]
    assert [("get_weather", "rain in Oslo"), (None, None)] == rows(
        keeping.store,
        "SELECT chosen, outcome_result::json->>'$' FROM decisions WHERE run_id = ? ORDER BY start_ns",
        [run_id],
    )


@pytest.mark.slow
def test_what_is_not_recorded_is_refused_and_told(program, stage, capfd):
    """Another word in the prompt: the first divergence, status 1, nothing was sent."""
    recorded, replayed = program
    _, run_id, _ = recorded("plain", "please")
    asked = len(stage.models.requests)
    status, _ = replayed(run_id, "plain", "now")
    said = capfd.readouterr().out

    assert (1, asked) == (status, len(stage.models.requests))
    assert "replay: DIVERGED from run" in said
    assert "the program's own tools ran" in said
    assert "recorded there: model call 1 (chat claude-sonnet-5)" in said
    assert '$.messages[0].content was "' in said


@pytest.mark.slow
def test_keys_are_handed_on_and_never_recorded(program, keeping, monkeypatch, capfd):
    """The provider gets them; no table does."""
    key = "sk-ant-api03-0123456789abcdefghijklmnop"
    provider = Fixed()
    with running(provider) as upstream:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", upstream.variables["ANTHROPIC_BASE_URL"])
        monkeypatch.setenv("ANTHROPIC_API_KEY", key)
        code = "import anthropic; anthropic.Anthropic().messages.create(messages=[], model='m', max_tokens=1)"
        record.run(["--", sys.executable, "-c", code])
    capfd.readouterr()
    held = rows(keeping.store, "SELECT request_headers, response_headers FROM exchanges")
    more = rows(keeping.store, "SELECT s::json FROM steps s")

    assert key in str(provider.asked[0].headers)
    assert "0123456789abcdefghij" not in str(held) + str(more)


class Fixed:
    """Answers everything in one way."""

    def __init__(self):
        self.asked = []

    def answer(self, asked):
        """Always this."""
        self.asked.append(asked)
        return Answered(200, [("x-said", "yes"), ("content-length", "99")], [b"one", b"", b"two"])


def send(url, method, body=b"", **headers):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    try:
        connection.request(method, parts.path, body, headers, encode_chunked=False)
        answer = connection.getresponse()
        return answer.status, answer.getheader("x-said"), answer.read()
    finally:
        connection.close()


def test_only_who_knows_the_path_is_answered():
    """Other programs of this machine find nothing."""
    fixed = Fixed()
    with running(fixed) as proxy:
        base = proxy.variables["ANTHROPIC_BASE_URL"]
        parts = urlsplit(base)
        known = send(f"{base}/v1/messages", "POST", b"{}")
        others = [
            send(f"http://{parts.netloc}{path}", "POST", b"{}")[0]
            for path in ("/v1/messages", "/anthropic/v1/messages", f"{parts.path}x/v1", "/")
        ]

    assert (200, "yes", b"onetwo") == known
    assert [404] * 4 == others
    assert "127.0.0.1" == parts.hostname
    assert [("anthropic", "POST", "/v1/messages", b"{}")] == [
        (each.side, each.method, each.target, each.body) for each in fixed.asked
    ]


def test_bodies_in_chunks_are_read_and_heads_have_none():
    """As some programs send and ask."""
    fixed = Fixed()
    with running(fixed) as proxy:
        base = proxy.variables["OPENAI_BASE_URL"]
        parts = urlsplit(base)
        assert (200, "yes", b"") == send(f"{base}/models", "HEAD")
        with socket.create_connection((parts.hostname, parts.port), timeout=20) as raw:
            head = f"POST {parts.path}/responses HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
            raw.sendall(head.encode() + b"transfer-encoding: chunked\r\n\r\n")
            raw.sendall(b"3\r\n{}\n\r\n2;x=1\r\n\n\n\r\n0\r\n\r\n")
            said = b""
            while piece := raw.recv(4096):
                said += piece

    assert said.endswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
    assert b"{}\n\n\n" == fixed.asked[-1].body
    assert "/v1/responses" == fixed.asked[-1].path


def test_a_provider_that_cannot_be_reached_is_told_to_the_program(stage, monkeypatch):
    """502, and the step says why."""
    from tellwhy._proxy.forwarding import Forwarding
    from tellwhy._proxy.server import Asked

    forwarding = Forwarding({"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"})
    answered = forwarding.answer(
        Asked("anthropic", "POST", "/v1/messages", [], b'{"messages": []}')
    )

    assert 502 == answered.status
    assert b"127.0.0.1:9 cannot be reached" in next(iter(answered.chunks))


def test_a_command_that_is_none_says_so(stage, capsys):
    """Status 2, as everywhere."""
    assert 2 == record.run(["--", "/nowhere/at-all"])
    assert "cannot be run: No such file or directory" in capsys.readouterr().err
