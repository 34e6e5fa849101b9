"""Providers that answer oddly: nothing is followed, mistaken for a choice, or left out of the bill."""

import argparse
import http.server
import json
import threading

import pytest

from tellwhy_collector.prove.command import _money
from tellwhy_collector.prove.drawing import is_answer
from tellwhy_collector.prove.provider import Provider, Unanswered, _anthropic
from tellwhy_collector.prove.recorded import forced


@pytest.fixture
def door():
    """A server that answers as it was told, and remembers who came with which key."""
    seen, answers = [], []

    class Answering(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append((self.path, self.headers.get("x-api-key")))
            self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, body = answers.pop(0)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST

        def log_message(self, *_):
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    server.seen, server.answers = seen, answers
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_redirect_does_not_get_the_key(door):
    """The key goes where the person said, and nowhere else."""
    door.answers.append((302, {"Location": f"{door.url}/elsewhere"}, b""))
    with pytest.raises(Unanswered, match="HTTP 302"):
        Provider(f"{door.url}/v1/messages", {"x-api-key": "KEY"}).ask({})

    assert [("/v1/messages", "KEY")] == door.seen


def test_answers_that_were_lost_are_counted(door):
    """What is no JSON was worked on by somebody, and may be on the bill."""
    door.answers += [(200, {}, b"<p>"), (200, {}, json.dumps({"content": []}).encode())]
    found = Provider(door.url, {}).ask({})

    assert (200, 1) == (found.status, found.lost)


def test_another_attempt_after_a_lost_answer_is_asked_for(door):
    """A gateway that gave up may have been served: who keeps the budget decides. A busy one costs nothing."""
    busy = (429, {"retry-after-ms": "1"}, b"{}")
    door.answers += [busy, (504, {"retry-after-ms": "1"}, b"{}")]
    asked = []
    with pytest.raises(Unanswered, match="another attempt may cost more than is left") as ended:
        Provider(door.url, {}).ask({}, lambda: bool(asked.append("again")))

    assert (["again"], 1, 2) == (asked, ended.value.lost, len(door.seen))


@pytest.mark.parametrize(
    ("choice", "tool"),
    [
        ({"type": "tool", "name": "refund"}, "refund"),
        ({"type": "function", "function": {"name": "refund"}}, "refund"),
        ({"type": "function", "name": "refund"}, "refund"),
        ({"type": "any"}, None),
        ("required", None),
        (None, None),
    ],
)
def test_a_request_that_leaves_no_choice_is_known(choice, tool):
    """In each wire format; one that only wants some tool leaves a choice."""
    assert tool == forced({"tool_choice": choice})


@pytest.mark.parametrize(
    ("wire", "body", "is_one"),
    [
        ("anthropic_messages", {"content": [{"type": "text", "text": "hi"}]}, True),
        ("anthropic_messages", {"content": [None]}, False),
        ("anthropic_messages", [], False),
        ("openai_chat", {"choices": [{"message": {"content": "hi"}}]}, True),
        ("openai_chat", {"choices": []}, False),
        ("openai_chat", {"error": {"message": "busy"}}, False),
        ("openai_responses", {"output": [{"type": "message"}], "error": None}, True),
        ("openai_responses", {}, False),
    ],
)
def test_an_error_page_is_no_choice(wire, body, is_one):
    """A gateway's 200 with something else in it must not count as another choice of the model."""
    assert is_one == is_answer(wire, body)


@pytest.mark.parametrize("text", ["nan", "-1", "inf", "much"])
def test_a_limit_is_an_amount(text):
    """What is no amount would be no limit."""
    with pytest.raises(argparse.ArgumentTypeError, match="no amount of US dollars"):
        _money(text)


def test_the_key_is_shown_as_the_sdk_of_that_version_shows_it():
    """As ``x-api-key`` with the first version of the API, else as a bearer."""
    environ = {"ANTHROPIC_API_KEY": "K", "ANTHROPIC_AUTH_TOKEN": "T"}

    assert "K" == _anthropic({}, environ)["x-api-key"]
    later = _anthropic({"anthropic-version": "2026-10-21"}, environ)
    assert ("Bearer K", False) == (later["authorization"], "x-api-key" in later)
