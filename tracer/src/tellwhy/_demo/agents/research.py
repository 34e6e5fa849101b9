"""A purchasing agent on the OpenAI SDK: the responses API plans and recommends, chat completions
gather with several tools at once, each in a thread of its own.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai

import tellwhy
from tellwhy._demo.agents.schema import for_openai

MODEL = "gpt-5.4-mini"
QUESTION = "Which supplier should we reorder the Ember camping stove from for the spring season?"
PLAN = "You plan purchases for Pelican Lane Outfitters. List the steps; do not carry them out."
GATHER = "You gather facts for Pelican Lane Outfitters with the tools. Report numbers only."
RECOMMEND = "You recommend one supplier in two sentences and name the risk."

OFFERS = {
    "Northlight": {"price": 52.0, "currency": "USD", "lead_days": 21},
    "Tarn & Sons": {"price": 41.5, "currency": "GBP", "lead_days": 14},
    "Volta Camp": {"price": 47.0, "currency": "USD", "lead_days": 70},
}


@tellwhy.tool(effect="read")
def read_offer(supplier: str) -> dict[str, Any]:
    """Read a supplier's current offer for the Ember stove."""
    time.sleep(0.15)
    return {"supplier": supplier, **OFFERS[supplier]}


@tellwhy.tool(effect="read")
def defect_rate(supplier: str, since: str) -> dict[str, Any]:
    """Share of a supplier's stoves that came back since a date, in percent."""
    time.sleep(0.2)
    percent = {"Northlight": 0.9, "Tarn & Sons": 3.1}[supplier]
    return {"supplier": supplier, "since": since, "percent": percent}


@tellwhy.tool(effect="read")
def convert(amount: float, source: str, target: str) -> dict[str, Any]:
    """Convert an amount between currencies at the shop's fixed rate."""
    return {"amount": round(amount * 1.32, 2), "currency": target, "from": source}


TOOLS = {tool.__name__: tool for tool in (read_offer, defect_rate, convert)}


@tellwhy.agent(name="purchasing-agent")
def recommend(question: str) -> str:
    """Plan, gather and recommend; give back the recommendation."""
    client = openai.OpenAI()
    plan = client.responses.create(
        model=MODEL,
        instructions=PLAN,
        input=question,
        reasoning={"effort": "low", "summary": "auto"},
    )
    facts = gather(client, question, plan.output_text)
    answer = client.responses.create(
        model=MODEL,
        instructions=RECOMMEND,
        input=f"These are the facts: {facts}",
        previous_response_id=plan.id,
        reasoning={"effort": "low", "summary": "auto"},
    )
    return answer.output_text


def gather(client: openai.OpenAI, question: str, plan: str) -> str:
    """Let the model call tools, several in one turn, until it has its numbers."""
    messages: list[Any] = [
        {"role": "system", "content": GATHER},
        {"role": "user", "content": f"{question}\n\nThe plan:\n{plan}"},
    ]
    while True:
        reply = client.chat.completions.create(
            model=MODEL, messages=messages, tools=for_openai(TOOLS.values())
        )
        message = reply.choices[0].message
        if not message.tool_calls:
            return message.content or ""
        calls = [call for call in message.tool_calls if call.type == "function"]
        with ThreadPoolExecutor() as pool:
            results = list(pool.map(_run, calls))
        messages += [message, *results]


def _run(call: Any) -> dict[str, Any]:
    arguments = json.loads(call.function.arguments)
    result = json.dumps(TOOLS[call.function.name](**arguments))
    return {"role": "tool", "tool_call_id": call.id, "content": result}


if __name__ == "__main__":
    print(recommend(QUESTION))
