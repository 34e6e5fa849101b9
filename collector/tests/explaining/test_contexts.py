"""What was new in what a model saw, against the plain reading of the whole requests."""

import random

import orjson
import pytest

from tellwhy_collector.reconstruct.contexts import Request, contexts_of, places_of


def message(text, role="user"):
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def request(name, messages, **more):
    return Request(name, orjson.dumps(messages).decode(), **more)


def seen(context):
    """All messages that a call saw, the oldest first."""
    return [place.message for place in places_of(context)][::-1]


def test_a_call_that_goes_on_holds_only_what_is_new():
    """The history is told by the call before."""
    one, two, three = message("1"), message("2", "assistant"), message("3")
    found = contexts_of([request("a", [one]), request("b", [one, two, three])])

    assert (None, 0, [one]) == (found["a"].previous, found["a"].kept, found["a"].new)
    assert (found["a"], 1, [two, three]) == (found["b"].previous, found["b"].kept, found["b"].new)
    assert [one, two, three] == seen(found["b"])


def test_agents_that_take_turns_are_kept_apart():
    """Each goes on from its own last call."""
    a, b = [message("a")], [message("b")]
    found = contexts_of(
        [
            request("a1", a),
            request("b1", b),
            request("a2", [*a, message("x")]),
            request("b2", [*b, message("y")]),
        ]
    )

    assert (found["a1"], found["b1"]) == (found["a2"].previous, found["b2"].previous)


def test_a_shortened_history_keeps_what_is_still_there():
    """What was cut away is not seen any more."""
    five = [message(str(n)) for n in range(5)]
    shorter = [*five[:3], message("summary")]
    found = contexts_of([request("a", five), request("b", shorter)])

    assert (3, [message("summary")]) == (found["b"].kept, found["b"].new)
    assert shorter == seen(found["b"])


def test_a_history_that_the_provider_keeps_is_put_together():
    """Requests, and answers between them, each at its own place."""
    asked, answered, then = message("1"), message("2", "assistant"), message("3")
    found = contexts_of(
        [
            request(
                "a", [asked], response_id="r1", output_messages=orjson.dumps([answered]).decode()
            ),
            request("b", [then], response_id="r2", previous_response_id="r1"),
        ]
    )
    places = [(place.span_id, place.column, place.at) for place in places_of(found["b"])]

    assert [asked, answered, then] == seen(found["b"])
    assert [
        ("b", "input_messages", 0),
        ("a", "output_messages", 0),
        ("a", "input_messages", 0),
    ] == places


def test_tools_that_come_and_go_are_named():
    """Beside the call before; nothing is said where one was not recorded."""
    tools = [orjson.dumps([{"name": n} for n in names]).decode() for names in ("ab", "bc")]
    one = [message("1")]
    found = contexts_of(
        [
            request("a", one, tools_offered=tools[0]),
            request("b", [*one, message("2")], tools_offered=tools[1]),
            request("c", [*one, message("2"), message("3")]),
        ]
    )

    assert (["c"], ["a"]) == (found["b"].tools_added, found["b"].tools_removed)
    assert (None, None) == (found["a"].tools_added, found["c"].tools_removed)


@pytest.mark.parametrize("seed", range(20))
def test_any_history_reads_as_it_was_sent(seed):
    """Forked, cut, repeated, interleaved: what is put together is the request itself."""
    chance = random.Random(seed)
    histories, sent = [[] for _ in range(4)], []
    for place in range(60):
        history = chance.choice(histories)
        if chance.random() < 0.2:
            del history[chance.randrange(len(history) + 1) :]
        if chance.random() < 0.1 and history:
            history[chance.randrange(len(history))] = message(f"changed {place}")
        history += [message(f"{chance.randrange(5)}") for _ in range(chance.randrange(3))]
        sent.append((f"{place}", list(history)))
    found = contexts_of([request(name, messages) for name, messages in sent])

    for name, messages in sent:
        assert messages == seen(found[name])
        assert all(messages[p.at] == p.message for p in places_of(found[name]))
