"""How a turn of Claude Code ended: cost, tokens, turns, why it stopped.

Source:
    Claude Code 2.1.332, captured: ``result``. ``total_cost_usd`` and ``modelUsage`` grow with the
    session; ``model_usage_since_last_result`` is the turn's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tellwhy import _attributes as names
from tellwhy._frameworks.steps import content, labelled
from tellwhy._open_step import OpenStep

COUNTS = {
    "gen_ai.usage.input_tokens": (
        "inputTokens",
        "cacheReadInputTokens",
        "cacheCreationInputTokens",
    ),
    "gen_ai.usage.output_tokens": ("outputTokens",),
    "gen_ai.usage.cache_read.input_tokens": ("cacheReadInputTokens",),
    "gen_ai.usage.cache_write.input_tokens": ("cacheCreationInputTokens",),
}
"""Attribute -> the counts of a model that it is the sum of."""


def tell_result(step: OpenStep, frame: Mapping[str, Any], spent: dict[str, float]) -> None:
    """Say on *step* what its result says.

    Args:
        step: The agent's turn.
        frame: The result.
        spent: What the session had cost before, by one key; brought up to date.
    """
    usage = frame.get("model_usage_since_last_result")
    found: dict[str, Any] = {}
    if isinstance(usage, Mapping) and usage:
        models = [each for each in usage.values() if isinstance(each, Mapping)]
        for name, counted in COUNTS.items():
            found[name] = sum(int(each.get(key) or 0) for each in models for key in counted)
    total = frame.get("total_cost_usd")
    if isinstance(total, int | float):
        found[names.SESSION_COST_USD] = max(total - spent.get("total", 0.0), 0.0)
        spent["total"] = float(total)
    denials = [each for each in frame.get("permission_denials") or () if isinstance(each, dict)]
    stopped = frame.get("terminal_reason") or frame.get("stop_reason")
    found |= labelled(
        {
            names.SESSION_TURNS: frame.get("num_turns"),
            names.SESSION_STOP_REASON: stopped if isinstance(stopped, str) else None,
            names.SESSION_DENIALS: len(denials),
        }
    )
    step.span.set_attributes(found)
    if frame.get("is_error"):
        subtype = frame.get("subtype")
        status = frame.get("api_error_status")
        kind = subtype if subtype and subtype != "success" else f"api_error_{status or 'unknown'}"
        errors = frame.get("errors") or [frame.get("result")]
        step.told_error(str(kind), "; ".join(str(each) for each in errors if each))
    if frame.get("structured_output") is not None:
        step.span.set_attributes(content(names.OUTPUT, frame["structured_output"]))
