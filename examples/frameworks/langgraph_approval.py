"""LangGraph: an agent whose paying tool interrupts until a person has answered.

pip install "tellwhy[all,langgraph]" langchain langchain-anthropic; start `tellwhy up` beside it.
"""

from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

import tellwhy
from tellwhy._demo.offline import models, script

SQL = """
SELECT chosen, arguments, outcome, approval_decision, stated_reason
FROM decisions WHERE conversation_id = 'invoice-4711' AND action = 'tool_call'
"""
QUESTION = script(
    "Pay the invoice.",
    {"think": "The invoice is due today.", "tools": [["pay", {"amount": 42}]]},
    {"text": "It is paid."},
)


@tool
def pay(amount: int) -> str:
    """Pay an invoice."""
    if not interrupt({"question": "May I pay?", "amount": amount})["approved"]:
        return "not paid"
    return f"paid {amount}"


def main() -> None:
    """Ask, let a person answer, go on."""
    model = ChatAnthropic(model="claude-sonnet-5", max_tokens=2000, thinking={"type": "adaptive"})
    graph = create_agent(model, [pay], name="payer", checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "invoice-4711"}}
    graph.invoke({"messages": [("user", QUESTION)]}, config)
    done = graph.invoke(Command(resume={"approved": True}), config)
    print(done["messages"][-1].text)


if __name__ == "__main__":
    tellwhy.configure(service_name="langgraph-example")
    with models():
        main()
    tellwhy.flush()
    print(f'tellwhy sql "{SQL}"')
