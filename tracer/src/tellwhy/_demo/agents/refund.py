"""A refund agent on the Anthropic SDK: streamed answers with thinking, tools that fail, a person
who approves a payment and a rule that denies a voucher.

All that tellwhy needs are the decorators here and in `refund_tools`.
"""

import json
from typing import Any

import anthropic

import tellwhy
from tellwhy._demo.agents.refund_tools import TOOLS
from tellwhy._demo.agents.schema import for_anthropic

MODEL = "claude-sonnet-5"
SYSTEM = """You work at the refund desk of Pelican Lane Outfitters. Resolve the ticket with the \
tools. Check every claim before money moves, follow the refund policy, and tell the customer what \
was done. When the ticket is closed, sum up in two sentences."""
MAX_TURNS = 25
"""A real model may go round in circles; the run ends then."""


@tellwhy.agent(name="refund-agent", version="41")
def resolve(request: str) -> str:
    """Work on one ticket until the model stops asking for tools; give back its summary."""
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": request}]
    for _ in range(MAX_TURNS):
        with client.messages.stream(
            model=MODEL,
            max_tokens=8000,
            thinking={"type": "adaptive"},
            system=SYSTEM,
            tools=for_anthropic(TOOLS.values()),
            messages=messages,
        ) as stream:
            reply = stream.get_final_message()
        messages.append({"role": "assistant", "content": reply.content})
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in reply.content if block.type == "text")
        messages.append({"role": "user", "content": [_run(call) for call in calls]})
    raise RuntimeError(f"Not resolved after {MAX_TURNS} turns: {request}")


def _run(call: Any) -> dict[str, Any]:
    """Run one tool and give back its result, or its error, as the model is to read it."""
    result = {"type": "tool_result", "tool_use_id": call.id}
    try:
        return {**result, "content": json.dumps(TOOLS[call.name](**call.input))}
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the model has to know
        return {**result, "content": f"{type(error).__name__}: {error}", "is_error": True}


if __name__ == "__main__":
    print(resolve("Please resolve ticket T-55102."))
