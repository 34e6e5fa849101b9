"""CrewAI: a crew of one agent with one tool; a rule allows the payment.

pip install "tellwhy[all,crewai]"; start `tellwhy up` beside it.
"""

from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool

import tellwhy
from tellwhy._demo.offline import models, script

SQL = """
SELECT agent_name, chosen, arguments, outcome, approval_decision, approver
FROM decisions WHERE conversation_id = 'invoice-4715' AND action = 'tool_call'
"""
QUESTION = script(
    "Pay the invoice.",
    {"text": "The invoice is due today.", "tools": [["pay", {"amount": 42}]]},
    {"text": "It is paid."},
)


@tool("pay")
def pay(amount: int) -> str:
    """Pay an invoice."""
    with tellwhy.approval("pay", arguments={"amount": amount}) as asked:
        asked.approve(by="below-100", kind="rule")
    return f"paid {amount}"


def main() -> None:
    """Let the crew do its task."""
    llm = LLM(model="openai/gpt-5.5")
    agent = Agent(role="payer", goal="Pay.", backstory="Careful.", tools=[pay], llm=llm)
    task = Task(name="pay", description=QUESTION, expected_output="One word.", agent=agent)
    print(Crew(agents=[agent], tasks=[task], name="accounts").kickoff())


if __name__ == "__main__":
    tellwhy.configure(service_name="crewai-example")
    tellwhy.set_conversation("invoice-4715")
    with models():
        main()
    tellwhy.flush()
    print(f'tellwhy sql "{SQL}"')
