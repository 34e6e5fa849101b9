"""LangGraph in two processes: one asks, the other answers on what the first has saved."""

import pickle
import sys
from pathlib import Path

import task
from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

import tellwhy

KEPT = ("storage", "writes", "blobs")


def plain(value):
    """A dictionary without the factories that cannot be pickled."""
    return {key: plain(each) for key, each in value.items()} if isinstance(value, dict) else value


@tool
def pay(amount: int) -> str:
    """Pay for it."""
    if not interrupt({"question": "May I pay?", "amount": amount})["approved"]:
        return "not paid"
    return task.pay(amount)


saver, saved = InMemorySaver(), Path(sys.argv[2])
if saved.exists():
    for name, kept in pickle.loads(saved.read_bytes()).items():
        for key, value in kept.items():
            held = getattr(saver, name)
            if isinstance(value, dict) and name == "storage":
                held[key].update(value)
            else:
                held[key] = value
graph = create_agent(
    ChatAnthropic(model=task.MODEL, max_tokens=200), [pay], name=task.AGENT, checkpointer=saver
)
config = {"configurable": {"thread_id": task.CONVERSATION}}
tellwhy.configure()
if task.form() == "ask":
    graph.invoke({"messages": [("user", task.PAYING)]}, config)
    saved.write_bytes(pickle.dumps({name: plain(getattr(saver, name)) for name in KEPT}))
else:
    graph.invoke(Command(resume={"approved": task.form() == "yes"}), config)
print(task.ANSWER)
