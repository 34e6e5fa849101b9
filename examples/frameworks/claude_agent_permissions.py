"""Claude Agent SDK: the Claude Code process that it brings, a tool of ours, and who may let it run.

pip install "tellwhy[all,claude-agent-sdk]"; start `tellwhy up` beside it.
"""

import asyncio
import tempfile

from claude_agent_sdk import (
    ClaudeAgentOptions,
    PermissionResult,
    ResultMessage,
    ToolPermissionContext,
    create_sdk_mcp_server,
    query,
    tool,
)
from claude_agent_sdk import PermissionResultAllow as Allow
from claude_agent_sdk import PermissionResultDeny as Deny

import tellwhy
from tellwhy._demo.offline import models, script

SQL = """
SELECT replace(chosen, 'mcp__till__', '') AS chosen, arguments, outcome, approval_decision, approver
FROM decisions WHERE action = 'tool_call' AND chosen LIKE 'mcp__till__%'
"""
CALL = {"think": "The invoice is due today.", "tools": [["mcp__till__pay", {"amount": 42}]]}
QUESTION = script("Pay the invoice.", CALL, {"text": "It is paid."})


@tool("pay", "Pay an invoice.", {"amount": int})
async def pay(given: dict[str, int]) -> dict[str, object]:
    """Pay an invoice."""
    return {"content": [{"type": "text", "text": f"paid {given['amount']}"}]}


async def up_to_fifty(_: str, given: dict[str, int], __: ToolPermissionContext) -> PermissionResult:
    """Let small payments of the till through, and nothing else."""
    return Allow() if given.get("amount", 51) <= 50 else Deny(message="Ask a person.")


async def main(folder: str) -> None:
    """Ask, and print what came of it."""
    till = create_sdk_mcp_server("till", tools=[pay])
    options = ClaudeAgentOptions(
        tools=[], mcp_servers={"till": till}, can_use_tool=up_to_fifty, model="claude-sonnet-5"
    )
    options.env, options.cwd, options.setting_sources = {"CLAUDE_CONFIG_DIR": folder}, folder, []
    async for message in query(prompt=QUESTION, options=options):
        if isinstance(message, ResultMessage):
            print(message.result)


if __name__ == "__main__":
    tellwhy.configure(service_name="claude-agent-example")
    with models(), tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(folder))
    tellwhy.flush()
    print(f'tellwhy sql "{SQL}"')
