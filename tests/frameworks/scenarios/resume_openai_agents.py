"""OpenAI Agents SDK in two processes: one asks, the other answers on the state of the first."""

import asyncio
import json
import sys
from pathlib import Path

import task
from agents import Agent, RunConfig, Runner, RunState, function_tool, set_trace_processors

import tellwhy

set_trace_processors([])  # the SDK's own exporter posts to the provider
tellwhy.configure()


@function_tool(needs_approval=True)
def pay(amount: int) -> str:
    """Pay for it."""
    return task.pay(amount)


agent = Agent(name=task.AGENT, model=task.OPENAI_MODEL, tools=[pay])
config = RunConfig(group_id=task.CONVERSATION)
saved = Path(sys.argv[2])


async def main():
    if task.form() == "ask":
        asked = await Runner.run(agent, task.PAYING, run_config=config)
        saved.write_text(json.dumps(asked.to_state().to_json()))
        return
    state = await RunState.from_json(agent, json.loads(saved.read_text()))
    (item,) = state.get_interruptions()
    if task.form() == "yes":
        state.approve(item)
    else:
        state.reject(item)
    await Runner.run(agent, state, run_config=config)


asyncio.run(main())
print(task.ANSWER)
