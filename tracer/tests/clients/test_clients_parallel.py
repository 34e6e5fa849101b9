"""Many calls at once, in threads and tasks: each span below its own agent, with its own content."""

import asyncio
import concurrent.futures

import anthropic
import openai

import tellwhy

COUNT = 20


def check(recorded, read, per_run):
    agents = {
        span.context.span_id: span
        for span in recorded.all()
        if span.name.startswith("invoke_agent")
    }
    assert len(agents) == COUNT
    calls = recorded.model_calls()
    assert len(calls) == COUNT * per_run
    for call in calls:
        agent = agents[call.parent.span_id]
        number = read(agent, "tellwhy.input")["number"]
        assert f"number {number}." in call.attributes["gen_ai.input.messages"]
        assert f"said {number}." in call.attributes["gen_ai.output.messages"]
        assert call.attributes["tellwhy.run.id"] == agent.attributes["tellwhy.run.id"]
        assert call.context.trace_id == agent.context.trace_id


def task(script, number, **step):
    return script({"text": f"said {number}.", "latency_ms": 30, **step}) + f" number {number}."


def test_threads(recorded, server, script, read):
    """Twenty agents in twenty threads over one client, some with a retry."""
    with anthropic.Anthropic(base_url=server.url, api_key="k") as client:

        @tellwhy.agent
        def helper(number):
            error = {"error": {"status": 529}} if number % 5 == 0 else {}
            messages = [{"role": "user", "content": task(script, number, **error)}]
            request = {"model": "m", "max_tokens": 99, "messages": messages}
            client.messages.create(**request)
            list(client.messages.create(**request, stream=True))

        with concurrent.futures.ThreadPoolExecutor(COUNT) as pool:
            list(pool.map(helper, range(COUNT)))
    check(recorded, read, 2)


async def test_tasks(recorded, server, script, read):
    """Twenty agents in twenty tasks over one client, streaming at the same time."""
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="k") as client:

        @tellwhy.agent
        async def helper(number):
            text = task(script, number)
            await client.responses.create(model="m", input=text)
            messages = [{"role": "user", "content": text}]
            stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
            async for _ in stream:
                pass

        await asyncio.gather(*(helper(number) for number in range(COUNT)))
    check(recorded, read, 2)


def test_model_calls_in_threads_of_an_agent(recorded, server, script):
    """Calls from threads that an agent starts belong to its run."""
    with anthropic.Anthropic(base_url=server.url, api_key="k") as client:

        @tellwhy.agent
        def helper():
            def one(number):
                messages = [{"role": "user", "content": task(script, number)}]
                client.messages.create(model="m", max_tokens=99, messages=messages)

            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                list(pool.map(one, range(8)))

        helper()
    agent = recorded.all()[-1]
    parents = {call.parent.span_id for call in recorded.model_calls()}
    assert parents == {agent.context.span_id}
    assert len(recorded.model_calls()) == 8
