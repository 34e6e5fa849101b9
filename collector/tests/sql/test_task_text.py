"""`task_text`: what a run was asked, out of what frameworks wrap it in."""

import json

import pytest

from tellwhy_collector.telling.run import plain_text

GENAI = [
    {"role": "system", "parts": [{"type": "text", "content": "You help."}]},
    {"role": "user", "parts": [{"type": "text", "content": "Find it."}]},
]
LANGCHAIN = [{"type": "human", "data": {"content": "Find it."}}]
CHAT = [
    {"role": "user", "content": "Hello."},
    {"role": "assistant", "content": "Hello!"},
    {"role": "user", "content": [{"type": "text", "text": "Find it."}]},
    {"role": "user", "content": [{"type": "tool_result", "content": "found"}]},
]


@pytest.mark.parametrize(
    ("recorded", "said"),
    [
        (None, None),
        ("Find it.", "Find it."),
        (json.dumps("Find it."), "Find it."),
        (json.dumps({"ticket": "Find it."}), "Find it."),
        (json.dumps({"a.b$\"'": "Find it."}), "Find it."),
        (json.dumps(GENAI), "Find it."),
        (json.dumps(LANGCHAIN), "Find it."),
        (json.dumps(CHAT), "Find it."),
        (json.dumps({"messages": CHAT}), "Find it."),
        (json.dumps({"messages": CHAT, "thread": 7}), "Find it."),
        (json.dumps({"conversation": CHAT}), "Find it."),
        (json.dumps({"order": {"id": 7}}), '{"id":7}'),
        ('{"a": 1, "b": 2}', '{"a": 1, "b": 2}'),
        ("[]", "[]"),
        ("{}", "{}"),
        ("[1, 2]", "[1, 2]"),
        ("{'not': json", "{'not': json"),
    ],
)
def test_what_was_asked_is_found(store, recorded, said):
    """The last thing that a user said, the only argument, or what was recorded as it is."""
    assert (said,) == store.cursor().execute("SELECT task_text(?::VARCHAR)", [recorded]).fetchone()


@pytest.mark.parametrize("recorded", [GENAI[1:], LANGCHAIN, {"ticket": "Find it."}, "Find it."])
def test_a_run_in_words_says_the_same(store, recorded):
    """`tellwhy explain` reads it in Python, lists and pages in SQL."""
    text = json.dumps(recorded)
    [found] = store.cursor().execute("SELECT task_text(?::VARCHAR)", [text]).fetchone()

    assert plain_text(text) == found
