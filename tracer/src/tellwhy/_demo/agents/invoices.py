"""An agent that fails for good: a tool refuses, the model reads far too much, and the provider
turns the next request down. The error reaches the caller as it would without tellwhy.
"""

import json
import sys
import time
from typing import Any

import anthropic

import tellwhy
from tellwhy._demo.agents.schema import for_anthropic

MODEL = "claude-sonnet-5"
SYSTEM = "You post supplier invoices for Pelican Lane Outfitters into the right period."


@tellwhy.tool(effect="read")
def read_invoice(invoice_id: str) -> dict[str, Any]:
    """Read one supplier invoice."""
    time.sleep(0.08)
    supplier = {"supplier": "Tarn & Sons", "dated": "2026-10-31"}
    return {"invoice_id": invoice_id, "amount": 1890.0, "currency": "USD"} | supplier


@tellwhy.tool(effect="write")
def post_invoice(invoice_id: str, amount: float, period: str) -> dict[str, Any]:
    """Post an invoice into an accounting period."""
    time.sleep(0.15)
    if period <= "2026-10":
        raise PermissionError(f"period {period} is closed since 2026-11-05")
    return {"invoice_id": invoice_id, "amount": amount, "period": period, "posted": True}


@tellwhy.tool(effect="read")
def read_history(ledger: str) -> str:
    """Read every line of a ledger."""
    time.sleep(0.4)
    return "\n".join(f"{ledger};2026-{1 + n % 10:02};line {n};{n * 7 % 900}.00" for n in range(400))


TOOLS = {tool.__name__: tool for tool in (read_invoice, post_invoice, read_history)}


@tellwhy.agent(name="invoice-agent")
def post(request: str) -> str:
    """Post one invoice; give back where it went."""
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": request}]
    while True:
        reply = client.messages.create(
            model=MODEL,
            max_tokens=4000,
            thinking={"type": "adaptive"},
            system=SYSTEM,
            tools=for_anthropic(TOOLS.values()),
            messages=messages,
        )
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in reply.content if block.type == "text")
        messages.append({"role": "assistant", "content": reply.content})
        messages.append({"role": "user", "content": [_run(call) for call in calls]})


def _run(call: Any) -> dict[str, Any]:
    result = {"type": "tool_result", "tool_use_id": call.id}
    try:
        return {**result, "content": json.dumps(TOOLS[call.name](**call.input))}
    except PermissionError as error:
        return {**result, "content": str(error), "is_error": True}


if __name__ == "__main__":
    try:
        print(post("Please post invoice INV-3308."))
    except anthropic.APIStatusError as error:
        sys.exit(f"{type(error).__name__}: {error.message}")
