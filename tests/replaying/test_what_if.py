"""`tellwhy what-if`: recorded requests asked again with something changed, within a budget."""

import json
import time
import urllib.request

import openai
import pytest
from replayed_loops import chat_loop, responses_loop, task

from tellwhy._cli import what_if
from tellwhy._model_server import serve
from tellwhy_collector.testing import rows, wait_until_explained


def flipped(keeping, what):
    """What SQL says of the newest command."""
    found = rows(keeping.store, "SELECT what_if_id FROM what_ifs ORDER BY start_time DESC LIMIT 1")
    return rows(
        keeping.store,
        f"SELECT {what} FROM what_if_answers WHERE what_if_id = ? ORDER BY number, arm",
        found[0],
    )


def test_without_a_cap_there_is_a_forecast_and_nothing_is_asked(stage, recorded, capsys):
    """Requests, tokens and cost from the recording and the collector's prices; what to add."""
    status = what_if.run(["--model", "claude-haiku-4-5", recorded()])
    said = capsys.readouterr().out

    assert 0 == status
    assert 'what-if: $.model = "claude-haiku-4-5"\n  3 decisions of 1 run' in said
    assert "forecast: 3 requests to send, " in said
    assert "left out" not in said
    assert "Nothing was asked. Add --max-cost-usd 0.0" in said
    assert [] == stage.models.requests


def test_flips_are_told_counted_and_stored(stage, keeping, recorded, edit, capsys):
    """Another argument, another tool, an answer in other words; no tool runs."""
    run_id = recorded()
    steps = [{"tools": [["look_up", {"city": "Voss"}]]}, {"tools": [["cancel", {"city": "Oslo"}]]}]
    words = ["--edit", edit(*steps, {"text": "Done."}), "--max-cost-usd", "1", run_id]
    status = what_if.run(words)
    said = capsys.readouterr().out

    assert (1, 3, []) == (status, len(stage.models.requests), stage.effects)
    assert "model call 1: other arguments" in said
    assert 'was look_up({"city":"Oslo"})\n    is  look_up({"city":"Voss"})' in said
    assert "model call 2: another tool" in said
    assert "2 of 3 decisions (67%; 95 % interval 21% to 94%) flipped, in 1 of 1 run" in said
    assert [
        (1, "changed", "arguments", True),
        (2, "changed", "chosen", True),
        (3, "changed", "answer_text", False),
    ] == flipped(keeping, "number, arm, change, flipped")
    assert [("cancel",)] * 1 == flipped(keeping, "after->0->>'name'")[1:2]
    costs = [cost for (cost,) in flipped(keeping, "cost_usd")]
    assert all(cost > 0 for cost in costs)
    assert f"spent ${sum(costs):.4f} of $1.00 in 3 requests" in said
    assert [(3, 2, 1)] == rows(
        keeping.store, "SELECT asked, flipped, runs FROM what_ifs ORDER BY start_time DESC LIMIT 1"
    )


def test_another_model_is_asked_and_the_same_choice_is_no_flip(stage, recorded, capsys, tmp_path):
    """Status 0; the requests are those of the recording but for the model."""
    path = tmp_path / "said.json"
    words = ["--model", "claude-haiku-4-5", "--max-calls", "9", "--json", str(path), recorded()]
    status = what_if.run(words)
    said = json.loads(path.read_text())

    assert (0, 0, 3) == (status, said["flipped"], said["asked"])
    assert {"same": 3} == said["changes"]
    assert ["claude-haiku-4-5"] * 3 == [each.body["model"] for each in stage.models.requests]
    assert "0 of 3 decisions (0%; 95 % interval 0% to 56%) flipped" in capsys.readouterr().out


def test_what_was_answered_is_not_asked_again(stage, keeping, recorded, edit, capsys):
    """The same command goes on where it ended, and what is kept costs nothing."""
    run_id = recorded()
    words = ["--edit", edit({"text": "No."}), run_id]
    first = what_if.run(["--max-calls", "2", "--parallel", "1", *words])
    said = capsys.readouterr().out
    second = what_if.run(["--max-calls", "9", *words])
    more = capsys.readouterr().out

    assert (3, 1, 3) == (first, second, len(stage.models.requests))
    assert "1 of 3 were not asked: the budget ends here" in said
    assert "forecast: 1 request to send (2 answers kept from before)" in more
    assert [(False,), (True,), (True,)] == sorted(flipped(keeping, "cached"))


def test_the_cap_is_never_exceeded(stage, recorded, edit, capsys):
    """What a request can cost at most is set aside before it goes out."""
    words = ["--edit", edit({"text": "No."}), recorded()]
    status = what_if.run(["--max-cost-usd", "0.001", *words])

    assert (3, []) == (status, stage.models.requests)
    assert "3 of 3 were not asked: the budget ends here" in capsys.readouterr().out


def test_chance_alone_is_told_beside_it(stage, recorded, edit, capsys):
    """With --control each request is asked as it was, too."""
    words = ["--edit", edit({"text": "No."}), "--control", "--max-cost-usd", "1", recorded()]

    assert 1 == what_if.run(words)
    said = capsys.readouterr().out
    assert "2 of 3 decisions" in said
    assert "control: 0 of 3 decisions (0%" in said
    assert 6 == len(stage.models.requests)


def test_requests_are_chosen_by_sql_by_time_and_by_chance(stage, recorded, capsys):
    """Runs, single steps, the last hour, a sample of it."""
    run_id = recorded()
    one = f"SELECT run_id, span_id FROM decisions WHERE run_id = '{run_id}' AND chosen = 'book'"
    cases = (
        ["--sql", f"SELECT run_id FROM runs WHERE run_id = '{run_id}'"],
        ["--sql", one],
        ["--last", "1h", "--agent", "player", "--sample", "2"],
    )
    for words in cases:
        assert 0 == what_if.run(["--model", "claude-haiku-4-5", *words])
    said = capsys.readouterr().out

    assert "3 decisions of 1 run\n" in said
    assert "1 decision of 1 run\n" in said
    assert "2 decisions of" in said
    assert [] == stage.models.requests


@pytest.mark.parametrize("loop", [chat_loop, responses_loop])
def test_both_formats_of_openai_are_asked_again(stage, recorded, loop, capsys):
    """Chat completions and responses; what stays is no flip."""
    status = what_if.run(["--model", "gpt-5-mini", "--max-calls", "9", recorded(loop)])

    assert 0 == status, capsys.readouterr().out
    assert {"gpt-5-mini"} == {each.body["model"] for each in stage.models.requests}


def test_a_streamed_request_is_asked_in_one_piece(stage, recorded, capsys):
    """How an answer comes is not what it is."""

    def streaming(stage):
        with openai.OpenAI() as client:
            stream = client.chat.completions.create(
                model="gpt-5",
                messages=[{"role": "user", "content": task({"text": "Rain."})}],
                stream=True,
                stream_options={"include_usage": True},
            )
            return [chunk.model_dump() for chunk in stream]

    status = what_if.run(["--model", "gpt-5-mini", "--max-calls", "9", recorded(streaming)])

    assert 0 == status, capsys.readouterr().out
    assert "stream" not in stage.models.requests[0].body


def test_who_is_busy_is_asked_again_and_who_refuses_is_not(stage, recorded, edit, capsys):
    """529 twice, then the answer; 400 is told."""
    run_id = recorded()
    busy = {"status": 529, "type": "overloaded_error", "message": "Overloaded", "times": 2}
    busy["headers"] = {"retry-after-ms": "1"}
    bad = {"status": 400, "type": "invalid_request_error", "message": "No such thing.", "times": 9}
    one = f"SELECT run_id, span_id FROM decisions WHERE run_id = '{run_id}' AND chosen = 'book'"
    words = ["--sql", one, "--max-calls", "9", "--edit"]
    later = {"tools": [["look_up", {"city": "Oslo"}]]}
    again = what_if.run(
        [*words, edit(later, {"error": busy, "tools": [["cancel", {"city": "Oslo"}]]})]
    )
    refused = what_if.run([*words, edit(later, {"error": bad})])
    said = capsys.readouterr().out

    assert (1, 3) == (again, refused)
    assert 4 == len(stage.models.requests)
    assert "1 had no answer: status 400" in said
    assert "No such thing." in said


def test_words_that_make_no_sense_are_told_as_such(recorded, capsys, tmp_path):
    """A number that is none, a file that is not there."""
    with pytest.raises(SystemExit):
        what_if.run(["--model", "m", "--sample", "few", "run"])
    gone = what_if.run(["--edit", str(tmp_path / "gone.json"), recorded()])
    said = capsys.readouterr().err

    assert gone == 2
    assert "'few' is no whole number from 1 on" in said
    assert "gone.json cannot be read: No such file or directory." in said


def test_calls_that_only_others_told_of_are_left_out(keeping, recorded, capsys):
    """A step in a trace of ours without a recording is counted, too."""
    run_id = recorded()
    trace_id, root = rows(
        keeping.store,
        "SELECT trace_id, span_id FROM steps WHERE run_id = ? AND kind = 'agent' LIMIT 1",
        [run_id],
    )[0]
    said = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
    }
    span = {
        "traceId": trace_id,
        "spanId": "ab" * 8,
        "parentSpanId": root,
        "name": "chat gpt-5-mini",
        "startTimeUnixNano": str(time.time_ns() - 10),
        "endTimeUnixNano": str(time.time_ns()),
        "attributes": [{"key": k, "value": {"stringValue": v}} for k, v in said.items()],
    }
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    about = {"content-type": "application/json"}
    urllib.request.urlopen(
        urllib.request.Request(f"{keeping.http_url}/v1/traces", body, about), timeout=20
    ).close()
    wait_until_explained(keeping.store)
    status = what_if.run(["--model", "claude-haiku-4-5", run_id])

    assert status == 0
    assert "3 decisions of 1 run" in (told := capsys.readouterr().out)
    assert "1 left out: its request was not kept" in told


def test_what_cannot_be_asked_is_told_before_anything_is(recorded, capsys, monkeypatch, tmp_path):
    """No key, an unknown run, a path that leads nowhere, a model without a price."""
    run_id = recorded()
    nowhere = tmp_path / "nowhere.json"
    nowhere.write_text('{"$.messages[7].content": "x"}')
    changed = ["--model", "claude-haiku-4-5"]
    statuses = [
        what_if.run([*changed, "--max-calls", "1", "nobody"]),
        what_if.run(["--edit", str(nowhere), "--max-calls", "1", run_id]),
        what_if.run(["--model", "house-model", "--max-cost-usd", "1", run_id]),
        what_if.run([*changed, "--last", "often"]),
        what_if.run([*changed, "--sql", "SELECT 1 AS x"]),
    ]
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    statuses.append(what_if.run([*changed, "--max-calls", "1", run_id]))
    said = capsys.readouterr().err

    assert [2] * 6 == statuses
    assert "no model call was found there" in said
    assert "3 left out: $.messages[7].content leads nowhere" in said
    assert "no public price for house-model" in said
    assert "--last often is no time" in said
    assert "gives x and no run_id" in said
    assert "ANTHROPIC_API_KEY is not set" in said


def test_which_decisions_flip_is_found_by_asking_the_model(recorded, capsys, monkeypatch):
    """A model that does what its rule says, beside the recorded one."""
    run_id = recorded()

    def rule(context):
        return "I would rather not." if "book Oslo" not in str(context) else "Booked."

    with serve(rule=rule) as other:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", other.url)
        words = ["--model", "claude-haiku-4-5", "--max-calls", "9", "--no-record", run_id]
        status = what_if.run(words)
    said = capsys.readouterr().out

    assert 1 == status
    assert "2 of 3 decisions" in said
    assert "2 another kind of answer, 1 the same" in said
    assert "stored" not in said
