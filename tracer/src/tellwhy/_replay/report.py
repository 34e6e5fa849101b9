"""A verdict in words, for people who read a terminal or a CI log."""

from __future__ import annotations

from tellwhy._replay.verdict import Divergence, Verdict

MAX_LATER = 20
"""Later divergences that are told; more are counted."""

MAX_MASKED = 10
"""Calls that differed in ids and times alone that are told; more are counted."""


def text_of(verdict: Verdict) -> str:
    """The verdict in lines."""
    lines = [_headline(verdict)]
    first = verdict.first
    if first is not None:
        lines += ["", "first divergence", *_lines(first)]
        later = verdict.divergences[1:]
        if later:
            lines += ["", f"later ({len(later)})"]
            lines += [f"  {_short(each)}" for each in later[:MAX_LATER]]
            if len(later) > MAX_LATER:
                lines.append(f"  … and {len(later) - MAX_LATER:,} more")
    if verdict.live_from:
        lines += _live(verdict)
    if verdict.masked:
        lines += ["", f"same but for ids, times and temporary paths ({len(verdict.masked)})"]
        lines += [f"  {each}" for each in verdict.masked[:MAX_MASKED]]
        if len(verdict.masked) > MAX_MASKED:
            lines.append(f"  … and {len(verdict.masked) - MAX_MASKED:,} more")
    if verdict.notes:
        lines += ["", "notes", *(f"  {each}" for each in verdict.notes)]
    return "\n".join(lines)


def _live(verdict: Verdict) -> list[str]:
    """What came of going live."""
    asked = verdict.live_requests
    lines = ["", f"live from {verdict.live_from} on: {asked} request{'s' * (asked != 1)} sent"]
    for each in verdict.decisions:
        before, now = each["recorded"] or "nothing", each["now"] or "nothing"
        same = before == now
        lines.append(f"  = {now}" if same else f"  ≠ {now}\n    recorded: {before}")
    return lines


def _headline(verdict: Verdict) -> str:
    if verdict.live_from:
        served = f"{verdict.model_calls} model calls and {verdict.tool_calls} tool calls"
        state = "FLIPPED a decision of" if verdict.flipped else "decided as in"
        state = state if verdict.identical else "DIVERGED from"
        return (
            f"replay: {state} run {verdict.run_id}\n  {served} were served from the recording; "
            "then models were asked."
        )
    if verdict.by_proxy:
        state = "IDENTICAL to" if verdict.identical else "DIVERGED from"
        return (
            f"replay: {state} run {verdict.run_id}\n  {verdict.model_calls} of "
            f"{verdict.recorded_model_calls} model calls were served from the recording. Nothing was "
            "asked of a model, $0 were spent; the program's own tools ran."
        )
    counts = (
        f"{verdict.model_calls} of {verdict.recorded_model_calls} model calls and "
        f"{verdict.tool_calls} of {verdict.recorded_tool_calls} tool calls were served from the "
        "recording. Nothing was asked of a model, no tool ran, $0 were spent."
    )
    state = "IDENTICAL to" if verdict.identical else "DIVERGED from"
    return f"replay: {state} run {verdict.run_id}\n  {counts}"


def _lines(found: Divergence) -> list[str]:
    lines = [f"  {found.what}"]
    if found.place:
        lines.append(f"  at {found.place}")
    if found.recorded:
        step = f" (step {found.step})" if found.step else ""
        lines.append(f"  recorded there: {found.recorded}{step}")
    lines += [f"    {each}" for each in found.differences]
    return lines


def _short(found: Divergence) -> str:
    return f"{found.what} (at {found.place})" if found.place else found.what
