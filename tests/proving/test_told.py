"""What a test has shown, told in words by `tellwhy explain`'s reading, every sentence with its place."""

from proved_agents import claude, rule

from tellwhy_collector.explain.printed import place
from tellwhy_collector.telling.checking import check_citations
from tellwhy_collector.telling.reading import stored_in, tell
from tellwhy_collector.testing import send

MOST = ("--max-calls", "200", "--yes")


def told(bench, run, which=None):
    """The sentences of the third layer; every citation leads somewhere."""
    cursor = bench.collector.store.cursor()
    explanation, _ = tell(cursor, run, which)
    assert [] == check_citations(explanation, stored_in(cursor, explanation))
    return [one.text for one in explanation.sentences if one.layer == "tested"]


def test_before_and_after_a_test(bench):
    """Nothing was tested; then the cause stands with its draws, its interval and what it took."""
    with bench.serve(rule):
        run = bench.record(claude)
    assert ["Not tested: no replay has shown what this choice depended on."] == told(
        bench, run, "2"
    )
    assert ["Not tested: no replay has shown what the run depended on."] == told(bench, run)
    with bench.serve(noise=0.1, seed=3):
        assert 0 == bench.prove(run, "2", *MOST)[0]
    began, cause, took = told(bench, run, "2")

    assert "asked again as recorded, it made this choice" in began
    assert cause.startswith("With “result of get_order")
    assert "left out it made it" in cause
    assert "95 % interval -" in cause
    assert took.startswith("The test took ")
    assert ["Tested was 1 of 2 decisions; causes were found for decision 2."] == told(bench, run)
    answer = send(
        f"{bench.url}/api/decisions/2/explanation?run_id={run}&excerpts=true", method="GET"
    )
    cited = [
        citation
        for one in answer.json()["sentences"]
        if one["layer"] == "tested"
        for citation in one["citations"]
    ]
    assert {"proofs", "causes"} == {one["table"] for one in cited}
    assert all(one["excerpt"] for one in cited)
    proof = cited[0]["proof_id"]
    assert f"proofs.control_same where proof_id = '{proof}'" == place(cited[0])
    assert f"causes.same where proof_id = '{proof}' and place = 0" in map(place, cited)


def test_what_did_not_come_to_anything_is_told(bench):
    """A choice that the model seldom makes again has no cause that could be found."""
    with bench.serve(rule):
        run = bench.record(claude)
    with bench.serve(lambda _: "Let me think."):
        bench.prove(run, "2", *MOST)
    texts = told(bench, run, "2")

    assert "it made this choice 0 of 8 times" in texts[0]
    assert "That is too seldom: what it depended on could not be compared." == texts[1]
    assert ["Tested was 1 of 2 decisions; no cause was found."] == told(bench, run)
