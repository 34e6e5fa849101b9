"""An agent whose process is killed in the middle of a payment, as the kernel does when memory runs
out. Nothing in it can say so any more; what had begun is known all the same.
"""

import json
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import anthropic

import tellwhy
from tellwhy._demo.agents.schema import for_anthropic

MODEL = "claude-haiku-4-5"
SYSTEM = "You pay what Pelican Lane Outfitters owes to its guides."


@tellwhy.tool(effect="read")
def list_due(month: str) -> list[dict[str, Any]]:
    """List what is due to whom in a month."""
    time.sleep(0.08)
    due = {"G-12": 640.0, "G-31": 410.5}
    return [{"guide": guide, "amount": due[guide], "month": month} for guide in due]


@tellwhy.tool(effect="write")
def pay_out(guide: str, amount: float, month: str) -> dict[str, Any]:
    """Pay a guide for a month."""
    time.sleep(0.12)
    if guide == "G-31":
        os.kill(os.getpid(), signal.SIGKILL)  # the machine has run out of memory
    return {"guide": guide, "amount": amount, "month": month, "paid": True}


TOOLS: dict[str, Callable[..., Any]] = {"list_due": list_due, "pay_out": pay_out}


@tellwhy.agent(name="payout-agent")
def pay(request: str) -> str:
    """Pay everybody who is due; give back what was done."""
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": request}]
    while True:
        reply = client.messages.create(
            model=MODEL,
            max_tokens=1000,
            system=SYSTEM,
            tools=for_anthropic(TOOLS.values()),
            messages=messages,
        )
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in reply.content if block.type == "text")
        messages.append({"role": "assistant", "content": reply.content})
        results = [
            {
                "type": "tool_result",
                "tool_use_id": call.id,
                "content": json.dumps(TOOLS[call.name](**call.input)),
            }
            for call in calls
        ]
        messages.append({"role": "user", "content": results})


if __name__ == "__main__":
    print(pay("Please pay the guides for 2026-11."))
