"""Requests that are told as what is new in them, put together before they are stored."""

import orjson
import pytest

from tellwhy_collector.decode import decode
from tellwhy_collector.ingest.columns import STEPS, insertion, step_row, table
from tellwhy_collector.ingest.wholes import FROM, KEPT, GoesOn, Wholes, goes_on_of
from tellwhy_collector.records import Step
from tellwhy_collector.testing import open_store

INPUT = STEPS.names.index("input_messages")
TOOLS = STEPS.names.index("tools_offered")


def message(text):
    """One message."""
    return {"role": "user", "parts": [{"type": "text", "content": text}]}


def row(span_id, *texts, tools=None):
    """A step that tells these messages."""
    return step_row(
        Step(
            trace_id="1" * 32,
            span_id=span_id,
            parent_span_id=None,
            run_id="1" * 32,
            source="span",
            dialect="transcript",
            kind="model_call",
            name="chat",
            start_ns=10**18 + int(span_id, 16),
            end_ns=10**18 + int(span_id, 16),
            status="ok",
            input_messages=[message(text) for text in texts],
            tools_offered=tools,
        )
    )


def said(made):
    """The words of its messages."""
    return [each["parts"][0]["content"] for each in orjson.loads(made[INPUT])]


@pytest.fixture
def cursor(tmp_path):
    """A database without steps."""
    store = open_store(tmp_path / "wholes.duckdb")
    yield store.cursor()
    store.close()


def stored(cursor, made):
    """Put *made* where the writer would."""
    cursor.register("incoming", table([made], STEPS))
    cursor.execute(insertion("steps", STEPS))
    cursor.unregister("incoming")


@pytest.mark.parametrize("held_bytes", [1, 10**6])
def test_a_chain_over_several_groups_is_whole(cursor, held_bytes):
    """Out of memory as out of the database, instructions and tools too."""
    wholes, tools = Wholes(held_bytes), [{"name": "dig"}]
    told = [(row("a1", "one", tools=tools), None), (row("a2", "two"), GoesOn("a1", 1))]
    told += [(row("a3", "three"), GoesOn("a2", 2)), (row("a4", "other"), GoesOn("a2", 1))]
    found = []
    for each, goes_on in told:
        (made,) = wholes.complete(cursor, [each], {each[1]: goes_on} if goes_on else {})
        stored(cursor, made)
        found.append(made)

    assert [["one"], ["one", "two"], ["one", "two", "three"], ["one", "other"]] == [
        *map(said, found)
    ]
    assert {'[{"name":"dig"}]'} == {made[TOOLS] for made in found}


def test_calls_of_one_group_go_on_from_each_other(cursor):
    """They are stored together, so none of them is in the database yet."""
    rows = [row("b1", "one"), row("b2", "two"), row("b3", "three")]
    goes_on = {"b2": GoesOn("b1", 1), "b3": GoesOn("b2", 2)}

    assert ["one", "two", "three"] == said(Wholes().complete(cursor, rows, goes_on)[-1])


def test_a_beginning_that_is_not_stored_is_said_to_be_missing(cursor):
    """A reader does not take the rest for all of it, here and in what goes on from there."""
    rows = [row("c2", "two"), row("c3", "three")]
    goes_on = {"c2": GoesOn("c1", 4), "c3": GoesOn("c2", 5)}
    second, third = Wholes().complete(cursor, rows, goes_on)

    assert "[4 earlier messages are not stored here: they stood in the call c1." in said(second)[0]
    assert ["two", "three"] == said(third)[1:]


@pytest.mark.parametrize(
    "attributes",
    [{}, {FROM: "a1"}, {FROM: 7, KEPT: 1}, {FROM: "a1", KEPT: -1}, {FROM: "a1", KEPT: "1"}],
)
def test_what_is_misshapen_is_an_attribute_like_any_other(attributes):
    """Anybody may send spans; theirs are stored as they are."""
    kinds = {str: "stringValue", int: "intValue"}
    span = {
        "traceId": "1" * 32,
        "spanId": "1" * 16,
        "startTimeUnixNano": "1",
        "attributes": [{"key": k, "value": {kinds[type(v)]: v}} for k, v in attributes.items()],
    }
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    (record,) = decode(orjson.dumps(body), signal="traces", encoding="json").records

    assert attributes == record.attributes
    assert goes_on_of(record) is None
