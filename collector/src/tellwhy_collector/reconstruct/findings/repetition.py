"""Rules about doing the same again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tellwhy_collector.reconstruct.case import Finding
from tellwhy_collector.reconstruct.findings.facts import (
    Facts,
    ToolRun,
    at_step,
    at_tool,
    canonical,
    outcome,
    shown,
)
from tellwhy_collector.reconstruct.findings.rule import Rule
from tellwhy_collector.reconstruct.findings.script import Script
from tellwhy_collector.records import Step

ROUNDS = 3
"""How often a cycle is gone round before it is a loop."""

LONGEST_CYCLE = 6
"""Calls in one round."""

STALE = 5
"""Calls in a row that bring nothing new before it is no progress."""

TELLING = 20
"""Characters from which on a result tells something: shorter ones, such as ok, are the same for
calls that each did something."""


class _Stretch(NamedTuple):
    """Calls ``[start, end)`` of one agent that go round."""

    start: int
    end: int
    period: int


def _marks(line: Sequence[ToolRun]) -> list[str]:
    """A call with what came of it; what was not recorded is like nothing else."""
    return [
        f"{t.key}\n{t.error or t.text}" if t.key and (t.error or t.step.tool_result) else f"?{i}"
        for i, t in enumerate(line)
    ]


def _cycles(line: Sequence[ToolRun]) -> list[_Stretch]:
    """The loops of one agent's calls, the shortest period first, none inside another."""
    marks = _marks(line)
    found: list[_Stretch] = []
    taken = [False] * len(marks)
    for period in range(1, min(LONGEST_CYCLE, len(marks) // ROUNDS) + 1):
        at = period
        while at < len(marks):
            begin = at
            while at < len(marks) and marks[at] == marks[at - period]:
                at += 1
            start = begin - period
            if at - start >= period * ROUNDS and not any(taken[start:at]):
                taken[start:at] = [True] * (at - start)
                found.append(_Stretch(start, at, period))
            at += 1
    return found


def _loop(facts: Facts) -> Iterator[Finding]:
    found = []
    for line in facts.lines.values():
        for start, end, period in _cycles(line):
            cycle = line[start : start + period]
            # A call that fails each time is a storm of retries.
            if period == 1 and cycle[0].error:
                continue
            names = " → ".join(tool.name for tool in cycle)
            message = (
                f"{names} was gone through {(end - start) // period} times with the same "
                f"arguments and the same results, first with {shown(cycle[0].arguments)}."
            )
            also = [outcome(tool) for tool in line[start + period : end][:10]]
            found.append(at_tool(line[start + period], message, also))
    yield from sorted(found, key=lambda f: f.start_ns)


def _repeated_call(facts: Facts) -> Iterator[Finding]:
    found = []
    for line in facts.lines.values():
        in_loop = {i for start, end, _ in _cycles(line) for i in range(start, end)}
        marks = _marks(line)
        last: dict[str, int] = {}
        for at, tool in enumerate(line):
            before = last.get(tool.key)
            last[tool.key] = at
            if before is None or not tool.key or at in in_loop or marks[before] != marks[at]:
                continue
            # Something else that ran in between may be what it was asked again for.
            if at - before > 1 or tool.error or len(tool.text) < TELLING:
                continue
            first = line[before]
            message = (
                f"{tool.name} was called again with the same arguments "
                f"({shown(tool.arguments)}) and gave the same result."
            )
            found.append(at_tool(tool, message, [outcome(first)]))
    yield from sorted(found, key=lambda f: f.start_ns)


def _no_progress(facts: Facts) -> Iterator[Finding]:
    found = []
    for line in facts.lines.values():
        in_loop = {i for start, end, _ in _cycles(line) for i in range(start, end)}
        seen: set[str] = set()
        stale: list[ToolRun] = []
        for at, tool in enumerate(line):
            told = tool.error or tool.text
            fresh = tool.error is None and (told in seen or len(told) < TELLING) is False
            seen.add(told)
            counts = tool.error is not None or (len(told) >= TELLING and not fresh)
            if counts and at not in in_loop:
                stale.append(tool)
                continue
            found += _stale(stale)
            stale = []
        found += _stale(stale)
    yield from sorted(found, key=lambda f: f.start_ns)


def _stale(stale: Sequence[ToolRun]) -> list[Finding]:
    if len(stale) < STALE or len({tool.key for tool in stale}) < 2:
        return []
    names = ", ".join(dict.fromkeys(tool.name for tool in stale))
    failed = sum(tool.error is not None for tool in stale)
    what = f"{failed} failed and the others gave" if failed < len(stale) else "all failed"
    told = f"{what} only what was known" if failed < len(stale) else what
    message = f"{len(stale)} calls in a row brought nothing new: {told} ({shown(names)})."
    return [at_tool(stale[-1], message, [outcome(tool) for tool in stale[:-1][:10]])]


def _repeated_retrieval(facts: Facts) -> Iterator[Finding]:
    seen: dict[str, Step] = {}
    for step in facts.steps:
        if step.kind != "retrieval" or step.status != "ok" or step.input is None:
            continue
        if step.output is None:
            continue
        key = f"{step.name}\n{step.agent_name}\n{step.input}\n{canonical(step.output)}"
        first = seen.setdefault(key, step)
        if first is not step:
            yield at_step(
                step,
                f"{step.name} looked up {shown(step.input)} again and found the same.",
                "input",
                [{"span_id": first.span_id, "column": "input"}],
            )


def _polled(script: Script) -> Script:
    for _ in range(3):
        script = script.chose(("list_jobs", {})).ran({"jobs": ["j1"], "state": "waiting"})
        script = script.chose(("read_job", {"id": "j1"})).ran({"id": "j1", "log": "waiting for j0"})
    return script


def _searched(script: Script) -> Script:
    for query in ("cheap flights", "flights cheap", "cheapest flight", "low fares", "fares low"):
        script = script.chose(("search", {"query": query})).failed("no such index: flights")
    return script


RULES = (
    Rule(
        "repeated_call",
        "low",
        "A tool was called with the same arguments again, nothing else ran in between, and the "
        "result was the same.",
        "Results that are short, such as ok, are not compared: each such call may have done "
        "something. Three times and more are a loop.",
        _repeated_call,
        Script("get_order")
        .user("What is in order W1?")
        .chose(("get_order", {"id": "W1"}))
        .ran({"id": "W1", "items": ["lamp", "desk"]})
        .chose(("get_order", {"id": "W1"}))
        .ran({"id": "W1", "items": ["lamp", "desk"]})
        .answered("A lamp and a desk."),
    ),
    Rule(
        "loop",
        "medium",
        "One to six calls were gone through three times or more, each time with the same "
        "arguments and the same results.",
        "Waiting for something looks the same as long as nothing changes. Where results were not "
        "recorded it sees nothing.",
        _loop,
        _polled(Script("list_jobs", "read_job").user("Wait for job j1.")).answered("It waits."),
    ),
    Rule(
        "no_progress",
        "medium",
        "Five calls in a row, not all the same, failed or gave only results that were known.",
        "A result counts as new when any character of it is.",
        _no_progress,
        _searched(Script("search").user("Find me a flight.")).answered("I found nothing."),
    ),
    Rule(
        "repeated_retrieval",
        "low",
        "The same was looked up again and the same was found.",
        "Needs steps of the kind retrieval with their query and what was found; a search that is "
        "an ordinary tool is seen by repeated_call.",
        _repeated_retrieval,
        Script()
        .user("What does the manual say of resets?")
        .step(
            "retrieval",
            "search manual",
            "retrieval: reset → page 12",
            input="reset",
            output=["page 12"],
        )
        .step(
            "retrieval",
            "search manual",
            "retrieval: reset → page 12",
            input="reset",
            output=["page 12"],
        )
        .answered("See page 12."),
    ),
)
