"""LangGraph: an agent on a graph, in three forms, with a tool that interrupts."""

import asyncio

import task
from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.tools import ToolException, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

import tellwhy

task.beside()


@tool
def get_weather(city: str) -> str:
    """Weather in a city."""
    return task.get_weather(city)


@tool
@tellwhy.tool(effect="read")
def check_stock(item: str) -> str:
    """How many there are."""
    try:
        return task.check_stock(item)
    except ValueError as error:
        raise ToolException(str(error)) from error


@tool
def pay(amount: int) -> str:
    """Pay for it."""
    if not interrupt({"question": "May I pay?", "amount": amount})["approved"]:
        return "not paid"
    return task.pay(amount)


check_stock.handle_tool_error = True
graph = create_agent(
    ChatAnthropic(model=task.MODEL, max_tokens=2000, thinking={"type": "adaptive"}),
    [get_weather, check_stock, pay],
    name=task.AGENT,
    checkpointer=InMemorySaver(),
)
config = {"configurable": {"thread_id": task.CONVERSATION}}
question = {"messages": [("user", task.QUESTION)]}
answer = Command(resume={"approved": task.form() != "denied"})


def drained(stream):
    for _ in stream:
        pass


async def in_async():
    await graph.ainvoke(question, config)
    async for _ in graph.astream(answer, config, stream_mode="messages"):
        pass


tellwhy.configure()
form = task.form()
with task.around():
    if form == "async":
        asyncio.run(in_async())
    elif form == "stream":
        drained(graph.stream(question, config, stream_mode="messages"))
        drained(graph.stream(answer, config))
    else:
        graph.invoke(question, config)
        graph.invoke(answer, config)
print(graph.get_state(config).values["messages"][-1].content)
