"""A model's tool calls find the tools that ran, and tools that ran unseen are found in requests."""

import anthropic
import openai
import pytest
from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanContext, TraceFlags

import tellwhy
from tellwhy import _pending
from tellwhy._pending import ToolCall, ToolResult

MODEL_CALL = SpanContext(0x1234, 0x5678, is_remote=False, trace_flags=TraceFlags(1))


@pytest.fixture
def asked(recorded):
    """Register calls as a model call outside of every agent would."""

    def register(*calls, run_id=_pending.NO_RUN):
        _pending.asked(
            run_id,
            list(calls),
            model_call=MODEL_CALL,
            parent=INVALID_SPAN_CONTEXT,
            said={},
            ended_ns=1_000,
        )

    return register


def loop(client, task, tools, run_tool):
    """A hand-written agent loop."""
    messages = [{"role": "user", "content": task}]
    while True:
        answer = client.messages.create(model="m", max_tokens=99, tools=tools, messages=messages)
        calls = [block for block in answer.content if block.type == "tool_use"]
        if not calls:
            return answer.content[0].text
        results = []
        for call in calls:
            result = {"type": "tool_result", "tool_use_id": call.id}
            try:
                results.append({**result, "content": run_tool(call.name, call.input)})
            except ValueError as error:
                results.append({**result, "content": str(error), "is_error": True})
        messages += [
            {"role": "assistant", "content": answer.content},
            {"role": "user", "content": results},
        ]


@pytest.fixture
def claude(server):
    with anthropic.Anthropic(base_url=server.url, api_key="k") as made:
        yield made


@pytest.fixture
def two_calls(script):
    cities = [["get_weather", {"city": "Oslo"}], ["get_weather", {"city": "Bergen"}]]
    return script({"tools": cities}, {"text": "Done."})


def test_decorated_tool_gets_the_models_call_id(recorded, claude, weather, two_calls, read):
    """`@tellwhy.tool` alone: the span carries the model's id, matched by name and arguments."""

    @tellwhy.tool
    def get_weather(city, unit="c"):
        return f"{city} -3 {unit}"

    @tellwhy.agent
    def helper():
        # The other order than the model's: arguments tell them apart.
        return loop(
            claude, two_calls, [weather["anthropic"]], lambda name, given: get_weather(**given)
        )

    assert helper() == "Done."
    first = recorded.model_calls()[0]
    chosen = {a["tool_call_id"] for a in read(first, "tellwhy.decision.chosen")}
    tools = recorded.tool_calls()
    assert {tool.attributes["gen_ai.tool.call.id"] for tool in tools} == chosen
    assert {tool.attributes["tellwhy.tool.call.matched_by"] for tool in tools} == {
        "name_and_arguments"
    }
    assert not any("tellwhy.inferred" in tool.attributes for tool in tools)
    assert {tool.links[0].context.span_id for tool in tools} == {first.context.span_id}


def test_only_an_agent(recorded, claude, weather, two_calls, read):
    """With `@tellwhy.agent` alone the tools are read from the next request, below the agent."""

    def run(name, given):
        if given["city"] == "Bergen":
            raise ValueError("no station there")
        return "cold"

    @tellwhy.agent
    def helper():
        return loop(claude, two_calls, [weather["anthropic"]], run)

    helper()
    agent = next(span for span in recorded.all() if span.name == "invoke_agent helper")
    first, second = recorded.model_calls()
    tools = recorded.tool_calls()
    assert len(tools) == 2
    for tool, city, result in zip(
        tools, ["Oslo", "Bergen"], ["cold", "no station there"], strict=True
    ):
        assert tool.name == "execute_tool get_weather"
        assert tool.parent.span_id == agent.context.span_id
        assert tool.attributes["tellwhy.inferred"] is True
        assert tool.attributes["tellwhy.inferred.from"] == "next_request"
        assert tool.attributes["tellwhy.run.id"] == agent.attributes["tellwhy.run.id"]
        assert tool.attributes["gen_ai.agent.name"] == "helper"
        assert read(tool, "gen_ai.tool.call.arguments") == {"city": city}
        assert read(tool, "gen_ai.tool.call.result") == result
        assert tool.start_time == first.end_time
        assert tool.end_time == second.start_time
    assert [tool.status.is_ok for tool in tools] == [True, False]
    assert tools[1].status.description == "no station there"


def test_history_says_nothing_twice(recorded, claude, weather, script):
    """Old results come again in every request; each tool call is written once."""
    call = ["get_weather", {"city": "Oslo"}]
    task = script({"tools": [call]}, {"tools": [call]}, {"tools": [call]}, {"text": "Done."})

    @tellwhy.agent
    def helper():
        return loop(claude, task, [weather["anthropic"]], lambda name, given: "cold")

    helper()
    ids = [tool.attributes["gen_ai.tool.call.id"] for tool in recorded.tool_calls()]
    assert len(ids) == len(set(ids)) == 3


def test_without_an_agent(recorded, claude, weather, two_calls):
    """Outside of every agent an inferred tool stands below the model call that asked for it."""
    loop(claude, two_calls, [weather["anthropic"]], lambda name, given: "cold")
    asking = recorded.model_calls()[0]
    for tool in recorded.tool_calls():
        assert tool.parent.span_id == asking.context.span_id


def test_runs_do_not_mix(recorded, server, weather, two_calls):
    """Two runs whose providers issue the same ids keep their calls apart."""

    def first_turn(client):
        messages = [{"role": "user", "content": two_calls}]
        client.messages.create(
            model="m", max_tokens=99, tools=[weather["anthropic"]], messages=messages
        )

    @tellwhy.tool
    def get_weather(city):
        return city

    @tellwhy.agent
    def asks(client):
        first_turn(client)

    @tellwhy.agent
    def acts():
        get_weather("Oslo")

    with anthropic.Anthropic(base_url=server.url, api_key="k") as client:
        asks(client)
    acts()
    (tool,) = recorded.tool_calls()
    assert "gen_ai.tool.call.id" not in tool.attributes


def test_chat_completions(recorded, server, weather, script, read):
    """The same for OpenAI's tool messages."""
    task = {
        "role": "user",
        "content": script({"tools": [["get_weather", {"city": "Oslo"}]]}, {"text": "Ok."}),
    }
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="k") as client:
        asked = client.chat.completions.create(model="m", messages=[task], tools=[weather["chat"]])
        message = asked.choices[0].message
        result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "cold"}
        client.chat.completions.create(
            model="m",
            messages=[task, message.model_dump(exclude_none=True), result],
            tools=[weather["chat"]],
        )
    (tool,) = recorded.tool_calls()
    assert read(tool, "gen_ai.tool.call.arguments") == {"city": "Oslo"}


def test_claim_by_call_id(asked):
    """A framework that hands the id over is believed, even when a tool runs twice."""
    asked(ToolCall("a", "search", {"q": "x"}))
    assert _pending.claim("other_name", {}, "a").matched_by == "call_id"
    assert _pending.claim("other_name", {}, "a").link == MODEL_CALL
    assert _pending.claim("search", {"q": "x"}, "unknown") is None


def test_claim_by_arguments_then_by_name(asked):
    """Arguments decide among calls of one name; what is left goes by name, oldest first."""
    asked(*(ToolCall(key, "search", {"q": key}) for key in "abc"))
    found = _pending.claim("search", {"q": "b", "limit": 10})
    assert (found.call_id, found.matched_by) == ("b", "name_and_arguments")
    found = _pending.claim("search", {"q": "changed"})
    assert (found.call_id, found.matched_by) == ("a", "name")
    assert _pending.claim("search", {"q": "c"}).call_id == "c"
    assert _pending.claim("search", {"q": "c"}) is None
    assert _pending.claim("unknown", {}) is None


def test_arguments_that_cannot_be_compared(asked):
    """Objects of the host's are not asked to compare themselves; the other arguments count."""

    class Loud:
        def __eq__(self, other):
            raise AssertionError("the host's code ran")

        __hash__ = None

    asked(ToolCall("a", "pay", {"amount": 5, "to": {"name": "Ada"}, "tags": ["x"]}))
    asked(ToolCall("b", "pay", {"amount": 7, "to": {"name": "Ada"}, "tags": ["x"]}))
    found = _pending.claim("pay", {"amount": 7, "to": Loud(), "tags": ("x",)})
    assert (found.call_id, found.matched_by) == ("b", "name_and_arguments")


def test_one_dictionary_of_arguments(asked):
    """A tool that takes everything in one parameter is matched too."""
    asked(ToolCall("a", "pay", {"amount": 5}), ToolCall("b", "pay", {"amount": 6}))
    assert _pending.claim("pay", {"arguments": {"amount": 6}}).call_id == "b"


def test_a_tool_that_is_run_again(asked):
    """A retry of a settled call is the same call; a running one is not given twice."""
    asked(ToolCall("a", "search", {"q": "x"}))
    first = _pending.claim("search", {"q": "x"})
    assert _pending.claim("search", {"q": "x"}) is None
    _pending.settle(first)
    assert _pending.claim("search", {"q": "x"}).call_id == "a"


def test_claimed_calls_are_not_inferred(asked, recorded):
    """A result of a claimed call, of an unknown call or of the provider's own tool writes nothing."""
    asked(ToolCall("a", "search", {}), ToolCall("b", "web_search", {}, on_server=True))
    _pending.settle(_pending.claim("search", {}))
    results = [ToolResult(key, "x") for key in ("a", "b", "unknown")]
    _pending.answered(_pending.NO_RUN, results, started_ns=2_000)
    assert recorded.all() == []


def test_memory_is_bounded(asked):
    """Old calls and quiet runs are forgotten."""
    asked(*(ToolCall(str(number), "t", {}) for number in range(_pending.MAX_CALLS + 5)))
    assert _pending.claim("t", {}, "0") is None
    assert _pending.claim("t", {}, "5") is not None
    for number in range(_pending.MAX_RUNS + 1):
        asked(ToolCall("a", "t", {}), run_id=f"run {number}")
    assert len(_pending._runs_seen) == _pending.MAX_RUNS


def test_a_thread_that_lost_its_run(asked):
    """Outside of every run an id is looked for in the runs that there are."""
    asked(ToolCall("a", "t", {}), run_id="some run")
    assert _pending.claim("t", {}, "a").run_id == "some run"
    assert _pending.claim("t", {}) is None


def test_a_forked_worker(asked):
    """A worker that was forked while the registry was in use can claim the calls that it runs."""
    import os

    asked(ToolCall("a", "t", {}))
    with _pending._lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if _pending.claim("t", {}) else 1)
    assert os.waitpid(child, 0)[1] == 0
