"""An agent whose requests `tellwhy what-if` asks again."""

import anthropic
from replayed_loops import ASK, SCHEMA, task

import tellwhy

TOOLS = [
    {"name": name, "description": f"To {name}.", "input_schema": SCHEMA}
    for name in ("look_up", "book", "cancel")
]
STEPS = [
    {"tools": [["look_up", {"city": "Oslo"}]]},
    {"tools": [["book", {"city": "Oslo"}]]},
    {"text": "Booked."},
]


def agent(stage):
    """Three model calls: one that reads, one that writes, an answer."""

    @tellwhy.tool(effect="write")
    def act(name: str, city: str) -> str:
        stage.effects.append(name)
        return f"{name} {city}"

    messages = [{"role": "user", "content": task(*STEPS)}]
    with anthropic.Anthropic() as client:
        while True:
            reply = client.messages.create(messages=messages, tools=TOOLS, **ASK)
            calls = [block for block in reply.content if block.type == "tool_use"]
            if not calls:
                return reply.content[-1].text
            results = [
                {
                    "type": "tool_result",
                    "tool_use_id": call.id,
                    "content": act(call.name, **call.input),
                }
                for call in calls
            ]
            messages = [
                *messages,
                {"role": "assistant", "content": reply.content},
                {"role": "user", "content": results},
            ]
