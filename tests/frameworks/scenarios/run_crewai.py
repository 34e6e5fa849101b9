"""CrewAI: one agent, one task; the tool that pays asks a person in its own code."""

import task
from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool

import tellwhy

task.beside()
tellwhy.configure()
tellwhy.set_conversation(task.CONVERSATION)


@tool("get_weather")
def get_weather(city: str) -> str:
    """Weather in a city."""
    return task.get_weather(city)


@tool("check_stock")
@tellwhy.tool(effect="read")
def check_stock(item: str) -> str:
    """How many there are."""
    return task.check_stock(item)


@tool("pay")
def pay(amount: int) -> str:
    """Pay for it."""
    with tellwhy.approval("pay", arguments={"amount": amount}) as asked:
        asked.approve(by="ana")
    return task.pay(amount)


agent = Agent(
    role=task.AGENT,
    goal="Buy.",
    backstory="Careful.",
    tools=[get_weather, check_stock, pay],
    llm=LLM(model=f"openai/{task.OPENAI_MODEL}"),
    verbose=False,
)
job = Task(name="buy", description=task.QUESTION, expected_output="A word.", agent=agent)
with task.around():
    print(Crew(agents=[agent], tasks=[job], name="shop", verbose=False).kickoff())
