"""Every runtime that is proven, how it is run, and what it cannot say; see `facts`."""

from typing import NamedTuple


class Runtime(NamedTuple):
    """One framework in one form."""

    title: str
    environment: str
    scenario: str
    form: str = ""
    lacks: dict[str, str] = {}
    """Fact -> why this runtime cannot give it. All others must be there."""


NO_NODES = "it has none"

RUNTIMES = (
    Runtime("LangGraph", "newer", "run_langgraph.py"),
    Runtime("LangGraph, streaming", "newer", "run_langgraph.py", "stream"),
    Runtime("LangGraph, async", "newer", "run_langgraph.py", "async"),
)
