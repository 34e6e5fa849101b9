"""The smallest change to an existing agent: one decorator. Tools stay plain functions; what they
were called with and gave back is read out of the next request to the model.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import anthropic

import tellwhy
from tellwhy._demo.agents.schema import for_anthropic

MODEL = "claude-haiku-4-5"
SYSTEM = "You watch the shelves of Pelican Lane Outfitters. Reorder what is below its minimum."


def count_stock(item: str) -> dict[str, Any]:
    """Count an item on the shelf."""
    time.sleep(0.1)
    shelf, minimum = {"gas canister 230 g": (12, 40), "headlamp": (35, 10)}[item]
    return {"item": item, "on_shelf": shelf, "minimum": minimum}


def order_more(item: str, quantity: int) -> dict[str, Any]:
    """Order more of an item."""
    time.sleep(0.2)
    return {"order": "PO-771", "item": item, "quantity": quantity}


TOOLS: dict[str, Callable[..., Any]] = {"count_stock": count_stock, "order_more": order_more}


@tellwhy.agent
def check_shelves(request: str) -> str:
    """Check the shelves and reorder; give back what was done."""
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
    print(check_shelves("Please check the gas canisters and the headlamps."))
