"""What tools give comes back equal, in type and value, and none of them runs."""

import asyncio
import dataclasses
import datetime as dt
import decimal
import enum
import uuid
from pathlib import PurePosixPath

import httpx
import pydantic
import pytest

import tellwhy
from tellwhy_collector.testing import rows


class Colour(enum.Enum):
    RED = "r"


@dataclasses.dataclass
class Order:
    number: int
    lines: list[str]
    at: dt.datetime
    colour: Colour = Colour.RED


class Customer(pydantic.BaseModel):
    name: str
    born: dt.date
    order: Order | None = None


class Plain:
    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return type(other) is Plain and other.value == self.value

    __hash__ = None


class Broken(Exception):
    def __init__(self, code, *, hint):
        super().__init__(f"broken: {code}")
        self.code, self.hint = code, hint


AT = dt.datetime(2026, 3, 1, 12, 30, tzinfo=dt.UTC)
VALUES = [
    None,
    {"a": [1, 2.5, True, None, "ä€😀"], "b": {}},
    (1, "two", (3,)),
    {1: "int key", "$": "a mark"},
    {"s": {1, 2}, "f": frozenset("ab")},
    b"\x00\xff",
    float("inf"),
    decimal.Decimal("1.10"),
    AT,
    dt.timedelta(days=-1, microseconds=3),
    uuid.UUID(int=7),
    PurePosixPath("/a/b"),
    Colour.RED,
    Order(4, ["x"], AT),
    Customer(name="Ada", born=dt.date(1815, 12, 10), order=Order(1, [], AT)),
    Plain([Plain(1)]),
    2**70,
]


def giving(value):
    """An agent whose tool gives *value*."""

    def agent(stage):
        @tellwhy.tool
        def give(number: int) -> object:
            stage.effects.append(number)
            return value

        return give(1)

    return agent


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_equal(stage, value):
    """Builtins, dates, enums, data classes, pydantic models and plain objects."""
    played = stage.play(giving(value))

    assert played.verdict.identical
    assert value == played.again
    assert type(value) is type(played.again)
    assert 0 == played.ran


def test_an_exception_comes_back_with_type_words_and_fields(stage):
    """It is raised where it was raised, and the agent goes on as it did."""

    def agent(stage):
        @tellwhy.tool
        def fail(number: int) -> None:
            stage.effects.append(number)
            raise Broken(number, hint="try again")

        try:
            fail(3)
        except Broken as error:
            return [type(error), str(error), error.code, error.hint, error.args]

    played = stage.play(agent)

    assert played.verdict.identical
    assert played.first == played.again
    assert 0 == played.ran


def test_an_exception_with_machinery_in_it_keeps_type_and_words(stage):
    """A library's error holds a request, which is left out."""

    def agent(stage):
        @tellwhy.tool
        def fail() -> None:
            stage.effects.append(1)
            raise httpx.ConnectError("no", request=httpx.Request("GET", "http://x.test"))

        try:
            fail()
        except httpx.ConnectError as error:
            return str(error)

    played = stage.play(agent)

    assert ("no", True) == (played.again, played.verdict.identical)
    assert 0 == played.ran


def test_generators_yield_again(stage):
    """Plain and asynchronous ones, items of any kind, what they return, and where they broke."""

    async def agent(stage):
        @tellwhy.tool
        def count(to: int):
            for number in range(to):
                stage.effects.append(number)
                yield {"number": number, "at": AT}
            return "done"

        @tellwhy.tool
        async def words():
            for word in ("a", "b"):
                stage.effects.append(word)
                yield word
            raise Broken(2, hint="x")

        seen = list(_all(count(3)))
        try:
            async for word in words():
                seen += [word]
        except Broken as error:
            seen.append(error.code)
        return seen

    played = stage.play(agent)

    assert played.verdict.identical, played.verdict
    assert played.first == played.again
    assert 0 == played.ran


def _all(generator):
    returned = yield from generator
    yield returned


def test_asynchronous_tools_are_given_too(stage):
    """Sub-agents and tools inside a tool are part of what it gave."""

    async def agent(stage):
        @tellwhy.tool
        async def inner(text: str) -> str:
            stage.effects.append(text)
            await asyncio.sleep(0)
            return text.upper()

        @tellwhy.tool
        async def outer(text: str) -> str:
            return await inner(text) + "!"

        return [await outer("a"), await inner("b"), *await asyncio.gather(inner("c"), inner("c"))]

    played = stage.play(agent)

    assert ["A!", "B", "C", "C"] == played.again
    assert played.verdict.identical
    assert (4, 0) == (played.verdict.tool_calls, played.ran)


def test_what_cannot_be_given_again_stops_the_replay(stage):
    """A value that cannot be rebuilt is named, and never guessed."""

    def agent(stage):
        @tellwhy.tool
        def opened() -> object:
            stage.effects.append(1)
            return iter([1, 2])

        return list(opened())

    played = stage.play(agent)

    assert "missing" == played.verdict.first.kind
    assert "list_iterator cannot be rebuilt from its fields" in played.verdict.first.what
    assert 0 == played.ran


def test_declared_chance_is_given_again(stage):
    """now, random and uuid4 give what they gave, and tools are not asked for theirs."""

    def agent(stage):
        @tellwhy.tool
        def stamp() -> str:
            return str(tellwhy.now())

        return [
            tellwhy.now(),
            tellwhy.now(dt.UTC),
            stamp(),
            tellwhy.random(),
            tellwhy.uuid4(),
            tellwhy.random(),
        ]

    played = stage.play(agent)

    assert played.first == played.again
    assert played.verdict.identical


def test_a_block_that_writes_is_not_run_again(stage):
    """The body of a with block cannot be left out: only one that reads may run."""

    def agent(effect):
        def work(stage):
            with tellwhy.tool("save", effect=effect, arguments={"n": 1}) as step:
                stage.effects.append(1)
                step.result("saved")

        return work

    refused, read = stage.play(agent("write")), stage.play(agent("read"))

    assert ("block", 0) == (refused.verdict.first.kind, refused.ran)
    assert (True, 1) == (read.verdict.identical, read.ran)


def test_a_run_that_is_not_replayable_keeps_nothing(stage, keeping):
    """replayable=False and content=none leave no row behind."""
    runs = []

    @tellwhy.tool
    def look() -> str:
        return "x"

    @tellwhy.agent(replayable=False)
    def quiet():
        runs.append(tellwhy.current_run().run_id)
        return look()

    quiet()
    assert tellwhy.flush(20)
    counted = "SELECT count(*) FROM steps WHERE run_id = ?"
    kept = (
        "SELECT count(*) FROM recorded_values JOIN steps USING (trace_id, span_id) WHERE run_id = ?"
    )

    assert [(2,)] == rows(keeping.store, counted, runs)
    assert [(0,)] == rows(keeping.store, kept, runs)


def test_a_program_that_stops_recording_runs_no_tool_in_a_replay(stage):
    """shutdown() and configure(disabled=True) let tools run bare, but not then."""

    def recorded(stage):
        return 1

    def stops(stage):
        @tellwhy.tool(effect="irreversible")
        def drop() -> None:
            stage.effects.append("dropped")

        tellwhy.shutdown()
        tellwhy.configure(disabled=True)
        drop()

    played = stage.play(recorded, stops)

    assert ("tool", 0) == (played.verdict.first.kind, played.ran)


def test_a_tool_whose_arguments_are_told_late_is_found_by_its_own(stage):
    """Some frameworks open the step of a call, run the function, and then say what they called."""
    from tellwhy import _attributes as names
    from tellwhy import _spans

    @tellwhy.tool(effect="write")
    def book(city: str) -> str:
        stage.effects.append(city)
        return f"booked {city}"

    def agent(stage):
        said = {names.FRAMEWORK: "house"}
        step = _spans.begin_tool("book", None, said=said, is_known=False)
        step.enter()
        given = book("Oslo")
        step.identify("book", {"city": "Oslo"})
        step.returned(given)
        return given

    played = stage.play(agent)

    assert ("booked Oslo", True, 0) == (played.again, played.verdict.identical, played.ran)
