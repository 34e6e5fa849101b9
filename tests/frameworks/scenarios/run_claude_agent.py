"""Claude Agent SDK: the Claude Code process that it brings, with tools of ours and a permission callback."""

import asyncio
import json
import tempfile

import task
from claude_agent_sdk import (
    ClaudeAgentOptions,
    PermissionResultAllow,
    PermissionResultDeny,
    ResultMessage,
    create_sdk_mcp_server,
    query,
    tool,
)

import tellwhy

tellwhy.configure()
task.beside()


def said(text, **more):
    return {"content": [{"type": "text", "text": text}], **more}


@tool("get_weather", "Weather in a city.", {"city": str})
async def get_weather(args):
    return said(task.get_weather(args["city"]))


@tool("check_stock", "How many there are.", {"item": str})
async def check_stock(args):
    try:
        return said(tellwhy.tool(effect="read")(task.check_stock)(args["item"]))
    except ValueError as error:
        return said(str(error), is_error=True)


@tool("pay", "Pay for it.", {"amount": int})
async def pay(args):
    return said(task.pay(args["amount"]))


async def may_pay(name, arguments, context):
    await asyncio.sleep(0.01)  # somebody reads it
    if task.form() == "denied":
        return PermissionResultDeny(message="too dear")
    return PermissionResultAllow()


def named(step):
    """The script's *step* with the tools' names as Claude Code offers them."""
    calls = [[f"mcp__shop__{name}", given] for name, given in step.get("tools", ())]
    return {**step, "tools": calls} if calls else step


async def main():
    with tempfile.TemporaryDirectory() as folder:
        options = ClaudeAgentOptions(
            model=task.MODEL,
            tools=[],
            mcp_servers={
                "shop": create_sdk_mcp_server("shop", tools=[get_weather, check_stock, pay])
            },
            allowed_tools=["mcp__shop__get_weather", "mcp__shop__check_stock"],
            can_use_tool=may_pay,
            session_id=task.SESSION,
            setting_sources=[],
            include_partial_messages=task.form() == "stream",
            env={"CLAUDE_CONFIG_DIR": folder},
            cwd=folder,
        )
        script = json.dumps([named(step) for step in task.SCRIPT])
        async for message in query(prompt=f"Buy a coat. <<script:{script}>>", options=options):
            if isinstance(message, ResultMessage):
                print(message.result)


asyncio.run(main())
