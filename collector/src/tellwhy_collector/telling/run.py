"""A run in words: what was asked, the way, where it turned, how it ended, what it cost. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson

from tellwhy_collector.telling.path import path_told
from tellwhy_collector.telling.problems import problems_told
from tellwhy_collector.telling.scene import Order, Scene, whole_run
from tellwhy_collector.telling.sentences import Explanation, Sentence, fact
from tellwhy_collector.telling.tested import run_tested
from tellwhy_collector.telling.turns import turns_told
from tellwhy_collector.telling.wording import (
    bare,
    counted,
    dollars,
    listed,
    moment,
    named,
    quoted,
    sentence,
    took,
)

ASKED = 320
"""Most characters of what was asked and of what came out."""


def run_told(scene: Scene) -> Explanation:
    """The run as it was recorded, sentence by sentence."""
    case, order = scene.case, Order(scene.case)
    told = [
        *_asked(scene),
        *(path_told(order) if order.decisions else _no_path()),
        *turns_told(case, order),
        *_ended(scene, order),
        *_cost(case.run),
        *_found(scene, order),
        *run_tested(scene, order),
    ]
    return Explanation(case.run["run_id"], case.run["trace_id"], None, tuple(told))


def _asked(scene: Scene) -> Iterator[Sentence]:
    run = scene.case.run
    agent = f"The agent {named(run['agent_name'])}" if run["agent_name"] else "The agent"
    if run["agent_version"]:
        agent += f", version {bare(run['agent_version'])},"
    began = f"on {moment(run['start_ns'])}"
    if run["input"] is None:
        text = f"{agent} began {began}; what it was asked was not recorded."
        yield fact("asked", text, whole_run("start_ns"))
        return
    text = f"{agent} was asked {began}: {quoted(plain_text(run['input']), ASKED)}"
    yield fact("asked", sentence(text), whole_run("input"), whole_run("start_ns"))


def _no_path() -> Iterator[Sentence]:
    yield fact("path", "No decision was recorded in this run.", whole_run("decisions"))


def _ended(scene: Scene, order: Order) -> Iterator[Sentence]:
    run = scene.case.run
    spent = f" after {took(run['duration_ns'])}" if run["duration_ns"] is not None else ""
    word = {
        "succeeded": f"The run succeeded{spent}",
        "failed": f"The run failed{spent}",
        "denied": f"A guardrail stopped the run{spent}",
        "lost": "The run was lost",
        "running": "The run goes on",
    }.get(run["status"], "How the run ended was not recorded")
    cited = [whole_run("status")]
    if run["duration_ns"] is not None:
        cited.append(whole_run("duration_ns"))
    if run["error_message"] or run["error_type"]:
        if run["error_type"]:
            word += f" with {named(run['error_type'])}"
            cited.append(whole_run("error_type"))
        if run["error_message"]:
            word += f": {quoted(run['error_message'], ASKED)}"
            cited.append(whole_run("error_message"))
    yield fact("ended", sentence(word), *cited)
    said = plain_text(run["output"]) if run["output"] is not None else ""
    if said and said not in (order.decisions[-1].answer_text if order.decisions else "", "null"):
        text = f"It gave back {quoted(said, ASKED)}"
        yield fact("ended", sentence(text), whole_run("output"))


def _cost(run: Any) -> Iterator[Sentence]:
    calls = [
        counted(run["model_calls"], "model call"),
        counted(run["tool_calls"], "tool call"),
        counted(run["decisions"], "decision"),
    ]
    models = f" of {named(run['models'])}" if run["models"] else ""
    text = f"It made {calls[0]}{models} and {calls[1]}, with {calls[2]}"
    cited = [whole_run("model_calls"), whole_run("tool_calls"), whole_run("decisions")]
    if run["models"]:
        cited.append(whole_run("models"))
    yield fact("cost", sentence(text), *cited)
    tokens = [
        (f"{run[name]:,} tokens {word}", whole_run(name))
        for name, word in (("input_tokens", "in"), ("output_tokens", "out"))
        if run[name] is not None
    ]
    if run["cost_usd"] is not None:
        how = {
            "computed": "computed from public prices",
            "reported": "as the sender reported",
            "unknown": "without the calls whose price is not known",
        }.get(run["cost_source"] or "")
        words = dollars(run["cost_usd"]) + (f", {how}" if how else "")
        tokens.append((words, whole_run("cost_usd")))
    if tokens:
        text = f"It used {listed([words for words, _ in tokens])}"
        yield fact("cost", sentence(text), *(cited for _, cited in tokens))


def _found(scene: Scene, order: Order) -> list[Sentence]:
    if not scene.findings:
        if not (scene.complete and scene.looked_at):
            return []
        return [fact("found", "No rule found a problem.", whole_run("run_id"))]
    counts = Counter(one.severity for one in scene.findings)
    ranked = [f"{counts[name]:,} {name}" for name in ("high", "medium", "low") if counts[name]]
    total = counted(len(scene.findings), "problem")
    text = f"Rules found {total}: {listed(ranked)}"
    return [
        fact("found", sentence(text), whole_run("run_id")),
        *problems_told(order, scene.findings),
    ]


def plain_text(text: str) -> str:
    """What a person asked or got, out of the JSON that it was wrapped in."""
    try:
        value = orjson.loads(text)
    except ValueError:
        return text
    said = _said(value)
    return said or orjson.dumps(value).decode()


def _said(value: Any) -> str:
    """The words in messages of whatever shape; nothing where there is more than words."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return " ".join(filter(None, map(_said, value)))
    if not isinstance(value, dict):
        return ""
    if len(value) == 1:
        return _said(next(iter(value.values())))
    if "role" in value or "type" in value:
        inner = (value.get(name) for name in ("parts", "content", "text", "data"))
        return next(filter(None, map(_said, inner)), "")
    return ""
