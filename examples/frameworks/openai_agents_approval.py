"""OpenAI Agents SDK: a tool that needs an approval, and the run that goes on with it.

pip install "tellwhy[all,openai-agents]"; start `tellwhy up` beside it.
"""

from agents import Agent, RunConfig, Runner, function_tool, set_trace_processors

import tellwhy
from tellwhy._demo.offline import models, script

SQL = """
SELECT chosen, arguments, outcome, approval_decision, approver_kind
FROM decisions WHERE conversation_id = 'invoice-4713' AND action = 'tool_call'
"""
QUESTION = script(
    "Pay the invoice.",
    {"think": "The invoice is due today.", "tools": [["pay", {"amount": 42}]]},
    {"text": "It is paid."},
)


@function_tool(needs_approval=True)
def pay(amount: int) -> str:
    """Pay an invoice."""
    return f"paid {amount}"


def main() -> None:
    """Ask, let a person answer, go on."""
    agent = Agent(name="payer", model="gpt-5.5", tools=[pay])
    config = RunConfig(group_id="invoice-4713")
    asked = Runner.run_sync(agent, QUESTION, run_config=config)
    state = asked.to_state()
    state.approve(asked.interruptions[0])
    print(Runner.run_sync(agent, state, run_config=config).final_output)


if __name__ == "__main__":
    set_trace_processors([])  # the SDK's own exporter posts to the provider
    tellwhy.configure(service_name="openai-agents-example")
    with models():
        main()
    tellwhy.flush()
    print(f'tellwhy sql "{SQL}"')
