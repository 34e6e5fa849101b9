"""What a `tellwhy what-if` costs when answers are lost, or the collector is."""

import http.server
import json
import threading
import urllib.request

import pytest

from tellwhy._cli import what_if


@pytest.fixture
def impatient(monkeypatch):
    """Tries follow at once."""
    monkeypatch.setattr("tellwhy._reask.provider.FIRST_WAIT_S", 0.001)


@pytest.mark.parametrize("parallel", ["1", "4"])
@pytest.mark.usefixtures("impatient")
def test_every_try_whose_answer_is_lost_counts(stage, recorded, edit, capsys, parallel):
    """Answers that end in the middle may be on the bill: seven tries are seven calls."""
    words = ["--max-calls", "7", "--parallel", parallel]
    status = what_if.run([*words, "--edit", edit({"text": "No.", "cut": True}), recorded()])
    said = capsys.readouterr().out

    assert (3, 7) == (status, len(stage.models.requests))
    assert "in 7 requests\n  7 of them had no answer and may be on the bill" in said
    assert "another try might cost more than is left" in said


@pytest.mark.parametrize("parallel", ["1", "4"])
@pytest.mark.usefixtures("impatient")
def test_lost_answers_never_lead_beyond_the_cap(stage, recorded, edit, capsys, parallel):
    """Each is reckoned as dear as it can have been, before another try is sent."""
    path, cap = stage.folder / "said.json", 0.02
    words = ["--max-cost-usd", str(cap), "--parallel", parallel, "--json", str(path)]
    words += ["--model", "claude-haiku-4-5"]
    status = what_if.run([*words, "--edit", edit({"text": "No.", "cut": True}), recorded()])
    told = json.loads(path.read_text())

    assert 3 == status
    assert 0 < told["cost_usd"] <= cap
    assert told["lost_cost_usd"] == pytest.approx(told["cost_usd"])
    assert 1 < told["requests"] == told["lost_requests"] == len(stage.models.requests) < 15
    assert f"with the most that they can have cost: ${told['lost_cost_usd']:.4f}" in (
        capsys.readouterr().out
    )


@pytest.mark.usefixtures("impatient")
def test_an_answer_after_a_lost_one_costs_both(stage, recorded, edit, capsys):
    """A gateway that gave up, then the answer: two requests, one of them lost."""
    gone = {"status": 504, "type": "timeout_error", "message": "Gave up.", "times": 1}
    run_id = recorded()
    one = f"SELECT run_id, span_id FROM decisions WHERE run_id = '{run_id}' AND chosen = 'book'"
    later = {"tools": [["look_up", {"city": "Oslo"}]]}
    words = ["--sql", one, "--max-calls", "9"]
    status = what_if.run([*words, "--edit", edit(later, {"text": "No.", "error": gone})])
    said = capsys.readouterr().out

    assert (1, 2) == (status, len(stage.models.requests))
    assert "in 2 requests\n  1 of them had no answer" in said


@pytest.fixture
def leaving(stage, keeping):
    """The address of a collector that knows no price any more once a model was asked."""

    class Relay(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"] or 0))
            if self.path == "/api/costs" and stage.models.requests:
                self.send_error(503)
                return
            url, about = keeping.http_url + self.path, {"content-type": "application/json"}
            request = urllib.request.Request(url, body or None, about)
            with urllib.request.urlopen(request, timeout=20) as said:
                found = said.read()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(found)

        def do_GET(self):
            self.headers["content-length"] = "0"
            self.do_POST()

        def log_message(self, *args):
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Relay) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_what_was_paid_for_is_kept_without_a_collector(stage, recorded, edit, capsys, leaving):
    """Without prices nothing more is sent; what was answered is told and kept."""
    words = ["--edit", edit({"text": "No."}), "--parallel", "1", "--max-cost-usd", "1"]
    words += ["--no-record", recorded()]
    status = what_if.run(["--url", leaving, *words])
    said = capsys.readouterr().out
    again = what_if.run(words)

    assert (3, 1) == (status, again)
    assert "2 of 3 were not asked: the budget ends here" in said
    assert 3 == len(stage.models.requests)
