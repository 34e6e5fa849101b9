import pytest

import tellwhy
import tellwhy.testing


@tellwhy.tool
def add(a, b):
    """Add."""
    return a + b


def test_records_can_stand_in_a_test_as_they_are():
    """Identifiers are counted and times are an order: the same in every run."""
    for _ in range(2):
        with tellwhy.testing.recording() as recorded:
            add(1, 2)

        assert [
            {
                "name": "execute_tool add",
                "trace_id": "0" * 31 + "1",
                "span_id": "0" * 15 + "1",
                "parent_id": None,
                "kind": "internal",
                "status": "unset",
                "message": None,
                "start_ns": 1_000_000_000,
                "end_ns": 2_000_000_000,
                "scope": "tellwhy",
                "attributes": {
                    "tellwhy.step.kind": "tool_call",
                    "gen_ai.operation.name": "execute_tool",
                    "gen_ai.tool.name": "add",
                    "gen_ai.tool.type": "function",
                    "gen_ai.tool.description": "Add.",
                    "gen_ai.tool.call.arguments": '{"a":1,"b":2}',
                    "gen_ai.tool.call.result": "3",
                },
                "events": [],
                "links": [],
            }
        ] == recorded.spans()


def test_a_missing_span_is_said_with_what_there_is():
    """The message saves a second run of the test."""
    with tellwhy.testing.recording() as recorded:
        add(1, 2)

    with pytest.raises(LookupError, match="execute_tool add"):
        recorded.span("execute_tool subtract")


def test_recordings_may_stand_inside_each_other():
    """The inner one has what happens inside, the outer one the rest."""
    with tellwhy.testing.recording() as outer:
        add(1, 2)
        with tellwhy.testing.recording() as inner:
            add(3, 4)
        add(5, 6)
        outer_names = outer.names()
        outer.clear()

    assert (2, 1, []) == (len(outer_names), len(inner.names()), outer.names())
