"""A body in pieces joins to the same text, and a long talk takes as many pieces as it has turns."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tellwhy._recording import pieces
from tellwhy._recording.exchange import fields_of, text_of

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=90),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)
BODIES = st.dictionaries(
    st.sampled_from(["messages", "tools", "system", "model", "input", "x"]), PLAIN, max_size=6
)


@given(BODIES)
def test_a_body_joins_to_itself(body):
    """Whatever it is made of, in its order, as long as no name says that it is a secret."""
    text = text_of(body)

    assert list(body) == list(json.loads(text))
    if "[redacted]" not in text:
        assert json.loads(json.dumps(body)) == json.loads(text)


def test_a_talk_of_n_turns_takes_n_pieces():
    """Messages, and lists that continue the one before: not the square of them."""
    pieces.forget()
    contents, requests, sizes = {}, [], []
    messages = []
    for turn in range(200):
        messages.append({"role": "user", "content": f"turn {turn} " + "x" * 100})
        body = {"model": "m", "messages": messages, "tools": [{"name": "t" * 80}]}
        references, new = pieces.keep(7, fields_of(body))
        contents |= new
        sizes.append(sum(map(len, new.values())))
        requests.append((references, json.dumps(body, separators=(",", ":"))))

    assert 402 == len(contents)
    assert sizes[199] < sizes[10] + 20
    assert all(text == pieces.joined(references, contents) for references, text in requests)


def test_agents_beside_each_other_continue_their_own_lists():
    """Two talks that take turns in one trace."""
    pieces.forget()
    talks, told = [[], []], 0
    for turn in range(20):
        for number, messages in enumerate(talks):
            messages.append({"content": f"talk {number} turn {turn} " + "y" * 80})
            _, new = pieces.keep(8, fields_of({"messages": messages}))
            told += len(new)

    assert 80 == told


def test_each_trace_is_told_all_of_its_pieces():
    """What one trace knows is told again in another: each stands alone."""
    pieces.forget()
    fields = fields_of({"system": "s" * 100})
    first, again, other = [pieces.keep(trace, fields)[1] for trace in (1, 1, 2)]

    assert (1, 0, 1) == (len(first), len(again), len(other))
