"""What `tellwhy prove` may spend, what it sends twice, and what it says when it cannot go on."""

import base64
import json
import urllib.error
import urllib.request

import pytest
from proved_agents import claude, rule

import tellwhy

PRICED = "claude-haiku-4-5"
MOST = ("--max-calls", "200")


@pytest.fixture
def run(bench):
    """A run of a model whose price is known."""
    with bench.serve():
        return bench.record(claude, PRICED)


def test_the_cost_is_said_first_and_nothing_is_sent(bench, run):
    """Without --yes nobody is asked here, and with --estimate nothing is either."""
    with bench.serve() as server:
        status, said, _ = bench.prove(run, "2", "--estimate")
        refused, _, why = bench.prove(run, "2")
        _, shown, _ = bench.prove(run, "2", "--estimate", "--json")

        assert server.requests == []
    assert (status, refused) == (0, 2)
    assert "never more than $1" in said
    assert "Nothing was sent." in said
    assert "add --yes, or --estimate" in why
    assert 0 < json.loads(shown)["call_usd"] <= json.loads(shown)["worst_usd"]


def test_the_cap_holds(bench, run):
    """However dear an answer may be, no call is made that could go beyond the cap."""
    cap = 0.02
    with bench.serve(noise=0.2) as server:
        status, said, _ = bench.prove(run, "2", "--yes", "--json", "--max-cost-usd", str(cap))
        calls = len(server.requests)
    proof = json.loads(said)["proof"]

    assert status == 4
    assert 0 < calls < 30
    assert 0 < proof["cost_usd"] <= cap
    assert "--max-cost-usd is 0.02" in proof["reason"]
    assert proof["result"] == "stopped"


def test_what_is_put_in_place_is_reckoned_with(bench, run):
    """The forecast knows how long --replace makes a request: no call is dearer, and the cap holds."""
    text = "The parcel was lost. " * 2000
    words = (run, "2", "--items", "result", "--replace", text)

    def worst(*words):
        _, said, _ = bench.prove(*words, "--estimate", "--json")
        return json.loads(said)["worst_usd"]

    with bench.serve() as server:
        bare, most = worst(*words[:4]), worst(*words)
        assert server.requests == []
        cap = most * 25.5
        status, said, _ = bench.prove(*words, "--yes", "--json", "--max-cost-usd", str(cap))
        assert any(text in json.dumps(request.body) for request in server.requests)
    told = json.loads(said)
    dearest = bench.rows(
        "SELECT max(cost_usd) FROM proof_calls WHERE proof_id = ?", told["proof_id"]
    )[0][0]

    assert status == 0
    assert bare < dearest <= most, "without what is put in, the forecast would have been too low"
    assert 0 < told["proof"]["cost_usd"] <= cap


def test_calls_can_be_capped(bench, run):
    """What was found until then is told and stored, and what stopped it."""
    with bench.serve() as server:
        status, said, _ = bench.prove(run, "2", "--yes", "--max-calls", "20")
        calls = len(server.requests)

    assert (status, calls) == (4, 20)
    assert "It stopped before all was clear: 20 calls were made" in " ".join(said.split())
    assert "--max-calls is 20" in said


def test_a_model_without_a_price_wants_a_cap_of_calls(bench):
    """A cap of money that cannot be kept is refused."""
    with bench.serve() as server:
        found = bench.record(claude, "claude-causal")
        server.reset()
        status, _, why = bench.prove(found, "2", "--yes", "--max-cost-usd", "1")

        assert server.requests == []
    assert status == 2
    assert "The price of 'claude-causal' is not known" in why


def test_a_second_test_costs_nothing(bench, run):
    """Every answer is taken from the collector; a test that goes on asks only what is new."""
    with bench.serve(noise=0.1, seed=4) as server:
        first = bench.told(run, "2", *MOST)
        server.reset()
        again = bench.told(run, "2", *MOST)
        assert server.requests == []

    assert (again["proof"]["calls"], again["proof"]["cost_usd"]) == (0, 0)
    assert again["proof"]["cached_calls"] == first["proof"]["calls"]
    assert again["causes"] == first["causes"]


def test_it_is_stored(bench, run):
    """Proof, causes and calls stand in their tables; the view has the newest test of the decision."""
    with bench.serve():
        told = bench.told(run, "2", *MOST)
        bench.told(run, "2", *MOST)

    counted = bench.rows(
        "SELECT (SELECT count(*) FROM proofs WHERE run_id = ?), "
        "(SELECT count(*) FROM causes WHERE proof_id = ?), "
        "(SELECT count(*) FROM proof_calls WHERE run_id = ?)",
        run,
        told["proof_id"],
        run,
    )
    assert counted == [(2, len(told["causes"]), told["proof"]["calls"])]
    joined = bench.rows(
        "SELECT d.chosen, t.label, t.flips, t.model, t.wire FROM decisions d JOIN "
        "(SELECT t.*, p.wire FROM tested_causes t JOIN proofs p USING (proof_id)) t "
        "ON t.run_id = d.run_id AND t.decision_id = d.decision_id "
        "WHERE d.run_id = ? AND t.verdict = 'cause' AND t.what = 'item'",
        run,
    )
    label = told["causes"][0]["label"]
    assert joined == [("refund", label, True, PRICED, "anthropic_messages")]
    kept = bench.rows("SELECT DISTINCT choices FROM proof_calls WHERE run_id = ?", run)
    assert not any("A-1" in choices for (choices,) in kept)


def test_a_busy_provider_is_asked_again_as_it_says(bench, run):
    """429 with Retry-After is waited for and counts as no call."""
    refusing = {"status": 429, "type": "rate_limit_error", "times": 1}
    refusing["headers"] = {"retry-after": "0", "retry-after-ms": "1"}

    def busy(context):
        call = rule(context)
        return {"tools": [[call.name, dict(call.arguments)]], "error": refusing}

    with bench.serve(busy) as server:
        told = bench.told(run, "2", *MOST)
        asked = len(server.requests)

    assert told["proof"]["result"] == "causes"
    assert asked > told["proof"]["calls"]


def test_a_request_that_is_not_taken_without_an_item_is_told(bench, run):
    """400 for one arm ends that arm alone."""

    def strict(context):
        if "get_order" in context.tools and not context.tools["get_order"]:
            problem = {"status": 400, "type": "invalid_request_error", "message": "No description."}
            return {"error": problem | {"times": 1000}}
        return rule(context)

    with bench.serve(strict):
        told = bench.told(run, "2", *MOST)

    assert [row["verdict"] for row in told["causes"] if row["kind"] == "tool"] == ["refused"]
    assert told["causes"][0]["kind"] == "result"
    assert bench.rows(
        "SELECT DISTINCT error FROM proof_calls WHERE run_id = ? AND status = 400", run
    )


def test_a_key_that_is_refused_ends_it(bench, run):
    """401 is no answer of a model; nothing is concluded from it."""
    problem = {"status": 401, "type": "authentication_error", "message": "No such key."}
    with bench.serve(lambda _: {"error": problem | {"times": 1000}}):
        status, said, _ = bench.prove(run, "2", "--yes")

    assert status == 4
    assert "the provider does not answer: HTTP 401: No such key." in said


def test_a_key_goes_to_no_address_out_of_a_recording(bench, run, monkeypatch):
    """The recorded host is somebody's word; the person has to name it."""
    monkeypatch.delenv("ANTHROPIC_BASE_URL")
    status, _, why = bench.prove(run, "2", "--yes")

    assert status == 1
    assert "no key is sent to an address out of a recording" in why


def test_without_a_key_it_says_which(bench, run, monkeypatch):
    """The variable is named."""
    with bench.serve():
        monkeypatch.delenv("ANTHROPIC_API_KEY")
        status, _, why = bench.prove(run, "2", "--yes")

    assert status == 2
    assert "Set ANTHROPIC_API_KEY" in why


def test_what_was_not_kept_cannot_be_asked_again(bench):
    """Without the request there is nothing to ask; the message says why it is not there."""

    @tellwhy.agent(replayable=False)
    def quiet():
        runs.append(tellwhy.current_run().run_id)
        claude(PRICED)

    runs = []
    with bench.serve():
        bench.record(quiet)
        status, _, why = bench.prove(runs[0], "2", "--yes")

    assert status == 1
    assert "was not kept" in why


def test_pictures_cannot_be_asked_again(bench):
    """The recording has their hash alone; the message says where."""
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"x" * 900).decode()
    source = {"type": "base64", "media_type": "image/png", "data": picture}
    with bench.serve():
        found = bench.record(lambda: claude(PRICED, result=[{"type": "image", "source": source}]))
        status, _, why = bench.prove(found, "2", "--yes")

    assert status == 1
    assert "keeps only the hash, at $.messages[2].content[0]" in why


def test_redacted_places_are_asked_with_their_mark(bench):
    """The secret is not there any more; the report says how many places there are."""
    secret = "sk-ant-" + "api03-" + "Ab3" * 31
    with bench.serve() as server:
        found = bench.record(lambda: claude(PRICED, result=f"damaged; key {secret}"))
        server.reset()
        _, said, _ = bench.prove(found, "2", "--yes")
        bodies = json.dumps([request.body for request in server.requests])

    assert "Redacted places of the request: 1." in said
    assert secret not in bodies
    assert "[redacted]" in bodies


def test_the_door_takes_only_what_it_knows(bench, run):
    """A row with another field, a step that is not there, and a foreign key are refused."""
    names = {"run_id": run, "span_id": "00" * 8, "proof_id": "p"}
    for body, status, words in (
        (names, 404, "There is no step"),
        (names | {"more": 1}, 400, "'more' is not known"),
        (names | {"causes": [{"what": "item"}]}, 400, "A row of causes has the fields"),
        ({"run_id": run}, 400, '"span_id" must be a text'),
    ):
        asked = urllib.request.Request(
            f"{bench.url}/api/causes",
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asked, timeout=20)
        with refused.value as error:
            assert (error.code, words in json.loads(error.read())["error"]) == (status, True), words
