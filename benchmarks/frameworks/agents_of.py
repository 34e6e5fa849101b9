"""One agent a framework, of five model calls and four tool calls: what `overhead` runs, where it is installed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from tellwhy._demo.offline import script

STEPS = [{"text": "I look.", "tools": [["look", {"at": f"{n}"}]]} for n in range(4)]
QUESTION = script("Look.", *STEPS, {"text": "Seen."})
MODEL, OPENAI_MODEL = "claude-sonnet-4-5", "gpt-5.5"

Agent = Callable[[], object]


def look(at: str) -> str:
    """Look at something."""
    return f"seen {at}"


def langgraph() -> Agent:
    """A prebuilt agent, synchronous."""
    from langchain.agents import create_agent
    from langchain_anthropic import ChatAnthropic
    from langchain_core.tools import tool

    graph = create_agent(ChatAnthropic(model=MODEL, max_tokens=2000), [tool(look)])
    return lambda: graph.invoke({"messages": [("user", QUESTION)]})


def openai_agents() -> Agent:
    """An agent of the OpenAI Agents SDK."""
    import agents

    agents.set_trace_processors([])  # the SDK's own exporter posts to the provider
    agent = agents.Agent(name="a", model=OPENAI_MODEL, tools=[agents.function_tool(look)])
    return lambda: agents.Runner.run_sync(agent, QUESTION)


def pydantic_ai() -> Agent:
    """An agent of pydantic-ai."""
    import pydantic_ai as framework

    agent = framework.Agent(f"anthropic:{MODEL}", tools=[look])
    return lambda: agent.run_sync(QUESTION)


def mcp() -> Agent:
    """A hand-written loop; client and server of the tool are in this process."""
    import anthropic
    from mcp.client import Client
    from mcp.server.mcpserver import MCPServer

    server = MCPServer("s")
    server.tool()(look)
    schema = {"type": "object", "properties": {"at": {"type": "string"}}}
    tools = [{"name": "look", "input_schema": schema}]

    async def loop() -> None:
        messages = [{"role": "user", "content": QUESTION}]
        async with Client(server) as client, anthropic.AsyncAnthropic() as models:
            while True:
                reply = await models.messages.create(
                    model=MODEL, max_tokens=2000, messages=messages, tools=tools
                )
                calls = [block for block in reply.content if block.type == "tool_use"]
                if not calls:
                    return
                results = [
                    {
                        "type": "tool_result",
                        "tool_use_id": call.id,
                        "content": (await client.call_tool("look", call.input)).content[0].text,
                    }
                    for call in calls
                ]
                messages.append({"role": "assistant", "content": reply.content})
                messages.append({"role": "user", "content": results})

    return lambda: asyncio.run(loop())


def llamaindex() -> Agent:
    """A function agent of LlamaIndex."""
    from llama_index.core.agent.workflow import FunctionAgent
    from llama_index.core.tools import FunctionTool
    from llama_index.llms.anthropic import Anthropic

    tools = [FunctionTool.from_defaults(look)]
    agent = FunctionAgent(name="a", tools=tools, llm=Anthropic(model=MODEL, max_tokens=2000))

    async def run() -> object:
        return await agent.run(user_msg=QUESTION)

    return lambda: asyncio.run(run())


def crewai() -> Agent:
    """A crew of one agent with one task."""
    from crewai import LLM, Agent, Crew, Task
    from crewai.tools import tool

    made = {"role": "a", "goal": "Look.", "backstory": "None.", "verbose": False}
    agent = Agent(**made, tools=[tool("look")(look)], llm=LLM(model=f"openai/{OPENAI_MODEL}"))
    job = Task(name="look", description=QUESTION, expected_output="A word.", agent=agent)
    return lambda: Crew(agents=[agent], tasks=[job], name="c", verbose=False).kickoff()


def claude_agent() -> Agent:
    """A query of the Claude Agent SDK; the process that it starts is not in the measured time."""
    import tempfile

    import claude_agent_sdk as sdk

    server = sdk.create_sdk_mcp_server("s", tools=[_sdk_tool(sdk)])
    steps = [
        {"text": "I look.", "tools": [["mcp__s__look", {"at": f"{n}"}]]} for n in range(len(STEPS))
    ]
    folder = tempfile.mkdtemp(prefix="tellwhy-claude-")

    async def run() -> None:
        options = sdk.ClaudeAgentOptions(
            tools=[],
            model=MODEL,
            mcp_servers={"s": server},
            allowed_tools=["mcp__s__look"],
            setting_sources=[],
            env={"CLAUDE_CONFIG_DIR": folder, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"},
            cwd=folder,
        )
        async for _ in sdk.query(
            prompt=script("Look.", *steps, {"text": "Seen."}), options=options
        ):
            pass

    return lambda: asyncio.run(run())


def _sdk_tool(sdk: object) -> object:
    @sdk.tool("look", "Look at something.", {"at": str})
    async def tool(given: dict[str, str]) -> dict[str, object]:
        return {"content": [{"type": "text", "text": look(given["at"])}]}

    return tool


AGENTS = (langgraph, openai_agents, pydantic_ai, mcp, llamaindex, crewai, claude_agent)


def installed(wanted: list[str]) -> list[tuple[str, Agent]]:
    """Name and agent of each framework that this environment has; *wanted* alone, where given."""
    found = []
    for make in AGENTS:
        if wanted and make.__name__ not in wanted:
            continue
        try:
            found.append((make.__name__, make()))
        except ImportError as error:
            print(f"{Path(sys.prefix).name}: {make.__name__} left out: {error}", file=sys.stderr)
    return found
