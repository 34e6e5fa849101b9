"""CrewAI: a task whose guardrail sends the first answer back; ``leaves``: and every other one."""

import json

import task
from crewai import LLM, Agent, Crew, Task

import tellwhy

tellwhy.configure()
ANSWERS = [{"text": "The card number is 0000."}]
SEEN = []


def no_card_numbers(output):
    """Card numbers stay inside: the first time, or always."""
    SEEN.append(output.raw)
    if len(SEEN) == 1 or task.form() == "leaves":
        return (False, "no card numbers")
    return (True, "Paid.")


agent = Agent(
    role=task.AGENT,
    goal="Buy.",
    backstory="Careful.",
    llm=LLM(model=f"openai/{task.OPENAI_MODEL}"),
    verbose=False,
)
job = Task(
    name="buy",
    description=f"Pay for the coat. <<script:{json.dumps(ANSWERS)}>>",
    expected_output="A word.",
    agent=agent,
    guardrail=no_card_numbers,
    guardrail_max_retries=1,
)
try:
    Crew(agents=[agent], tasks=[job], name="shop", verbose=False).kickoff()
except Exception:
    if task.form() != "leaves":
        raise
print(task.ANSWER)
