"""MCP: a hand-written loop whose tools are another process, with leave asked in code."""

import asyncio
import os
import sys
from pathlib import Path

import anthropic
import task
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

import tellwhy

task.beside()
SERVER = Path(__file__).with_name("mcp_server.py")


def schema(tool):
    return getattr(tool, "inputSchema", None) or tool.input_schema


async def carry_out(session, call):
    if call.name == "pay":
        with tellwhy.approval("pay", arguments=call.input) as asked:
            asked.approve(by="ana")
    result = await session.call_tool(call.name, call.input)
    failed = getattr(result, "isError", getattr(result, "is_error", False))
    text = result.content[0].text
    return {"type": "tool_result", "tool_use_id": call.id, "content": text, "is_error": failed}


@tellwhy.agent(name=task.AGENT, conversation_id=task.CONVERSATION)
async def loop(session):
    client = anthropic.AsyncAnthropic()
    listed = (await session.list_tools()).tools
    tools = [
        {"name": t.name, "description": t.description, "input_schema": schema(t)} for t in listed
    ]
    messages = [{"role": "user", "content": task.QUESTION}]
    while True:
        reply = await client.messages.create(
            model="claude-sonnet-4-5",
            max_tokens=2000,
            thinking={"type": "enabled", "budget_tokens": 1024},
            messages=messages,
            tools=tools,
        )
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            return reply.content[-1].text
        results = [await carry_out(session, call) for call in calls]
        messages += [
            {"role": "assistant", "content": reply.content},
            {"role": "user", "content": results},
        ]


async def main():
    parameters = StdioServerParameters(
        command=sys.executable, args=["-W", "ignore", str(SERVER)], env=dict(os.environ)
    )
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        print(await loop(session))


asyncio.run(main())
