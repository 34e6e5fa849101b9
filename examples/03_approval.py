"""A person has to agree before a tool acts: who, what they saw, how long they took."""

import anthropic

import tellwhy

ORDER = {
    "type": "object",
    "properties": {"order_id": {"type": "string"}, "amount": {"type": "number"}},
    "required": ["order_id", "amount"],
}
REFUND = {"name": "refund", "description": "Pay money back.", "input_schema": ORDER}


def ask_at_the_keyboard(question: tellwhy.Approval) -> None:
    """Ask before the tool runs; it runs only after a yes."""
    answer = input(f"{question.tool} {dict(question.arguments or {})}? [y/n] ")
    if answer == "y":
        question.approve(by="keyboard")
    else:
        question.deny(by="keyboard", note=answer)


@tellwhy.tool(effect="irreversible", needs_approval=ask_at_the_keyboard)
def refund(order_id: str, amount: float) -> str:
    """Pay money back."""
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
            except tellwhy.Denied as error:
                results.append({**result, "content": str(error), "is_error": True})
        messages += [
            {"role": "assistant", "content": reply.content},
            {"role": "user", "content": results},
        ]


if __name__ == "__main__":
    print(help_customer("Please refund the 42 dollars of order A-17."))
