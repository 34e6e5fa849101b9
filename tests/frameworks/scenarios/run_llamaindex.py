"""LlamaIndex: a function agent with a tool that waits for a person's answer."""

import asyncio

import task
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.memory import Memory
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context, HumanResponseEvent, InputRequiredEvent
from llama_index.llms.anthropic import Anthropic

import tellwhy

task.beside()
tellwhy.configure()


async def pay(ctx: Context, amount: int) -> str:
    """Pay for it."""
    answer = await ctx.wait_for_event(
        HumanResponseEvent,
        waiter_id="pay",
        waiter_event=InputRequiredEvent(prefix=f"Pay {amount}?"),
    )
    return task.pay(amount) if answer.response == "yes" else "not paid"


agent = FunctionAgent(
    name=task.AGENT,
    description="Buys.",
    tools=[
        FunctionTool.from_defaults(task.get_weather),
        FunctionTool.from_defaults(tellwhy.tool(effect="read")(task.check_stock)),
        pay,
    ],
    llm=Anthropic(
        model="claude-sonnet-4-5",
        max_tokens=2000,
        thinking_dict={"type": "enabled", "budget_tokens": 1024},
        temperature=1,
    ),
    streaming=task.form() == "stream",
)


async def main():
    memory = Memory.from_defaults(session_id=task.CONVERSATION)
    handler = agent.run(user_msg=task.QUESTION, memory=memory)
    async for event in handler.stream_events():
        if isinstance(event, InputRequiredEvent):
            handler.ctx.send_event(HumanResponseEvent(response="yes"))
    print(await handler)


with task.around():
    asyncio.run(main())
