import asyncio
import functools
import inspect
import traceback

import anthropic
import pytest

import tellwhy


@tellwhy.tool(effect="read")
def add(a: int, b: int = 2, *rest: int, scale: int = 1, **more: object) -> int:
    """Add numbers.

    Not part of the description.
    """
    return (a + b + sum(rest)) * scale


@tellwhy.agent
def ask(question: str) -> str:
    """Answer a question."""
    return f"{question} {add(1)}"


@tellwhy.agent(name="async-agent", version="41")
async def ask_later(question: str) -> str:
    """Answer a question later."""
    await asyncio.sleep(0)
    return question + str(add(1, 5))


def test_a_tool_records_its_name_arguments_result_and_effect(recorded):
    """One call is one execute_tool span with everything that was said about it."""
    assert 24 == add(1, 2, 3, scale=4, note="x")

    (span,) = recorded.spans(decode_json=True)
    expected = {
        "tellwhy.step.kind": "tool_call",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "add",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.description": "Add numbers.",
        "tellwhy.tool.effect": "read",
        "gen_ai.tool.call.arguments": {"a": 1, "b": 2, "rest": [3], "scale": 4, "note": "x"},
        "gen_ai.tool.call.result": "24",
    }

    assert expected == span["attributes"]
    assert ("execute_tool add", "internal", "unset") == (
        span["name"],
        span["kind"],
        span["status"],
    )


def test_an_agent_records_its_run_and_gives_it_to_its_tools(recorded):
    """Tools inside an agent say which run and which agent they belong to."""
    assert "why? 3" == ask("why?")

    agent, tool = recorded.spans(decode_json=True)

    assert {
        "tellwhy.step.kind": "agent",
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "ask",
        "tellwhy.run.id": agent["trace_id"],
        "tellwhy.input": {"question": "why?"},
        "tellwhy.output": "why? 3",
    } == agent["attributes"]
    assert agent["span_id"] == tool["parent_id"]
    assert agent["trace_id"] == tool["attributes"]["tellwhy.run.id"]
    assert "ask" == tool["attributes"]["gen_ai.agent.name"]


async def test_an_async_agent_is_recorded_like_a_plain_one(recorded):
    """Await gives the value, the span has name and version."""
    assert "a6" == await ask_later("a")

    agent, tool = recorded.spans(decode_json=True)

    assert "invoke_agent async-agent" == agent["name"]
    assert "41" == agent["attributes"]["gen_ai.agent.version"]
    assert agent["span_id"] == tool["parent_id"]


def test_agents_inside_agents_share_the_run_and_keep_their_names(recorded):
    """A sub-agent's tools belong to the outer run and to the inner agent."""

    @tellwhy.agent(name="outer")
    def outer():
        add(1)
        return ask("inner?")

    outer()

    by_agent = [each["attributes"]["gen_ai.agent.name"] for each in recorded.spans()]
    runs = {each["attributes"]["tellwhy.run.id"] for each in recorded.spans()}

    assert ["outer", "outer", "ask", "ask"] == by_agent
    assert {recorded.spans()[0]["trace_id"]} == runs


def test_a_run_inside_a_foreign_trace_has_an_id_of_its_own(recorded):
    """Two agents under one web request are two runs."""
    from opentelemetry import trace

    with trace.get_tracer("web").start_as_current_span("GET /"):
        ask("one")
        ask("two")

    agents = [each for each in recorded.spans() if each["name"] == "invoke_agent ask"]
    expected = [f"{each['trace_id']}-{each['span_id']}" for each in agents]

    assert expected == [each["attributes"]["tellwhy.run.id"] for each in agents]
    assert 2 == len(set(expected))


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(3)])
def test_an_exception_passes_unchanged_and_is_recorded(recorded, error):
    """The caller gets the very exception; the span has its type, state and traceback."""

    @tellwhy.tool
    def broken():
        raise error

    with pytest.raises(type(error)) as caught:
        broken()

    (span,) = recorded.spans()

    assert error is caught.value
    assert caught.value.__context__ is None
    assert "broken" == traceback.extract_tb(caught.value.__traceback__)[-1].name
    assert "error" == span["status"]
    assert type(error).__name__ == span["attributes"]["error.type"]
    assert "exception" == span["events"][0]["name"]
    assert "in broken" in span["events"][0]["attributes"]["exception.stacktrace"]
    assert "gen_ai.tool.call.result" not in span["attributes"]


async def test_a_cancelled_tool_is_recorded_as_cancelled(recorded):
    """Cancelling a task ends the span with CancelledError and the task as cancelled."""
    started = asyncio.Event()

    @tellwhy.tool
    async def wait_for_ever():
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(wait_for_ever())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert task.cancelled()
    assert "asyncio.exceptions.CancelledError" == recorded.spans()[0]["attributes"]["error.type"]


def test_leaving_the_program_on_purpose_is_no_error(recorded):
    """sys.exit(0) inside an agent ends its span without an error."""

    @tellwhy.agent
    def leave():
        raise SystemExit(0)

    with pytest.raises(SystemExit):
        leave()

    assert "unset" == recorded.spans()[0]["status"]


def test_methods_classmethods_and_staticmethods_are_recorded_without_self(recorded):
    """Every way to write a method works, in either order of the decorators."""

    class Shop:
        @tellwhy.tool
        def sell(self, what):
            return what

        @classmethod
        @tellwhy.tool
        def open(cls, where):
            return where

        @tellwhy.tool
        @classmethod
        def close(cls, where):
            return where

        @tellwhy.tool
        @staticmethod
        def greet(whom):
            return whom

    shop = Shop()
    assert ["a", "b", "c", "d"] == [
        shop.sell("a"),
        Shop.open("b"),
        Shop.close("c"),
        shop.greet("d"),
    ]

    found = [
        each["attributes"]["gen_ai.tool.call.arguments"]
        for each in recorded.spans(decode_json=True)
    ]

    assert [{"what": "a"}, {"where": "b"}, {"where": "c"}, {"whom": "d"}] == found


def test_partials_and_callable_objects_can_be_decorated(recorded):
    """What can be called can be a tool, and is named after what it calls."""

    class Search:
        async def __call__(self, query):
            return query

    def scale(factor, value):
        return factor * value

    double = tellwhy.tool(functools.partial(scale, 2))
    search = tellwhy.tool(Search())

    assert 6 == double(3)
    assert inspect.iscoroutinefunction(search)
    assert "q" == asyncio.run(search("q"))
    assert ["execute_tool scale", "execute_tool Search"] == recorded.names()


def test_the_wrapper_looks_like_the_function():
    """Frameworks read name, docstring, signature, annotations and kind: all stay."""
    original = add.__wrapped__

    assert inspect.signature(original) == inspect.signature(add)
    assert (original.__name__, original.__doc__) == (add.__name__, add.__doc__)
    assert original.__annotations__ == add.__annotations__
    assert inspect.iscoroutinefunction(ask_later)
    assert not inspect.iscoroutinefunction(ask)


def test_sdks_that_read_signatures_accept_a_decorated_tool():
    """The anthropic tool runner builds the same schema from the decorated function."""
    anthropic = pytest.importorskip("anthropic")

    def get_weather(city: str, days: int = 1) -> str:
        """Look up the weather.

        Args:
            city: Where.
            days: How many.
        """
        return f"{city} {days}"

    bare = anthropic.beta_tool(get_weather).to_dict()

    assert bare == anthropic.beta_tool(tellwhy.tool(get_weather)).to_dict()


def test_a_class_is_left_alone(caplog):
    """Replacing a class by a function would break isinstance: it is refused with one line."""

    class Planner:
        pass

    assert Planner is tellwhy.agent(Planner)
    assert "decorate the method" in caplog.text


def test_an_unknown_effect_is_left_out_with_one_line(recorded, caplog):
    """Effects are three words; another one is not recorded as if it were known."""
    tellwhy.tool(effect="delete")(lambda: 1)()

    assert "read, write or irreversible" in caplog.text
    assert "tellwhy.tool.effect" not in recorded.spans()[0]["attributes"]


def test_a_conversation_can_be_found_in_the_arguments(recorded):
    """conversation_id takes a value or a function of the call's arguments."""

    @tellwhy.agent(conversation_id=lambda thread, **_: thread["id"])
    def chat(thread, text):
        return add(1)

    chat({"id": "t-7"}, text="hello")

    assert ["t-7", "t-7"] == [
        each["attributes"]["gen_ai.conversation.id"] for each in recorded.spans()
    ]


def test_a_conversation_can_be_set_from_inside(recorded):
    """What only the code inside knows reaches the agent's span and the steps that follow."""

    @tellwhy.agent
    def chat():
        add(1)
        tellwhy.set_conversation("t-8")
        add(2)

    chat()

    found = [each["attributes"].get("gen_ai.conversation.id") for each in recorded.spans()]

    assert ["t-8", None, "t-8"] == found


def test_the_current_run_is_known_inside_and_only_there(recorded):
    """current_run() gives the id that the spans carry."""
    seen = []

    @tellwhy.agent
    def look():
        seen.append(tellwhy.current_run())

    look()

    assert recorded.spans()[0]["attributes"]["tellwhy.run.id"] == seen[0].run_id
    assert "look" == seen[0].agent_name
    assert tellwhy.current_run() is None


def test_content_none_keeps_all_content_at_home(recorded):
    """Names, times and errors are recorded; arguments, results and messages are not."""

    @tellwhy.tool
    def broken(secret):
        raise ValueError(secret)

    with tellwhy.testing.recording(content="none") as inner:
        ask("private")
        with pytest.raises(ValueError, match="private"):
            broken("private")

    assert "private" not in str(inner.spans())
    assert "ValueError" == inner.spans()[-1]["attributes"]["error.type"]


def test_disabled_means_bare_functions(fresh, monkeypatch):
    """With TELLWHY_DISABLED nothing is set up at the first call."""
    monkeypatch.setenv("TELLWHY_DISABLED", "1")
    tellwhy._settings.reset()

    assert "x 3" == ask("x")
    assert not tellwhy._configure._State.running


def test_our_own_failure_does_not_reach_the_host(recorded, lenient, monkeypatch, caplog):
    """When our code breaks, the function runs, and one log line says so."""

    def explode(*args, **kwargs):
        raise RuntimeError("ours")

    monkeypatch.setattr("tellwhy._scopes.begin_tool", explode)

    assert 3 == add(1)
    assert 3 == add(1)
    assert 1 == caplog.text.count("tellwhy failed while starting a step")
    assert {"starting a step: RuntimeError": 2} == tellwhy._guard.counts()


def test_a_tool_learns_its_call_id_from_the_framework(recorded):
    """A parameter named tool_call_id, as frameworks inject it, is the model's call id."""

    @tellwhy.tool
    def pay(amount, tool_call_id):
        return amount

    pay(5, tool_call_id="call_9")

    assert "call_9" == recorded.spans()[0]["attributes"]["gen_ai.tool.call.id"]


def test_a_frameworks_tool_object_stays_what_it_is(recorded, caplog):
    """Above `@anthropic.beta_tool` there is no function any more: a tool runner needs the object."""

    @anthropic.beta_tool
    def double(n: int) -> str:
        """Twice n."""
        return str(2 * n)

    assert tellwhy.tool(double) is double
    assert "put the decorator below the framework's" in caplog.text
