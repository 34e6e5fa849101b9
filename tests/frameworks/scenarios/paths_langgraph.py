"""LangGraph: old checkpoints, events, a stream that is left, two questions at a time, a subgraph."""

import asyncio
import json
import operator
from typing import Annotated, TypedDict

import task
from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

import tellwhy

tellwhy.configure()


@tool
async def get_weather(city: str) -> str:
    """Weather in a city."""
    return task.get_weather(city)


class Answers(TypedDict):
    got: Annotated[list, operator.add]


def asking(city):
    """A question whose script asks for the weather in *city*."""
    script = [{"tools": [["get_weather", {"city": city}]]}, {"text": task.ANSWER}]
    return {"messages": [("user", f"Weather in {city}? <<script:{json.dumps(script)}>>")]}


def thread(name):
    return {"configurable": {"thread_id": name}}


async def again(graph):
    """A thread to its end, then from its beginning: once as it was, once with another question."""
    await graph.ainvoke(asking("Oslo"), thread("again"))
    history = [state async for state in graph.aget_state_history(thread("again"))]
    first = next(state for state in history if len(state.values["messages"]) == 1)
    await graph.ainvoke(None, first.config)
    (_, other), *_ = asking("Bergen")["messages"]
    changed = first.values["messages"][0].model_copy(update={"content": other})
    forked = await graph.aupdate_state(first.config, {"messages": [changed]}, as_node="__start__")
    await graph.ainvoke(None, forked)


def waiting(name):
    """A node that waits for a person."""
    return lambda _: {"got": [interrupt({"question": f"May {name}?"})]}


async def pair():
    """Two nodes ask at the same time; one command answers both; a subgraph follows."""
    inner = StateGraph(Answers).add_node("inner", lambda _: {"got": ["inner"]})
    inner.add_edge(START, "inner").add_edge("inner", END)
    outer = StateGraph(Answers).add_node("sub", inner.compile()).add_edge("sub", END)
    for name in ("one", "two"):
        outer.add_node(name, waiting(name)).add_edge(START, name).add_edge(name, "sub")
    graph = outer.compile(checkpointer=InMemorySaver(), name="pair")
    await graph.ainvoke({"got": []}, thread("pair"))
    asked = [each for t in (await graph.aget_state(thread("pair"))).tasks for each in t.interrupts]
    said = {each.id: "no" if "two" in each.value["question"] else "yes" for each in asked}
    await graph.ainvoke(Command(resume=said), thread("pair"))


async def main():
    graph = create_agent(
        ChatAnthropic(model=task.MODEL, max_tokens=200),
        [get_weather],
        name=task.AGENT,
        checkpointer=InMemorySaver(),
    )
    await again(graph)
    async for _ in graph.astream_events(asking("Rome"), thread("events"), version="v2"):
        pass
    async for _ in graph.astream(asking("Turin"), thread("left"), stream_mode="updates"):
        break
    await pair()
    print(task.ANSWER)


asyncio.run(main())
