import asyncio
import contextvars
import gc
import inspect
import logging

import pytest
from opentelemetry import trace

import tellwhy


@tellwhy.tool
def look(what):
    return what


@tellwhy.agent
def stream(words):
    """Stream words, looking each one up."""
    for word in words:
        look(word)
        yield word
    return "all said"


@tellwhy.agent
async def astream(words):
    for word in words:
        await asyncio.sleep(0)
        look(word)
        yield word


def span_id():
    return trace.get_current_span().get_span_context().span_id


def test_a_generator_keeps_its_kind_items_and_return_value(recorded):
    """Delegation gets the items and the value; the span has the joined text."""
    returned = []

    def outer():
        returned.append((yield from stream(["a", "b"])))

    assert inspect.isgeneratorfunction(stream)
    assert ["a", "b"] == list(outer())
    assert ["all said"] == returned

    agent, first, second = recorded.spans(decode_json=True)

    assert ("ab", 2) == (
        agent["attributes"]["tellwhy.output"],
        agent["attributes"]["tellwhy.stream.items"],
    )
    assert {agent["span_id"]} == {first["parent_id"], second["parent_id"]}


def test_nothing_is_recorded_before_the_first_item_is_asked_for(recorded):
    """A generator that nobody reads has not run."""
    stream(["a"]).close()

    assert [] == recorded.names()


def test_the_readers_context_is_its_own_between_items(recorded):
    """Between two items the current span is the reader's, inside it is the generator's."""
    inside = []

    @tellwhy.agent
    def watched():
        inside.append(span_id())
        yield 1
        inside.append(span_id())
        yield 2

    with trace.get_tracer("reader").start_as_current_span("reader"):
        before = span_id()
        reader = watched()
        for _ in reader:
            assert before == span_id()
            assert tellwhy.current_run() is None

    assert 1 == len(set(inside))
    assert before not in inside


def test_a_span_that_is_open_across_a_yield_stays_current_inside(recorded):
    """The host's own span around a yield is current again when the generator goes on."""
    inside = []

    @tellwhy.agent
    def spanning():
        with trace.get_tracer("host").start_as_current_span("host"):
            inside.append(span_id())
            yield 1
            inside.append(span_id())
            yield 2

    with trace.get_tracer("reader").start_as_current_span("reader"):
        before = span_id()
        for _ in spanning():
            assert before == span_id()
        assert before == span_id()

    assert 1 == len(set(inside))


def test_send_throw_and_close_reach_the_generator(recorded):
    """The generator protocol works in full."""
    seen = []

    @tellwhy.tool
    def echo():
        value = None
        try:
            while True:
                try:
                    value = yield value
                except KeyError as error:
                    value = f"caught {error.args[0]}"
        finally:
            seen.append("closed")

    running = echo()
    assert next(running) is None
    assert "x" == running.send("x")
    assert "caught k" == running.throw(KeyError("k"))
    running.close()

    (span,) = recorded.spans()

    assert ["closed"] == seen
    assert "unset" == span["status"]
    assert span["attributes"]["tellwhy.stream.left_early"] is True


def test_an_exception_in_a_generator_passes_and_is_recorded(recorded):
    """The items before it are kept beside the error."""

    @tellwhy.agent
    def breaks():
        yield "a"
        raise ValueError("no")

    with pytest.raises(ValueError, match="no") as caught:
        list(breaks())

    (span,) = recorded.spans(decode_json=True)

    assert caught.value.__context__ is None
    assert ("a", "ValueError") == (
        span["attributes"]["tellwhy.output"],
        span["attributes"]["error.type"],
    )


def test_items_that_are_not_text_become_a_list(recorded):
    """Items are read when they pass: what the caller does to them later does not show."""

    @tellwhy.agent
    def mixed():
        item = {"n": 1}
        yield "a"
        yield item
        yield None

    for item in mixed():
        if isinstance(item, dict):
            item["n"] = 2

    assert ["a", {"n": 1}, None] == recorded.spans(decode_json=True)[0]["attributes"][
        "tellwhy.output"
    ]


def test_a_long_stream_is_recorded_in_bounded_memory(recorded):
    """Beyond max_value_bytes items are only counted."""

    @tellwhy.agent
    def endless():
        for _ in range(1000):
            yield "0123456789"

    with tellwhy.testing.recording(max_value_bytes=100) as inner:
        for _ in endless():
            pass

    (span,) = inner.spans(decode_json=True)

    assert 1000 == span["attributes"]["tellwhy.stream.items"]
    assert len(span["attributes"]["tellwhy.output"]) < 200


async def test_an_async_generator_is_recorded(recorded):
    """Items arrive, the tools inside belong to it, the reader's context is its own."""
    found = []
    async for word in astream(["a", "b"]):
        assert tellwhy.current_run() is None
        found.append(word)

    agent, *tools = recorded.spans(decode_json=True)

    assert ["a", "b"] == found
    assert inspect.isasyncgenfunction(astream)
    assert "ab" == agent["attributes"]["tellwhy.output"]
    assert {agent["span_id"]} == {each["parent_id"] for each in tools}


async def test_an_async_generator_may_be_left_early_without_noise(recorded, caplog):
    """Leaving the loop, in whatever task the clean-up runs, logs nothing and ends the span."""
    caplog.set_level(logging.DEBUG)
    async for _ in astream(["a", "b"]):
        break
    gc.collect()
    for _ in range(5):
        await asyncio.sleep(0)

    assert "Failed to detach" not in caplog.text
    assert recorded.span("invoke_agent astream")["attributes"]["tellwhy.stream.left_early"]


async def test_an_async_generator_may_be_read_from_many_tasks(recorded, caplog):
    """Each item in another task and context: no detach error, one span."""
    reader = astream(["a", "b", "c"])
    found = [await asyncio.create_task(anext(reader)) for _ in range(3)]
    with pytest.raises(StopAsyncIteration):
        await asyncio.create_task(anext(reader))

    assert ["a", "b", "c"] == found
    assert "Failed to detach" not in caplog.text
    assert (
        "abc"
        == recorded.span("invoke_agent astream", decode_json=True)["attributes"]["tellwhy.output"]
    )


async def test_athrow_and_asend_reach_an_async_generator(recorded):
    """The async generator protocol works in full."""

    @tellwhy.tool
    async def echo():
        value = None
        while True:
            try:
                value = yield value
            except KeyError:
                value = "caught"

    running = echo()
    assert await anext(running) is None
    assert "x" == await running.asend("x")
    assert "caught" == await running.athrow(KeyError("k"))
    await running.aclose()

    assert ["execute_tool echo"] == recorded.names()


def test_a_generator_may_move_between_contexts(recorded, caplog):
    """Each step in a context of its own, as frameworks do: silence, and one span."""
    running = stream(["a", "b"])
    found = [contextvars.copy_context().run(next, running) for _ in range(2)]
    running.close()

    assert ["a", "b"] == found
    assert "" == caplog.text
    assert ["execute_tool look", "execute_tool look", "invoke_agent stream"] == recorded.names()


async def test_a_coroutine_may_be_driven_from_many_contexts(recorded, caplog):
    """A coroutine stepped by hand in changing contexts ends its span in silence."""

    @tellwhy.agent
    async def steps():
        await asyncio.sleep(0)
        return 1

    running = steps()
    contextvars.copy_context().run(running.send, None)
    with pytest.raises(StopIteration):
        contextvars.copy_context().run(running.send, None)

    assert "" == caplog.text
    assert ["invoke_agent steps"] == recorded.names()
