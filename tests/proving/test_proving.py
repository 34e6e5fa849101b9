"""`tellwhy prove` against decisions whose cause is known."""

import json

import pytest
from proved_agents import RESULT, SYSTEM, chat, claude, responses, rule

from tellwhy.testing import Call

MOST = ("--max-calls", "200")


def found(told):
    """Kind, and whether it flips, of what was called a cause; groups left aside."""
    return [
        (row["what"], row["kind"], row["flips"])
        for row in told["causes"]
        if row["verdict"] == "cause" and row["what"] != "group"
    ]


def recorded(bench, agent=claude, *given, rule=rule):
    """A run that a model without noise has decided."""
    with bench.serve(rule):
        return bench.record(agent, *given)


@pytest.mark.parametrize("agent", [claude, chat, responses])
def test_the_planted_cause_is_found_over_every_wire_format(bench, agent):
    """The result that the rule reads is the cause, and nothing else is."""
    run = recorded(bench, agent)
    with bench.serve(noise=0.1, seed=3) as server:
        told = bench.told(run, "2", *MOST)
        bodies = [request.body for request in server.requests]

    assert found(told) == [("item", "result", True)]
    first = told["causes"][0]
    assert first["label"].startswith("result of get_order")
    assert -1 <= first["rate_change_low"] <= first["rate_change"] <= first["rate_change_high"] < 0
    assert first["p_adjusted"] <= 0.05
    assert told["proof"]["result"] == "causes"
    assert told["proof"]["calls"] == len(bodies) <= 200
    assert not any(body.get("stream") for body in bodies)


def test_two_items_that_are_both_needed_are_both_found(bench):
    """Leaving out either of them changes the choice."""

    def both(context):
        if context.results and "Only damaged" in context.system:
            return rule(context)
        return Call("get_order", {"order": "A-1"})

    run = recorded(bench, rule=both)
    with bench.serve(both):
        told = bench.told(run, "2", *MOST)

    assert sorted(found(told)) == [("item", "instructions", True), ("item", "result", True)]


def test_of_two_items_that_each_suffice_the_pair_is_found(bench):
    """No single item matters; the smallest set that flips the choice is confirmed with its own draws."""

    def either(context):
        told = any("damaged" in each.text for each in context.results)
        if told or "damaged orders" in context.system:
            return Call("refund", {"order": "A-1"})
        return Call("escalate", {"order": "A-1"})

    run = recorded(bench, rule=either)
    with bench.serve(either):
        told = bench.told(run, "1", *MOST, "--items", "instructions,result")
        assert found(told) == [("item", "instructions", True)]
        told = bench.told(run, "2", *MOST, "--items", "instructions,result")
        _, said, _ = bench.prove(run, "2", *MOST, "--yes", "--items", "instructions,result")

    assert found(told) == [("set", "mixed", True)]
    assert len(json.loads(told["causes"][0]["paths"])) == 2
    assert "either of them is enough" in said


def test_a_group_is_told_when_calls_run_out_before_its_items_are(bench):
    """What it depended on is known in part; nobody is told that nothing mattered."""

    def by_tools(context):
        described = any(context.tools.values())
        return rule(context) if described or not context.results else Call("close", {})

    run = recorded(bench, rule=by_tools)
    with bench.serve(by_tools):
        status, said, _ = bench.prove(run, "2", "--yes", "--items", "tool", "--max-calls", "24")
    said = " ".join(said.split())

    assert status == 4
    assert "It depended on description of the tool get_order to description" in said
    assert "Nothing that was left out" not in said


def test_a_choice_without_a_cause_has_none(bench):
    """The model refunds whatever it is told: nothing is called a cause."""

    def always(_context):
        return Call("refund", {"order": "A-1"})

    run = recorded(bench, rule=always)
    with bench.serve(always, noise=0.1, seed=5):
        told = bench.told(run, "1", *MOST)
        status, said, _ = bench.prove(run, "1", *MOST, "--yes")

    assert (found(told), told["proof"]["result"]) == ([], "nothing")
    assert status == 0
    assert "Nothing that was left out changed how often the model chooses `refund`." in said


def test_a_choice_that_is_not_made_again_is_not_tested(bench):
    """A fluke has no cause that could be found; little is spent on it."""
    run = recorded(bench)
    with bench.serve(lambda _: "Let me think."):
        told = bench.told(run, "2", *MOST)

    assert (told["proof"]["result"], told["proof"]["calls"], told["causes"]) == ("unsteady", 8, [])


def test_an_answer_is_tested_by_its_kind(bench):
    """Without the result the model would call a tool instead of answering."""

    def answers(context):
        return "Done." if context.results else Call("get_order", {"order": "A-1"})

    run = recorded(bench, rule=answers)
    with bench.serve(lambda c: answers(c) if "damaged" in c.result("get_order") else rule(c)):
        told = bench.told(run, "2", *MOST)

    assert told["proof"]["same_means"] == "kind"
    assert found(told) == [("item", "result", True)]


def test_arguments_can_count(bench):
    """The same tool with another amount is another choice only when one says so."""

    def amount(context):
        if not context.results:
            return Call("get_order", {"order": "A-1"})
        order = "A-1" if "damaged" in context.result("get_order") else "unknown"
        return Call("refund", {"order": order})

    run = recorded(bench, rule=amount)
    with bench.serve(amount):
        loose = bench.told(run, "2", *MOST)
        strict = bench.told(run, "2", *MOST, "--same-arguments")

    assert (found(loose), loose["proof"]["same_means"]) == ([], "tool")
    assert (found(strict), strict["proof"]["same_means"]) == (
        [("item", "result", True)],
        "arguments",
    )


def test_a_result_can_be_replaced_instead_of_left_out(bench):
    """What stands there instead is what the model reads."""
    run = recorded(bench)
    with bench.serve() as server:
        told = bench.told(
            run, "2", *MOST, "--items", "result", "--replace", "It arrived damaged too."
        )
        bodies = [json.dumps(request.body) for request in server.requests]

    assert found(told) == []
    assert {row["change"] for row in told["causes"]} == {"replaced"}
    assert any("It arrived damaged too." in body for body in bodies)


def test_every_request_stays_valid(bench):
    """Calls keep their results, no text is empty, thinking and its signature are untouched."""
    run = recorded(
        bench,
        lambda: claude(thinking={"type": "enabled", "budget_tokens": 1024}),
        rule=lambda c: {"think": "Look first.", **_step(rule(c))},
    )
    with bench.serve() as server:
        bench.told(run, "2", *MOST)
        bodies = [request.body for request in server.requests]

    for body in bodies:
        blocks = [
            b for m in body["messages"] if isinstance(m["content"], list) for b in m["content"]
        ]
        calls = {block["id"] for block in blocks if block["type"] == "tool_use"}
        assert calls == {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
        thoughts = [block for block in blocks if block["type"] == "thinking"]
        assert [(one["thinking"], one["signature"][:4]) for one in thoughts] == [
            ("Look first.", "sig_")
        ]
        assert all(block["text"] for block in blocks if block["type"] == "text")
        assert all(message["content"] for message in body["messages"])
        assert body.get("system", "x")
    assert SYSTEM in {body.get("system") for body in bodies}
    assert RESULT in {b["messages"][2]["content"][0]["content"] for b in bodies}


def _step(call):
    return {"tools": [[call.name, dict(call.arguments)]]}
