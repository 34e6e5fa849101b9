"""OpenAI Agents SDK: one agent, a tool that needs an approval, the run resumed."""

import asyncio

import task
from agents import Agent, ModelSettings, RunConfig, Runner, function_tool, set_trace_processors
from openai.types.shared import Reasoning

import tellwhy

set_trace_processors([])  # the SDK's own exporter posts to the provider
task.beside()
tellwhy.configure()


@function_tool
def get_weather(city: str) -> str:
    """Weather in a city."""
    return task.get_weather(city)


@function_tool
@tellwhy.tool(effect="read")
def check_stock(item: str) -> str:
    """How many there are."""
    return task.check_stock(item)


@function_tool(needs_approval=True)
def pay(amount: int) -> str:
    """Pay for it."""
    return task.pay(amount)


agent = Agent(
    name=task.AGENT,
    model=task.OPENAI_MODEL,
    model_settings=ModelSettings(reasoning=Reasoning(effort="low", summary="auto")),
    tools=[get_weather, check_stock, pay],
)
config = RunConfig(group_id=task.CONVERSATION)


async def run(given):
    if task.form() == "stream":
        streamed = Runner.run_streamed(agent, given, run_config=config)
        async for _ in streamed.stream_events():
            pass
        return streamed
    return await Runner.run(agent, given, run_config=config)


async def main():
    asked = await run(task.QUESTION)
    state = asked.to_state()
    state.approve(asked.interruptions[0])
    done = await run(state)
    print(done.final_output)


with task.around():
    asyncio.run(main())
