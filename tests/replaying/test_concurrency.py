"""Calls at the same time get their own answers back, whatever the order in which they come."""

import asyncio
import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import anthropic
from replayed_loops import ASK, task

import tellwhy


def crowd(stage, *, marked=False):
    """20 tasks and 20 threads, each with two turns and a tool between them."""

    @tellwhy.tool
    def echo(text: str) -> str:
        stage.effects.append(text)
        return text[::-1]

    def prompt(who, turn):
        noise = f" [{uuid.uuid4()} at {time.time()}]" if marked else ""
        return [{"role": "user", "content": f"{task({'text': f'{who} hears {turn}'})}{noise}"}]

    async def of_task(client, number):
        await asyncio.sleep(random.random() / 50)
        first = await client.messages.create(messages=prompt(f"task {number}", 1), **ASK)
        said = echo(f"{first.content[0].text}")
        await asyncio.sleep(random.random() / 50)
        second = await client.messages.create(messages=prompt(f"task {number}", said), **ASK)
        return second.content[0].text

    def of_thread(client, number):
        time.sleep(random.random() / 50)
        first = client.messages.create(messages=prompt(f"thread {number}", 1), **ASK)
        said = echo(f"{first.content[0].text}")
        second = client.messages.create(messages=prompt(f"thread {number}", said), **ASK)
        return second.content[0].text

    async def tasks():
        async with anthropic.AsyncAnthropic(max_retries=0) as client:
            return await asyncio.gather(*[of_task(client, number) for number in range(20)])

    found = []
    with anthropic.Anthropic(max_retries=0) as client, ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(of_thread, client, number) for number in range(20)]
        loop = threading.Thread(target=lambda: found.append(asyncio.run(tasks())))
        loop.start()
        threads = [each.result() for each in waiting]
        loop.join()
    return [threads, found[0]]


def test_forty_interleaved_agents_get_their_own_answers(stage):
    """80 requests and 40 tool calls: identical, whatever the scheduler does."""
    played = stage.play(crowd)

    assert played.first == played.again
    assert [] == played.verdict.divergences
    assert (80, 40) == (played.verdict.model_calls, played.verdict.tool_calls)
    assert (0, 0) == (played.ran, played.requests)


def test_ids_and_times_in_prompts_are_masked_and_told(stage):
    """The same with an id and a time in every prompt: right, and every one is reported."""
    played = stage.play(lambda stage: crowd(stage, marked=True))

    assert played.first == played.again
    assert [] == played.verdict.divergences
    assert 80 == len(played.verdict.masked)
    assert "$.messages[0].content was" in played.verdict.masked[0]
