"""What `tellwhy what-if` says. Pure."""

from __future__ import annotations

import argparse
import json
from typing import Any

from tellwhy._cli.what_if.forecast import Forecast
from tellwhy._cli.what_if.selection import Chosen, Task
from tellwhy._cli.what_if.work import Outcome
from tellwhy._reask.asking import Asked
from tellwhy._reask.budget import Budget
from tellwhy._reask.choices import FLIPS, WORDS, said
from tellwhy._reask.shares import interval

MAX_TEXT = 160
"""Characters of a choice that are shown."""


def intended(wanted: Chosen, edits: dict[str, Any]) -> str:
    """What is about to be asked."""
    changes = ", ".join(f"{path} = {_shown(value)}" for path, value in edits.items())
    count = len(wanted.changed)
    of = f", a sample of {wanted.found:,}" if count + wanted.left.total() < wanted.found else ""
    return (
        f"what-if: {changes}\n  {_count(count, 'decision')} of {_count(wanted.runs, 'run')}{of}"
        f"{left_in_words(wanted)}"
    )


def left_in_words(wanted: Chosen) -> str:
    """What cannot be asked again, and why."""
    lines = [f"\n  {count} left out: {why}" for why, count in wanted.left.most_common(8)]
    return "".join(lines)


def forecast_in_words(forecast: Forecast) -> str:
    """What it will cost."""
    kept = f" ({_count(forecast.kept, 'answer')} kept from before)" if forecast.kept else ""
    said_of = (
        f"forecast: {_count(forecast.to_send, 'request')} to send{kept}, "
        f"{forecast.input_tokens:,} tokens in, {forecast.output_tokens:,} out"
    )
    if forecast.unpriced:
        return f"{said_of}; no public price for {', '.join(forecast.unpriced)}"
    return f"{said_of}, ${forecast.cost_usd:.4f}"


def how_to_ask(forecast: Forecast) -> str:
    """What to add so that it is asked."""
    if forecast.unpriced:
        return f"Nothing was asked. Add --max-calls {forecast.to_send} to ask."
    amount = max(forecast.cost_usd * 1.5, 0.01)
    return f"Nothing was asked. Add --max-cost-usd {amount:.2f} to ask."


def table(outcome: Outcome, *, everything: bool) -> list[str]:
    """Each decision that is another one, before and after."""
    lines: list[str] = []
    for task, asked in outcome.results:
        if asked.change in {"same", "answer_text"} and not everything:
            continue
        if task.arm == "control" and not everything:
            continue
        lines += _row(task, asked)
    return lines


def _row(task: Task, asked: Asked) -> list[str]:
    request = task.request
    sign = "!" if asked.change is None else "≠" if asked.change in FLIPS else "="
    agent = f" {task.recorded.agent_name}" if task.recorded.agent_name else ""
    what = "no answer" if asked.change is None else WORDS[asked.change]
    cost = "kept" if asked.cached else "" if asked.cost_usd is None else f"${asked.cost_usd:.4f}"
    arm = " (control)" if task.arm == "control" else ""
    head = f"{sign} {request.run_id}{agent}, model call {request.number}{arm}: {what}  {cost}"
    after = asked.error if asked.change is None else said(asked.chosen)
    return [head.rstrip(), f"    was {_cut(said(request.chosen))}", f"    is  {_cut(after)}"]


def summary(outcome: Outcome, budget: Budget, wanted: Chosen, given: argparse.Namespace) -> str:
    """What it comes to."""
    answered = outcome.answered("changed")
    lines = [f"{_share(outcome.flipped, len(answered))} flipped{_in_runs(outcome)}"]
    kinds = [f"{count} {WORDS[kind]}" for kind, count in outcome.changes.most_common()]
    if kinds:
        lines.append(f"  {', '.join(kinds)}")
    if controls := outcome.answered("control"):
        flips = sum(each.change in FLIPS for each in controls)
        lines.append(f"control: {_share(flips, len(controls))} flipped with nothing changed")
    if outcome.failed:
        errors = sorted({asked.error for _, asked in outcome.results if asked.change is None})
        lines.append(f"{outcome.failed} had no answer: {_cut(errors[0])}")
    if outcome.not_asked:
        why = "the budget ends here" if budget.is_spent else "it was stopped"
        lines.append(
            f"{outcome.not_asked} of {len(wanted.tasks)} were not asked: {why}. The same command "
            "goes on from here: what was answered is kept"
        )
    of = "" if given.max_cost_usd is None else f" of ${given.max_cost_usd:.2f}"
    lines.append(f"spent ${budget.spent_usd:.4f}{of} in {_count(budget.calls, 'request')}")
    if budget.lost:
        most = f", with the most that they can have cost: ${budget.lost_usd:.4f}"
        lines.append(
            f"  {budget.lost} of them had no answer and may be on the bill; they are counted"
            f"{most if budget.lost_usd else ''}"
        )
    if outcome.what_if_id:
        lines.append(f"stored: FROM what_if_answers WHERE what_if_id = '{outcome.what_if_id}'")
    if outcome.undelivered:
        lines.append("The collector has not taken all of it yet; the spool keeps the rest for it.")
    return "\n".join(lines)


def as_dict(
    outcome: Outcome, budget: Budget, wanted: Chosen, edits: dict[str, Any]
) -> dict[str, Any]:
    """Everything, for JSON."""
    answered = outcome.answered("changed")
    return {
        "what_if_id": outcome.what_if_id,
        "edits": edits,
        "asked": len(outcome.of("changed")),
        "flipped": outcome.flipped,
        "interval": list(interval(outcome.flipped, len(answered))),
        "changes": dict(outcome.changes),
        "failed": outcome.failed,
        "not_asked": outcome.not_asked,
        "left_out": dict(wanted.left),
        "cost_usd": budget.spent_usd,
        "requests": budget.calls,
        "lost_requests": budget.lost,
        "lost_cost_usd": budget.lost_usd,
        "decisions": [
            {
                "run_id": task.request.run_id,
                "span_id": task.request.span_id,
                "number": task.request.number,
                "arm": task.arm,
                "model": asked.model,
                "change": asked.change,
                "before": task.request.chosen,
                "after": asked.chosen,
                "cached": asked.cached,
                "cost_usd": asked.cost_usd,
                "error": asked.error or None,
            }
            for task, asked in outcome.results
        ],
    }


def _in_runs(outcome: Outcome) -> str:
    runs = {task.request.run_id for task, _ in outcome.of("changed")}
    hit = {task.request.run_id for task, asked in outcome.of("changed") if asked.change in FLIPS}
    return f", in {len(hit)} of {_count(len(runs), 'run')}"


def _share(hits: int, count: int) -> str:
    if not count:
        return "0 of 0 decisions"
    low, high = interval(hits, count)
    return f"{hits} of {_count(count, 'decision')} ({hits / count:.0%}; 95 % interval {low:.0%} to {high:.0%})"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _shown(value: Any) -> str:
    return "(taken away)" if value is None else _cut(json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"
