"""Four agents that work together: a desk asks two scouts at the same time, plain code chooses the
vehicle, and the desk hands over to dispatch.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic

import tellwhy
from tellwhy._demo.agents.schema import for_anthropic

MODEL = "claude-haiku-4-5"
SHOP = "of Pelican Lane Outfitters"
PARCEL_KG = 31
BIKE_LIMIT_KG = 25

Tool = Callable[..., Awaitable[Any]]
client = anthropic.AsyncAnthropic()


async def work(system: str, task: str, tools: list[Tool]) -> str:
    """One agent's loop: ask the model, run what it wants at the same time, ask again."""
    messages: list[Any] = [{"role": "user", "content": task}]
    known = {tool.__name__: tool for tool in tools}
    while True:
        reply = await client.messages.create(
            model=MODEL,
            max_tokens=2000,
            system=system,
            tools=for_anthropic(tools),
            messages=messages,
            thinking={"type": "enabled", "budget_tokens": 1024},
        )
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in reply.content if block.type == "text")
        results = await asyncio.gather(*(known[call.name](**call.input) for call in calls))
        messages += [
            {"role": "assistant", "content": reply.content},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": c.id, "content": json.dumps(result)}
                    for c, result in zip(calls, results, strict=True)
                ],
            },
        ]


@tellwhy.tool(effect="read")
async def forecast(place: str, day: str) -> dict[str, Any]:
    """Weather forecast for a place."""
    await asyncio.sleep(0.2)
    return {"place": place, "day": day, "rain_until": "09:00", "wind_kmh": 18}


@tellwhy.tool(effect="read")
async def road_status(road: str) -> dict[str, Any]:
    """Whether a road is open."""
    await asyncio.sleep(0.15)
    return {"road": road, "open": road == "valley road", "minutes": 40}


@tellwhy.tool(effect="write")
async def book_vehicle(order_id: str, vehicle: str, road: str, at: str) -> dict[str, Any]:
    """Book a vehicle for one order."""
    await asyncio.sleep(0.25)
    return {"booking": "BK-5120", "order_id": order_id, "vehicle": vehicle, "road": road, "at": at}


@tellwhy.agent(name="weather-scout")
async def weather_scout(question: str) -> str:
    """Answer a question about the weather."""
    return await work(f"You are the weather scout {SHOP}.", question, [forecast])


@tellwhy.agent(name="road-scout")
async def road_scout(question: str) -> str:
    """Answer a question about the roads."""
    return await work(f"You are the road scout {SHOP}.", question, [road_status])


@tellwhy.agent(name="dispatch")
async def dispatch(order_id: str, vehicle: str, road: str, not_before: str) -> str:
    """Book the vehicle that was chosen."""
    task = f"Book a {vehicle} for order {order_id}: {road}, not before {not_before}."
    return await work(f"You are dispatch {SHOP}.", task, [book_vehicle])


@tellwhy.tool(effect="read")
async def ask_scout(scout: str, question: str) -> str:
    """Ask weather-scout or road-scout."""
    scouts = {"weather-scout": weather_scout, "road-scout": road_scout}
    return await scouts[scout](question)


@tellwhy.tool(effect="write")
async def transfer_to_dispatch(order_id: str, road: str, not_before: str) -> str:
    """Hand the order over to dispatch."""
    vehicle = "van" if PARCEL_KG > BIKE_LIMIT_KG else "cargo bike"
    tellwhy.decide(
        "vehicle",
        options=["van", "cargo bike"],
        chosen=vehicle,
        why=f"The parcel weighs {PARCEL_KG} kg; the bike carries up to {BIKE_LIMIT_KG} kg.",
    )
    return await dispatch(order_id, vehicle, road, not_before)


@tellwhy.agent(name="delivery-desk")
async def deliver(request: str) -> str:
    """Arrange the delivery of one order."""
    system = f"You are the delivery desk {SHOP}. Ask the scouts, then hand over to dispatch."
    return await work(system, request, [ask_scout, transfer_to_dispatch])


if __name__ == "__main__":
    print(asyncio.run(deliver("Please bring order 88301 to Harrow Bridge tomorrow morning.")))
