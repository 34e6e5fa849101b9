"""Agents that look after a ticket, over each wire format, and the rule of the model that they ask."""

import anthropic
import openai

from tellwhy.testing import Call

SCHEMA = {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]}
TOOLS = {
    "get_order": "Reads an order.",
    "refund": "Pays money back.",
    "escalate": "Asks a person.",
    "close": "Closes the ticket.",
}
SYSTEM = """# Role
You look after tickets.

# Refunds
Only damaged orders are refunded.

# Tone
Be kind and short."""
RESULT = "Order A-1: one lamp, 40 EUR, arrived damaged."


def rule(context):
    """Refund what the order says is damaged."""
    if "damaged" in context.result("get_order"):
        return Call("refund", {"order": "A-1"})
    if not context.results:
        return Call("get_order", {"order": "A-1"})
    return Call("escalate", {"order": "A-1"})


def claude(model="claude-causal", system=SYSTEM, result=RESULT, **more):
    """A conversation whose second decision is to refund."""
    tools = [{"name": n, "description": d, "input_schema": SCHEMA} for n, d in TOOLS.items()]
    messages = [{"role": "user", "content": "My lamp is broken. I want my money back."}]
    with anthropic.Anthropic(open_telemetry=False) as client:
        for _ in range(2):
            answer = client.messages.create(
                model=model, max_tokens=300, system=system, tools=tools, messages=messages, **more
            )
            messages.append({"role": "assistant", "content": answer.content})
            calls = [block for block in answer.content if block.type == "tool_use"]
            messages.append(
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": call.id, "content": result}
                        for call in calls
                    ],
                }
            )


def chat(model="gpt-causal"):
    """The same over OpenAI chat completions, streamed."""
    tools = [
        {"type": "function", "function": {"name": n, "description": d, "parameters": SCHEMA}}
        for n, d in TOOLS.items()
    ]
    messages = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": "My lamp is broken. I want my money back."},
    ]
    with openai.OpenAI() as client:
        for _ in range(2):
            with client.chat.completions.stream(
                model=model, tools=tools, messages=messages
            ) as stream:
                said = stream.get_final_completion().choices[0].message
            messages.append(said.model_dump(exclude_none=True, exclude={"parsed"}))
            calls = said.tool_calls or []
            messages += [{"role": "tool", "tool_call_id": c.id, "content": RESULT} for c in calls]


def responses(model="gpt-causal"):
    """The same over OpenAI responses."""
    tools = [
        {"type": "function", "name": n, "description": d, "parameters": SCHEMA}
        for n, d in TOOLS.items()
    ]
    items = [{"role": "user", "content": "My lamp is broken. I want my money back."}]
    with openai.OpenAI() as client:
        for _ in range(2):
            answer = client.responses.create(
                model=model, instructions=SYSTEM, tools=tools, input=items
            )
            for call in answer.output:
                items.append(call.model_dump(exclude_none=True))
                items.append(
                    {"type": "function_call_output", "call_id": call.call_id, "output": RESULT}
                )
