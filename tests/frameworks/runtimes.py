"""Every runtime that is proven, how it is run, and what it cannot say; see `facts`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from facts import CODEX


class Runtime(NamedTuple):
    """One framework in one form."""

    title: str
    environment: str
    scenario: str
    form: str = ""
    lacks: Mapping[str, str] = MappingProxyType({})
    """Fact -> why this runtime cannot give it. All others must be there."""
    not_replayed: str = ""
    """Why it cannot be run again; empty where it can."""
    own: Mapping[str, str] = MappingProxyType({})
    """Fact -> its SQL, where the task of this runtime is another."""


NODES = "it has none"
OUTSIDE = "Claude Code asks models in a process of its own: it is replayed behind a proxy"
CHAT = "chat completions of OpenAI carry no reasoning"
COUNTED = "Claude Code counts what was generated once a turn is over"
ASKED = "its tools do not wait: they ask"
UNKEPT = "neither its telemetry nor its transcripts hold requests, unless it is told to write them"
TOLD = "the loop is the program's own"

RUNTIMES = (
    Runtime("LangGraph", "newer", "run_langgraph.py"),
    Runtime("LangGraph, streaming", "newer", "run_langgraph.py", "stream"),
    Runtime("LangGraph, async", "newer", "run_langgraph.py", "async"),
    Runtime("LlamaIndex", "older", "run_llamaindex.py"),
    Runtime("LlamaIndex, streaming", "older", "run_llamaindex.py", "stream"),
    Runtime("OpenAI Agents SDK", "newer", "run_openai_agents.py", "", {"node names": NODES}),
    Runtime(
        "OpenAI Agents SDK, streaming",
        "newer",
        "run_openai_agents.py",
        "stream",
        {"node names": NODES},
    ),
    Runtime("pydantic-ai", "newer", "run_pydantic_ai.py", "", {"node names": NODES}),
    Runtime(
        "CrewAI",
        "older",
        "run_crewai.py",
        "",
        {"pause": ASKED, "thinking": CHAT},
    ),
    Runtime(
        "Temporal",
        "temporal",
        "run_temporal.py",
        "",
        {
            "node names": "activities are told by their own",
            "pause": "what a workflow waits for stands in its code; the wait itself is told",
        },
        "its workflows are run again from their histories, by Temporal's own Replayer",
    ),
    Runtime(
        "MCP 2.x",
        "newer",
        "run_mcp.py",
        "",
        {
            "node names": NODES,
            "pause": TOLD,
            "tool error": "that it failed is told; its server keeps the words from the client",
        },
    ),
    Runtime(
        "Claude Agent SDK",
        "agent-sdk",
        "run_claude_agent.py",
        "",
        {"node names": NODES, "agent name": NODES, "pause": ASKED, "tokens": COUNTED},
        OUTSIDE,
    ),
    Runtime(
        "Claude Agent SDK, partial messages",
        "agent-sdk",
        "run_claude_agent.py",
        "stream",
        {"node names": NODES, "agent name": NODES, "pause": ASKED},
        OUTSIDE,
    ),
    Runtime(
        "Claude Code",
        "agent-sdk",
        "run_claude_code.py",
        "",
        {"node names": NODES, "agent name": NODES, "pause": ASKED},
        OUTSIDE,
    ),
    Runtime(
        "Claude Code 2.1.197",
        "agent-sdk",
        "run_claude_code.py",
        "2.1.197",
        {"tools offered": UNKEPT, "node names": NODES, "agent name": NODES, "pause": ASKED},
        OUTSIDE,
    ),
    Runtime(
        "codex 0.169.0",
        "agent-sdk",
        "run_codex.py",
        "0.169.0",
        {
            "tools offered": "neither its log events nor its rollouts hold what a request offered",
            "request id": "it tells of none where the request worked",
            "pause": "codex exec asks nobody",
            "node names": NODES,
        },
        "codex asks models in a process of its own: a replay of it behind a proxy is not proven",
        CODEX,
    ),
    Runtime(
        "boto3, Bedrock converse",
        "others",
        "run_boto3.py",
        "",
        {"node names": NODES, "pause": TOLD},
    ),
    Runtime(
        "boto3, Bedrock converse_stream",
        "others",
        "run_boto3.py",
        "stream",
        {"node names": NODES, "pause": TOLD},
    ),
    Runtime("MCP 1.x", "older", "run_mcp.py", "", {"node names": NODES, "pause": TOLD}),
)
