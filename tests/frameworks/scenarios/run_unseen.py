"""An agent that asks a model by HTTP itself: with requests, or with aiohttp."""

import asyncio
import os

import task

import tellwhy

tellwhy.configure()
URL = f"{os.environ['ANTHROPIC_BASE_URL']}/v1/messages"
BODY = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Say it."}],
}


def with_requests():
    """One answer."""
    import requests

    return requests.post(URL, json=BODY, timeout=60).json()


def with_aiohttp():
    """One answer."""
    import aiohttp

    async def ask():
        async with aiohttp.ClientSession() as session, session.post(URL, json=BODY) as answer:
            return await answer.json()

    return asyncio.run(ask())


@tellwhy.agent(name=task.AGENT)
def run():
    return {"requests": with_requests, "aiohttp": with_aiohttp}[task.form()]()


assert run()["content"][0]["text"]
print(task.ANSWER)
