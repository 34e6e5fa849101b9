"""`tellwhy export html` and `tellwhy verify`: one run in one file that shows when it was changed."""

import json
import time
import urllib.request

import pytest

from tellwhy._cli import export, pack
from tellwhy._cli.pack.page import BLOCK, read
from tellwhy_collector.testing import span, traces

RUN = "d" * 32
HOSTILE = "</script><img src=x onerror=alert(1)>\u202e<!-- &amp; ]]> \x1b[31m"


@pytest.fixture
def there(collector):
    """A collector with one hostile run that somebody approved, looked at as a whole."""
    running = collector()
    own = {"tellwhy.run.id": RUN, "gen_ai.agent.name": HOSTILE}
    chosen = [{"action": "tool_call", "name": "pay", "tool_call_id": "c1"}]
    answer = {"type": "tool_call", "id": "c1", "name": "pay", "arguments": {"to": HOSTILE}}
    messages = [{"role": "user", "parts": [{"type": "text", "content": HOSTILE}]}]
    spans = [
        {"tellwhy.step.kind": "agent", "tellwhy.input": json.dumps({"task": HOSTILE})},
        {
            "tellwhy.step.kind": "model_call",
            "gen_ai.input.messages": json.dumps(messages),
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [answer]}]),
            "tellwhy.decision.chosen": json.dumps(chosen),
            "tellwhy.decision.offered": json.dumps(["pay"]),
        },
        {
            "tellwhy.step.kind": "human",
            "tellwhy.approval.decision": "approved",
            "tellwhy.approval.approver": HOSTILE,
            "tellwhy.approval.approver_kind": "person",
            "tellwhy.approval.tool_call_id": "c1",
            "tellwhy.approval.tool_name": "pay",
            "tellwhy.approval.shown": json.dumps({"to": HOSTILE}),
        },
        {
            "tellwhy.step.kind": "tool_call",
            "gen_ai.tool.name": "pay",
            "gen_ai.tool.call.id": "c1",
            "gen_ai.tool.call.arguments": json.dumps({"to": HOSTILE}),
            "gen_ai.tool.call.result": HOSTILE,
            "tellwhy.tool.effect": "irreversible",
        },
    ]
    first, *rest = [span(own | more, traceId=RUN) for more in spans]
    for one in rest:
        one["parentSpanId"] = first["spanId"]
    body = json.dumps(traces([first, *rest])).encode()
    asked = urllib.request.Request(
        f"{running.url}/v1/traces", body, {"content-type": "application/json"}
    )
    urllib.request.urlopen(asked, timeout=20).close()
    for _ in range(600):
        told = running.ask("SELECT 1 FROM approvals, decisions")
        if told and not running.ask("SELECT 1 FROM unexplained"):
            return running
        time.sleep(0.1)
    raise AssertionError("the run was never looked at")


@pytest.fixture
def path(there, tmp_path):
    """A pack of the run."""
    path = tmp_path / "pack.html"
    assert 0 == export.run(["html", RUN, "-o", str(path), "--url", there.url])
    return path


def test_a_pack_holds_every_record_and_agrees_with_the_collector(there, path, capsys):
    """All tables of the run come back out of the file; verify says so and knows the seal."""
    held, about = read(path.read_text("utf-8"))
    seal = pack.seal(pack.manifest(held), about)

    assert (RUN, 1) == (about["run_id"], about["format"])
    assert (1, 1, 4, 1) == tuple(
        len(held[name]) for name in ("runs", "decisions", "steps", "approvals")
    )
    assert HOSTILE == held["runs"][0]["agent_name"]
    assert 0 == pack.verify([str(path), "--seal", seal, "--url", there.url])
    assert "agrees with the collector" in capsys.readouterr().out


def test_what_an_agent_wrote_stays_text(path):
    """No tag of it, no script but the data, no address to load from."""
    text = path.read_text("utf-8")

    assert 1 == text.count("<script") == text.count("</script>")
    assert "<img" not in text
    assert "default-src 'none'" in text
    assert "\u202e" not in text.split(BLOCK)[0]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"approval_decision":"approved"', '"approval_decision":"denied"', "records were changed"),
        ("Recorded: what happened", "Recorded: what did not", "the page was changed"),
    ],
)
def test_a_change_is_found(path, capsys, old, new, said):
    """In the records by their hashes, in what is shown by making the page again."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")

    assert 1 == pack.verify([str(path)])
    assert said in capsys.readouterr().out


def test_a_pack_that_was_sealed_again_differs_from_its_seal_and_the_collector(there, path, capsys):
    """Whoever changes a record and makes all hashes anew still cannot make the noted seal."""
    held, about = read(path.read_text("utf-8"))
    seal = pack.seal(pack.manifest(held), about)
    held["decisions"][0]["outcome"] = "denied"
    path.write_text(pack.page(held, about), "utf-8")

    assert 0 == pack.verify([str(path)])
    assert 1 == pack.verify([str(path), "--seal", seal])
    assert 1 == pack.verify([str(path), "--url", there.url])
    assert "differs from the collector's" in capsys.readouterr().out


def test_what_is_no_pack_and_what_is_no_run_are_said(there, tmp_path, capsys):
    """Exit status 2 for a file that holds no records, 1 for a run that is not there."""
    other = tmp_path / "other.html"
    other.write_text("<p>hello</p>")

    assert 2 == pack.verify([str(other)])
    assert 1 == export.run(["html", "nobody", "-o", str(other), "--url", there.url])
    assert "no run nobody" in capsys.readouterr().err
