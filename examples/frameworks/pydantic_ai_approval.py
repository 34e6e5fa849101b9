"""pydantic-ai: a tool that requires an approval, and the run that goes on with it.

pip install "tellwhy[all,pydantic-ai]" "pydantic-ai-slim[anthropic]"; start `tellwhy up` beside it.
"""

from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults

import tellwhy
from tellwhy._demo.offline import models, script

SQL = """
SELECT chosen, arguments, outcome, approval_decision, stated_reason
FROM decisions WHERE conversation_id = 'invoice-4714' AND action = 'tool_call'
"""
QUESTION = script(
    "Pay the invoice.",
    {"think": "The invoice is due today.", "tools": [["pay", {"amount": 42}]]},
    {"text": "It is paid."},
)


def pay(amount: int) -> str:
    """Pay an invoice."""
    return f"paid {amount}"


def main() -> None:
    """Ask, let a person answer, go on."""
    agent = Agent(
        "anthropic:claude-sonnet-5", name="payer", output_type=[str, DeferredToolRequests]
    )
    agent.tool_plain(requires_approval=True)(pay)
    asked = agent.run_sync(QUESTION, conversation_id="invoice-4714")
    allowed = {call.tool_call_id: True for call in asked.output.approvals}
    done = agent.run_sync(
        message_history=asked.all_messages(),
        deferred_tool_results=DeferredToolResults(approvals=allowed),
    )
    print(done.output)


if __name__ == "__main__":
    tellwhy.configure(service_name="pydantic-ai-example")
    with models():
        main()
    tellwhy.flush()
    print(f'tellwhy sql "{SQL}"')
