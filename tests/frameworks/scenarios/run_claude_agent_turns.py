"""Claude Agent SDK: two turns of one client, with a subagent, a hook that denies and arguments that change."""

import asyncio
import json
import tempfile

import task
from claude_agent_sdk import (
    AgentDefinition,
    ClaudeAgentOptions,
    ClaudeSDKClient,
    HookMatcher,
    PermissionResultAllow,
    ResultMessage,
    create_sdk_mcp_server,
    tool,
)

import tellwhy

tellwhy.configure()


@tool("pay", "Pay for it.", {"amount": int})
async def pay(args):
    return {"content": [{"type": "text", "text": task.pay(args["amount"])}]}


async def at_most_ten(name, arguments, context):
    return PermissionResultAllow(updated_input={"amount": min(arguments["amount"], 10)})


async def no_shell(given, call_id, context):
    return {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": "no shell here",
        }
    }


COUNTING = [{"think": "I count.", "text": "None left."}]
FIRST = [
    {
        "text": "Somebody has to count.",
        "tools": [
            [
                "Agent",
                {
                    "description": "count the coats",
                    "prompt": f"Count. <<script:{json.dumps(COUNTING)}>>",
                    "subagent_type": "counter",
                },
            ]
        ],
    },
    {"tools": [["Bash", {"command": "ls", "description": "look"}]]},
    {"text": "First done."},
]
SECOND = [{"tools": [["mcp__shop__pay", {"amount": 42}]]}, {"text": task.ANSWER}]


async def turn(client, text, script):
    await client.query(f"{text} <<script:{json.dumps(script)}>>")
    async for message in client.receive_response():
        if isinstance(message, ResultMessage):
            print(message.result)


async def main():
    with tempfile.TemporaryDirectory() as folder:
        options = ClaudeAgentOptions(
            model=task.MODEL,
            tools=["Agent", "Bash"],
            agents={"counter": AgentDefinition(description="counts", prompt="Count.", tools=[])},
            mcp_servers={"shop": create_sdk_mcp_server("shop", tools=[pay])},
            can_use_tool=at_most_ten,
            hooks={"PreToolUse": [HookMatcher(matcher="Bash", hooks=[no_shell])]},
            session_id=task.SESSION,
            setting_sources=[],
            env={"CLAUDE_CONFIG_DIR": folder},
            cwd=folder,
        )
        async with ClaudeSDKClient(options) as client:
            await turn(client, "Count the coats.", FIRST)
            await turn(client, "Pay.", SECOND)


asyncio.run(main())
