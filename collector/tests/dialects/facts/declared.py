"""What is declared of each capture in `facts.json`: how many steps say a fact, or why none can."""

import json
from pathlib import Path
from typing import Any

from evidence import FACTS
from understood import Capture, Reading

HERE = Path(__file__).parent
DECLARED = HERE / "facts.json"
SOURCES = (HERE.parent / "captures", HERE.parent / "fixtures")

REASONS = {
    "no call": "No model call is recorded in it, and no agent that tells of its calls.",
    "no tool": "No tool was chosen or run in it.",
    "no error": "Nothing failed in it.",
    "nobody": "Nobody was asked for approval in it.",
    "never": "This sender never writes it.",
    "not here": "These records do not hold it: the sender never writes it, or had nothing to write.",
    "off": "The sender was told to record no content.",
    "logs": "The sender writes it into its log events, not into spans.",
    "spans": "The sender writes it into its spans, not into log events.",
    "no price": "Tokens are there; public price lists do not know the model.",
    "no tokens": "Without tokens nothing can be priced.",
    "metrics": "Sums over many calls: stored as metric points, and no step is read from them.",
    "missed": "It stands in the bytes, away from the step it belongs to, and is not read.",
    "inside": "Spans of the program's inside; the log events of the same run tell it, once.",
}
"""Why no step says a fact: the words that stand in a cell."""

MISSED = frozenset({"missed", "inside"})
"""Reasons that are ours and not the capture's."""

NOTES = {
    "captures/llamaindex__genai": "Holds no span of a model call: the instrumentor writes agents "
    "and tools alone, and expects one of the model's client beside it.",
    "captures/openai_agents__genai": "Holds no span of a model call: the instrumentor writes "
    "workflows, agents and tools alone, without call ids.",
    "captures/claude_agent_sdk__openinference": "Holds no span of a model call: one agent span "
    "tells all answers of a session, and is read as the decisions of that session.",
    "captures/mcp__openinference": "Adds nothing to what the MCP library writes itself.",
}
"""What a reader wonders about a capture."""


def found() -> list[Capture]:
    """Every capture that the tests hold, and those that were sent together."""
    paths = [path for source in SOURCES for path in sorted(source.rglob("*.otlp.json"))]
    alone = [Capture(name_of(path), (path,)) for path in paths]
    by_name = {capture.name: capture for capture in alone}
    together = [
        Capture(f"{base} + logs", (*capture.paths, *by_name[f"{logs}logs"].paths))
        for capture in alone
        if (base := capture.name).endswith("traces") and f"{(logs := base[:-6])}logs" in by_name
    ]
    return sorted([*alone, *together], key=lambda capture: capture.name)


def name_of(path: Path) -> str:
    """Name of a capture: its place below `SOURCES` without the endings."""
    return path.relative_to(HERE.parent).as_posix().removesuffix(".otlp.json")


def declared() -> dict[str, dict[str, Any]]:
    """By capture: a cell for each fact, and under ``despite`` what only looks like a fact."""
    found: dict[str, dict[str, Any]] = json.loads(DECLARED.read_text(encoding="utf-8"))
    return found


def of(capture: Capture) -> dict[str, Any]:
    """The row of *capture*."""
    rows = declared()
    assert capture.name in rows, (
        f"{capture.name} has no row in {DECLARED.name}; run the tests with --update-golden, and "
        "say there in place of each ? why no step says the fact."
    )
    return rows[capture.name]


def cell(reading: Reading, fact: str) -> str | None:
    """``5 of 7``, or None where no step says it."""
    given, able = reading.counts[fact]
    return f"{given} of {able}" if given else None


def update(readings: dict[str, Reading]) -> None:
    """Write counts as they are now; reasons are kept, and asked for where one is missing."""
    before = declared() if DECLARED.exists() else {}
    after = {}
    for name, reading in sorted(readings.items()):
        was = before.get(name, {})
        row = {f: cell(reading, f) or _reason(was.get(f)) for f in FACTS}
        despite = {f: was.get("despite", {}).get(f, "?") for f in sorted(reading.seen)}
        after[name] = {**row, **({"despite": despite} if despite else {})}
    lines = ",\n".join(
        f" {json.dumps(name)}: {json.dumps(row, ensure_ascii=False)}" for name, row in after.items()
    )
    DECLARED.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def _reason(cell: str | None) -> str:
    return cell if cell in REASONS else "?"
