"""Bedrock through boto3: a loop by hand with converse, a tool, and a rule that lets it run.

pip install "tellwhy[all]" boto3; start `tellwhy up` beside it.
"""

import boto3

import tellwhy
from tellwhy._demo.offline import models, script

SQL = """
SELECT chosen, arguments, outcome, approval_decision, stated_reason
FROM decisions WHERE conversation_id = 'invoice-4718' AND action = 'tool_call'
"""
QUESTION = script(
    "Pay the invoice.",
    {"text": "The invoice is due today.", "tools": [["pay", {"amount": 42}]]},
    {"text": "It is paid."},
)
AMOUNT = {"type": "object", "properties": {"amount": {"type": "integer"}}}
TOOLS = [{"toolSpec": {"name": "pay", "description": "Pay it.", "inputSchema": {"json": AMOUNT}}}]


@tellwhy.tool(effect="write")
def pay(amount: int) -> str:
    """Pay an invoice."""
    with tellwhy.approval("pay", arguments={"amount": amount}) as asked:
        asked.approve(by="up to 50", kind="rule")
    return f"paid {amount}"


@tellwhy.agent(name="payer", conversation_id="invoice-4718")
def work() -> str:
    """Ask the model until it answers."""
    client = boto3.client("bedrock-runtime", region_name="eu-north-1")
    messages = [{"role": "user", "content": [{"text": QUESTION}]}]
    while True:
        message = client.converse(
            modelId="eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            messages=messages,
            toolConfig={"tools": TOOLS},
        )["output"]["message"]
        calls = [block["toolUse"] for block in message["content"] if "toolUse" in block]
        if not calls:
            return message["content"][-1]["text"]
        results = [
            {"toolResult": {"toolUseId": c["toolUseId"], "content": [{"text": pay(**c["input"])}]}}
            for c in calls
        ]
        messages += [message, {"role": "user", "content": results}]


if __name__ == "__main__":
    tellwhy.configure(service_name="bedrock-example")
    with models():
        print(work())
    tellwhy.flush()
    print(f'tellwhy sql "{SQL}"')
