"""Other instrumentors beside ours: still exactly one step of each model call and each tool call."""

import pytest
from facts import FACTS

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]

OI = "openinference.instrumentation."
LMETRY = "opentelemetry.instrumentation."
CASES = {
    "LangGraph, OpenInference": (
        "newer",
        "run_langgraph.py",
        f"{OI}langchain:LangChainInstrumentor,{OI}anthropic:AnthropicInstrumentor",
    ),
    "LangGraph, OpenLLMetry": (
        "newer",
        "run_langgraph.py",
        f"{LMETRY}langchain:LangchainInstrumentor,{LMETRY}anthropic:AnthropicInstrumentor",
    ),
    "LangGraph, official": (
        "newer",
        "run_langgraph.py",
        f"{LMETRY}genai.anthropic:AnthropicInstrumentor",
    ),
    "OpenAI Agents SDK, OpenInference": (
        "newer",
        "run_openai_agents.py",
        f"{OI}openai_agents:OpenAIAgentsInstrumentor,{OI}openai:OpenAIInstrumentor",
    ),
    "OpenAI Agents SDK, OpenLLMetry": (
        "newer",
        "run_openai_agents.py",
        f"{LMETRY}openai_agents:OpenAIAgentsInstrumentor,{LMETRY}openai:OpenAIInstrumentor",
    ),
    "OpenAI Agents SDK, official": (
        "newer",
        "run_openai_agents.py",
        f"{LMETRY}genai.openai:OpenAIInstrumentor",
    ),
    "pydantic-ai, its own": ("newer", "run_pydantic_ai.py", "pydantic_ai:Agent"),
    "LlamaIndex, OpenInference": (
        "older",
        "run_llamaindex.py",
        f"{OI}llama_index:LlamaIndexInstrumentor,{OI}anthropic:AnthropicInstrumentor",
    ),
    "LlamaIndex, OpenLLMetry": (
        "older",
        "run_llamaindex.py",
        f"{LMETRY}llamaindex:LlamaIndexInstrumentor,{LMETRY}anthropic:AnthropicInstrumentor",
    ),
    "CrewAI, OpenInference": (
        "older",
        "run_crewai.py",
        f"{OI}crewai:CrewAIInstrumentor,{OI}openai:OpenAIInstrumentor",
    ),
    "CrewAI, OpenLLMetry": (
        "older",
        "run_crewai.py",
        f"{LMETRY}crewai:CrewAIInstrumentor,{LMETRY}openai:OpenAIInstrumentor",
    ),
    "pydantic-ai, OpenInference": (
        "newer",
        "run_pydantic_ai.py",
        f"{OI}anthropic:AnthropicInstrumentor",
    ),
    "pydantic-ai, OpenLLMetry": (
        "newer",
        "run_pydantic_ai.py",
        f"{LMETRY}anthropic:AnthropicInstrumentor",
    ),
    "MCP 2.x, OpenInference": ("newer", "run_mcp.py", f"{OI}anthropic:AnthropicInstrumentor"),
    "MCP 2.x, OpenLLMetry": ("newer", "run_mcp.py", f"{LMETRY}anthropic:AnthropicInstrumentor"),
    "MCP 2.x, official": ("newer", "run_mcp.py", f"{LMETRY}genai.anthropic:AnthropicInstrumentor"),
    "MCP 1.x, OpenLLMetry": ("older", "run_mcp.py", f"{LMETRY}anthropic:AnthropicInstrumentor"),
    "boto3, official": ("others", "run_boto3.py", f"{LMETRY}botocore:BotocoreInstrumentor"),
    "Claude Agent SDK, its Claude Code": ("agent-sdk", "run_claude_agent.py", "claude_code"),
    "MCP 1.x, OpenInference": (
        "older",
        "run_mcp.py",
        f"{OI}mcp:MCPInstrumentor,{OI}anthropic:AnthropicInstrumentor",
    ),
}

SILENT = {"LangGraph, official", "OpenAI Agents SDK, official", "MCP 1.x, OpenInference"}
"""The official instrumentors leave to us what we record; OpenInference's of MCP writes no span, and its
of anthropic refuses the older major. All others write spans of their own."""

NOT_TOLD = {
    "pydantic-ai, its own": {"approval"},
    "MCP 2.x, OpenInference": {"tool error"},
    "MCP 2.x, OpenLLMetry": {"tool error"},
    "MCP 2.x, official": {"tool error"},
}
"""Facts that are lost, because what the program has set up itself is left to it."""

CALLS = """
    SELECT (SELECT count(*) FROM model_calls), (SELECT count(*) FROM tool_calls),
        (SELECT count(DISTINCT scope_name) > 1 FROM spans)"""


@pytest.mark.parametrize("case", CASES)
def test_each_call_is_one_step(ask_after, case):
    """Four model calls, three tool calls, and every fact of the decisions, whoever tells too."""
    environment, scenario, beside = CASES[case]
    ask = ask_after(environment, scenario, "", beside)

    assert [[4, 3, case not in SILENT]] == ask(CALLS)
    facts = {"chosen", "arguments", "call id", "result linked", "tool error", "approval"}
    told = {fact for fact in facts if ask(FACTS[fact]) == [[True]]}
    assert facts - NOT_TOLD.get(case, set()) == told
