"""MCP: an agent whose tool runs in a server, in one trace; the same file is both.

pip install "tellwhy[all,mcp]" anthropic; start `tellwhy up` beside it.
"""

import asyncio
import os
import sys

import anthropic
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.server.mcpserver import MCPServer

import tellwhy
from tellwhy._demo.offline import models

SQL = """
SELECT chosen, arguments, outcome, outcome_result FROM decisions
WHERE conversation_id = 'invoice-4716' AND action = 'tool_call'
"""


def serve() -> None:
    """Offer one tool over standard input and output."""
    server = MCPServer("accounts")
    server.tool(name="pay", description="Pay an invoice.")(lambda amount: f"paid {amount}")
    server.run()


@tellwhy.agent(conversation_id="invoice-4716")
async def payer(session: ClientSession) -> str:
    """Ask the model, and let the server pay."""
    listed = (await session.list_tools()).tools
    tools = [{"name": t.name, "input_schema": t.input_schema} for t in listed]
    said = [{"role": "user", "content": "Pay the invoice over 42."}]
    ask = {"model": "claude-sonnet-5", "max_tokens": 500, "tools": tools}
    reply = await anthropic.AsyncAnthropic().messages.create(messages=said, **ask)
    call = next(block for block in reply.content if block.type == "tool_use")
    return (await session.call_tool(call.name, call.input)).content[0].text


async def main() -> None:
    """Start the server and the agent."""
    me = StdioServerParameters(command=sys.executable, args=[__file__, "-"], env=dict(os.environ))
    async with stdio_client(me) as pipes, ClientSession(*pipes) as session:
        await session.initialize()
        print(await payer(session))


if __name__ == "__main__":
    tellwhy.configure(service_name="server" if sys.argv[1:] else "mcp-example")
    if sys.argv[1:]:
        sys.exit(serve())
    with models():
        asyncio.run(main())
    tellwhy.flush()
    print(f'tellwhy sql "{SQL}"')
