"""OpenAI chat completions, streamed, with the tools of one turn in threads of their own."""

import json
from concurrent.futures import ThreadPoolExecutor

import openai

import tellwhy
from tellwhy._demo.offline import models

SQL = "SELECT chosen, arguments, outcome FROM decisions WHERE agent_name = 'travel-agent'"


@tellwhy.tool(effect="read")
def get_weather(city: str) -> str:
    """Weather in a city."""
    return f"{city}: 21 °C, dry"


CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
DEFINITION = {"name": "get_weather", "description": get_weather.__doc__, "parameters": CITY}


def answer_call(call: dict) -> dict:
    """Run one tool call and give back the message with its result."""
    result = get_weather(**json.loads(call["function"]["arguments"]))
    return {"role": "tool", "tool_call_id": call["id"], "content": result}


@tellwhy.agent(name="travel-agent")
def advise(question: str) -> str:
    """Answer a question about the weather."""
    client = openai.OpenAI()
    messages: list = [{"role": "user", "content": question}]
    while True:
        with client.chat.completions.stream(
            model="gpt-5.4-mini",
            messages=messages,
            tools=[{"type": "function", "function": DEFINITION}],
        ) as stream:
            message = stream.get_final_completion().choices[0].message.to_dict()
        if not message.get("tool_calls"):
            return message["content"]
        with ThreadPoolExecutor() as pool:
            results = list(pool.map(answer_call, message["tool_calls"]))
        messages += [message, *results]


if __name__ == "__main__":
    with models():
        print(advise("Is it dry in Paris?"))
    print(f'tellwhy sql "{SQL}"')
