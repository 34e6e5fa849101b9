"""LlamaIndex: a function agent whose tool waits for a person's answer.

pip install "tellwhy[all,llamaindex]" llama-index-llms-anthropic "anthropic<1"; start `tellwhy up`.
"""

import asyncio

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.memory import Memory
from llama_index.core.workflow import Context, HumanResponseEvent, InputRequiredEvent
from llama_index.llms.anthropic import Anthropic

import tellwhy
from tellwhy._demo.offline import models, script

SQL = """
SELECT chosen, arguments, outcome, approval_decision, stated_reason
FROM decisions WHERE conversation_id = 'invoice-4712' AND action = 'tool_call'
"""
QUESTION = script(
    "Pay the invoice.",
    {"think": "The invoice is due today.", "tools": [["pay", {"amount": 42}]]},
    {"text": "It is paid."},
)
THINKING = {"type": "enabled", "budget_tokens": 1024}


async def pay(ctx: Context, amount: int) -> str:
    """Pay an invoice."""
    question = InputRequiredEvent(prefix=f"Pay {amount}?")
    answer = await ctx.wait_for_event(HumanResponseEvent, question, waiter_id="pay")
    return f"paid {amount}" if answer.response == "yes" else "not paid"


async def main() -> None:
    """Ask, let a person answer, go on."""
    llm = Anthropic("claude-sonnet-4-5", max_tokens=2000, thinking_dict=THINKING, temperature=1)
    agent = FunctionAgent(name="payer", description="Pays.", tools=[pay], llm=llm)
    memory = Memory.from_defaults(session_id="invoice-4712")
    handler = agent.run(user_msg=QUESTION, memory=memory)
    async for event in handler.stream_events():
        if isinstance(event, InputRequiredEvent):
            handler.ctx.send_event(HumanResponseEvent(response="yes"))
    print(await handler)


if __name__ == "__main__":
    tellwhy.configure(service_name="llamaindex-example")
    with models():
        asyncio.run(main())
    tellwhy.flush()
    print(f'tellwhy sql "{SQL}"')
