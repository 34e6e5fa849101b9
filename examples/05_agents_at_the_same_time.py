"""Agents inside an agent, at the same time: each run keeps its own steps apart."""

import asyncio

import anthropic

import tellwhy

client = anthropic.AsyncAnthropic()


@tellwhy.agent(name="reader")
async def read(chapter: str) -> str:
    """Read one chapter."""
    reply = await client.messages.create(
        model="claude-haiku-4-5",
        max_tokens=500,
        messages=[{"role": "user", "content": f"What is chapter {chapter} about?"}],
    )
    return reply.content[-1].text


@tellwhy.agent(name="editor")
async def review(chapters: list[str]) -> str:
    """Let one reader work on each chapter, then put together what they say."""
    notes = await asyncio.gather(*(read(chapter) for chapter in chapters))
    reply = await client.messages.create(
        model="claude-haiku-4-5",
        max_tokens=500,
        messages=[{"role": "user", "content": "Put these notes together:\n" + "\n".join(notes)}],
    )
    return reply.content[-1].text


if __name__ == "__main__":
    print(asyncio.run(review(["one", "two", "three"])))
