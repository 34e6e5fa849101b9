"""One decorator on an agent that is otherwise as it was.

Every model call is recorded with the tools that were offered. The tool stays a plain function: what
it was called with and gave back is read out of the next request, and marked as inferred.
"""

import anthropic

import tellwhy

WEATHER = {
    "name": "get_weather",
    "description": "Weather in a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


def get_weather(city: str) -> str:
    """Look the weather up."""
    return f"{city}: 21 °C, dry"


@tellwhy.agent
def advise(question: str) -> str:
    """Answer a question; the model may ask for the weather first."""
    client = anthropic.Anthropic()
    messages = [{"role": "user", "content": question}]
    while True:
        reply = client.messages.create(
            model="claude-haiku-4-5", max_tokens=1000, tools=[WEATHER], messages=messages
        )
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            return reply.content[-1].text
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": get_weather(**call.input)}
            for call in calls
        ]
        messages += [
            {"role": "assistant", "content": reply.content},
            {"role": "user", "content": results},
        ]


if __name__ == "__main__":
    print(advise("Do I need a coat in Paris today?"))
