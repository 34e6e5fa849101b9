"""Decorated tools: exact times, errors, and what a tool may do to the world.

`effect` says whether a tool reads, writes or cannot be undone: a reviewer looks at what changed
something first.
"""

import anthropic

import tellwhy
from tellwhy._demo.offline import models

SQL = "SELECT chosen, arguments, outcome FROM decisions WHERE agent_name = 'order-desk'"


@tellwhy.tool(effect="read")
def get_order(order_id: str) -> str:
    """Look an order up."""
    return f"Order {order_id}: one tent, paid, not shipped."


@tellwhy.tool(effect="irreversible")
def cancel_order(order_id: str) -> str:
    """Cancel an order; it cannot be opened again."""
    raise TimeoutError(f"the warehouse did not answer for {order_id}")


TOOLS = {tool.__name__: tool for tool in (get_order, cancel_order)}
ORDER = {"type": "object", "properties": {"order_id": {"type": "string"}}}
OFFERED = [{"name": n, "description": t.__doc__, "input_schema": ORDER} for n, t in TOOLS.items()]


def run_tool(call: anthropic.types.ToolUseBlock) -> dict:
    """Run one tool; the model gets the error if it fails, and so does the recording."""
    result = {"type": "tool_result", "tool_use_id": call.id}
    try:
        return {**result, "content": TOOLS[call.name](**call.input)}
    except TimeoutError as error:
        return {**result, "content": str(error), "is_error": True}


@tellwhy.agent(name="order-desk", version="3")
def help_customer(request: str) -> str:
    """Work on one request of a customer."""
    client = anthropic.Anthropic()
    messages = [{"role": "user", "content": request}]
    while True:
        reply = client.messages.create(
            model="claude-haiku-4-5", max_tokens=1000, tools=OFFERED, messages=messages
        )
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            return reply.content[-1].text
        messages.append({"role": "assistant", "content": reply.content})
        messages.append({"role": "user", "content": [run_tool(call) for call in calls]})


if __name__ == "__main__":
    with models():
        print(help_customer("Please cancel order A-17."))
    print(f'tellwhy sql "{SQL}"')
