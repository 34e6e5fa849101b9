"""A person has to agree before a tool acts: who, what they saw, how long they took."""

import anthropic

import tellwhy

ORDER = {
    "type": "object",
    "properties": {"order_id": {"type": "string"}, "amount": {"type": "number"}},
    "required": ["order_id", "amount"],
}
REFUND = {"name": "refund", "description": "Pay money back.", "input_schema": ORDER}


@tellwhy.tool(effect="irreversible")
def refund(order_id: str, amount: float) -> str:
    """Pay money back, if the person at the keyboard agrees."""
    shown = {"order_id": order_id, "amount": amount}
    with tellwhy.approval("refund", shown=shown) as question:
        answer = input(f"Refund {amount} for order {order_id}? [y/n] ")
        if answer != "y":
            question.deny(by="keyboard", note=answer)
            raise PermissionError("the person at the keyboard said no")
        question.approve(by="keyboard")
    return f"Refunded {amount} for {order_id}."


@tellwhy.agent(name="refund-desk")
def help_customer(request: str) -> str:
    """Work on one request of a customer."""
    client = anthropic.Anthropic()
    messages = [{"role": "user", "content": request}]
    while True:
        reply = client.messages.create(
            model="claude-haiku-4-5", max_tokens=1000, tools=[REFUND], messages=messages
        )
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            return reply.content[-1].text
        results = []
        for call in calls:
            result = {"type": "tool_result", "tool_use_id": call.id}
            try:
                results.append({**result, "content": refund(**call.input)})
            except PermissionError as error:
                results.append({**result, "content": str(error), "is_error": True})
        messages += [
            {"role": "assistant", "content": reply.content},
            {"role": "user", "content": results},
        ]


if __name__ == "__main__":
    print(help_customer("Please refund the 42 dollars of order A-17."))
