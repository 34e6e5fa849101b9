"""LangGraph: a thread is run to its end, then again from an earlier checkpoint with another state."""

import json

import task
from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver

import tellwhy

tellwhy.configure()


@tool
def get_weather(city: str) -> str:
    """Weather in a city."""
    return task.get_weather(city)


def asking(city):
    """A question whose script asks for the weather in *city*."""
    script = [{"tools": [["get_weather", {"city": city}]]}, {"text": task.ANSWER}]
    return f"Weather in {city}? <<script:{json.dumps(script)}>>"


graph = create_agent(
    ChatAnthropic(model=task.MODEL, max_tokens=200),
    [get_weather],
    name=task.AGENT,
    checkpointer=InMemorySaver(),
)
config = {"configurable": {"thread_id": task.CONVERSATION}}
graph.invoke({"messages": [("user", asking("Oslo"))]}, config)
before = next(
    state for state in graph.get_state_history(config) if len(state.values["messages"]) == 1
)
question = before.values["messages"][0]
changed = question.model_copy(update={"content": asking("Bergen")})
forked = graph.update_state(before.config, {"messages": [changed]}, as_node="__start__")
done = graph.invoke(None, forked)
print(before.config["configurable"]["checkpoint_id"], forked["configurable"]["checkpoint_id"])
print(done["messages"][-1].text)
