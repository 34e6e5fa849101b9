"""A recording read back: the calls of a run in their order, each with what came of it."""

from __future__ import annotations

import base64
import json
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tellwhy._recording.pieces import joined
from tellwhy._replay import keys

FORMAT = 1
"""Number of the form of a recording's lines."""


class UnusableRecording(Exception):  # noqa: N818 - says what it is
    """A recording that cannot be read; says what to do."""


@dataclass(slots=True)
class Call:
    """One recorded HTTP attempt of a model call, or one call of a tool."""

    number: int
    """Place among all calls of the recording, from 0, in the order in which they began."""
    kind: Literal["model", "tool"]
    name: str
    """What it is called in a report."""
    step: str
    """span_id of its step."""
    run_id: str
    lane: int
    method: str
    """HTTP method; of a tool empty."""
    path: str
    """Path of the address; the name of a tool."""
    body: Any
    """The parsed request; the arguments of a tool."""
    canonical: str
    key: str
    masked: str
    """Key but for ids, times and temporary paths."""
    request_headers: dict[str, str] = field(default_factory=dict)
    """Of the request, those that were kept."""
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    chunks: list[tuple[float, bytes]] = field(default_factory=list)
    """Milliseconds and bytes."""
    error: dict[str, str] | None = None
    outcome: dict[str, Any] = field(default_factory=dict)
    """Of a tool: ``value``, ``error``, ``items``, ``block`` or ``unkept``."""
    effect: str | None = None
    missing: str | None = None
    """Why it cannot be given again; None when it can."""


@dataclass(slots=True)
class Recording:
    """One run, or all runs of one process."""

    head: dict[str, Any]
    calls: list[Call]
    declared: dict[tuple[str, str], deque[Any]]
    """(agent, kind) -> kept values, in the order in which they were asked for."""
    unkept: list[str]
    """Model calls of which there is no exchange, by name."""
    entry: dict[str, Any] | None = None
    """``function``, ``file`` and ``arguments`` or ``unkept`` of the run that was asked for."""
    decisions: list[list[dict[str, Any]]] = field(default_factory=list)
    """What each model call chose: action, name and arguments."""
    chosen: list[list[dict[str, Any]]] = field(default_factory=list)
    """The same with texts and ids, as ``steps.chosen`` has it."""
    model_steps: list[str] = field(default_factory=list)
    """Their steps, in the same order."""

    def place_of(self, step: str) -> int:
        """The number of the first call of a model call, by its step or its own number from 1.

        Raises:
            UnusableRecording: There is none.
        """
        if step.isdigit() and 0 < int(step) <= len(self.model_steps):
            step = self.model_steps[int(step) - 1]
        for call in self.calls:
            if call.kind == "model" and call.step == step:
                return call.number
        raise UnusableRecording(
            f"{step} is no model call of run {self.run_id}. It has {len(self.model_steps)}: say a number "
            f"from 1 on, or one of {', '.join(self.model_steps[:8])}."
        )

    @property
    def run_id(self) -> str:
        """The run that was asked for."""
        return str(self.head.get("run_id", ""))


def load(path: Path) -> Recording:
    """Read a recording.

    Raises:
        UnusableRecording: There is none, or it is of another form.
    """
    try:
        with path.open(encoding="utf-8") as file:
            return read(file)
    except OSError as error:
        raise UnusableRecording(f"{path} cannot be read: {error.strerror}.") from error


def read(lines: Iterable[str]) -> Recording:
    """A recording out of its lines.

    Raises:
        UnusableRecording: They are no recording, or of a form that this program does not know.
    """
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    head: dict[str, Any] | None = None
    try:
        for line in lines:
            said = json.loads(line)
            if head is None:
                head = said
                if head.get("recording") != FORMAT:
                    raise UnusableRecording(
                        f"The recording has the form {head.get('recording')!r}, and this tellwhy reads "
                        f"{FORMAT}. Make it again with `tellwhy export recording RUN`."
                    )
                continue
            for kind, value in said.items():
                found[kind].append(value)
    except (ValueError, AttributeError) as error:
        raise UnusableRecording(f"This is no recording: {error}.") from error
    if head is None:
        raise UnusableRecording("The recording is empty.")
    return _built(head, found)


def _built(head: dict[str, Any], found: dict[str, list[dict[str, Any]]]) -> Recording:
    contents = {each["hash"]: each["text"] for each in found["content"]}
    steps = {each["span_id"]: each for each in found["step"]}
    inside = _inside_tools(steps)
    exchanges: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in found["exchange"]:
        exchanges[each["span_id"]].append(each)
    calls: list[Call] = []
    unkept: list[str] = []
    models = tools = 0
    for step in sorted(steps.values(), key=lambda each: (each["start_ns"], each["span_id"])):
        if step["span_id"] in inside:
            continue
        if step["kind"] == "model_call":
            models += 1
            attempts = exchanges.get(step["span_id"], [])
            if not attempts:
                unkept.append(f"model call {models} ({step['name']})")
            for each in sorted(attempts, key=lambda each: int(each["attempt"])):
                calls.append(_model(len(calls), models, step, each, contents))
        elif step["kind"] == "tool_call" and (step.get("outcome") or _died_in(step)):
            tools += 1
            calls.append(_tool(len(calls), tools, step))
    in_order = sorted(steps.values(), key=lambda each: (each["start_ns"], each["span_id"]))
    entries = [
        each["entry"] for each in in_order if "entry" in each and each["run_id"] == head["run_id"]
    ]
    asked = [
        each for each in in_order if each["kind"] == "model_call" and each["span_id"] not in inside
    ]
    return Recording(
        head,
        calls,
        _declared(steps.values()),
        unkept,
        entry=json.loads(entries[0]) if entries else None,
        decisions=[_chosen(each) for each in asked],
        chosen=[json.loads(each.get("chosen") or "[]") for each in asked],
        model_steps=[each["span_id"] for each in asked],
    )


def _chosen(step: dict[str, Any]) -> list[dict[str, Any]]:
    """What a model call chose, without ids and texts."""
    return [
        {name: each[name] for name in ("action", "name", "arguments") if name in each}
        for each in json.loads(step.get("chosen") or "[]")
    ]


def _inside_tools(steps: dict[str, dict[str, Any]]) -> set[str]:
    """Steps below a tool whose outcome is given again: its body does not run."""
    given = {
        span_id
        for span_id, step in steps.items()
        if step["kind"] == "tool_call" and '"block"' not in step.get("outcome", '"block"')
    }
    found = set()
    for span_id, step in steps.items():
        above = step.get("parent_span_id")
        while above in steps and above not in given:
            above = steps[above].get("parent_span_id")
        if above in given:
            found.add(span_id)
    return found


def _model(
    number: int,
    count: int,
    step: dict[str, Any],
    said: dict[str, Any],
    contents: dict[str, str],
) -> Call:
    missing = "its answer is longer than is kept" if said.get("is_cut") else None
    chunks: list[tuple[float, bytes]] = []
    try:
        body = json.loads(joined(json.loads(said["request"]), contents))
        if "response" in said and missing is None:
            chunks = list(_chunks(said, contents))
    except (KeyError, ValueError) as error:
        body, missing = {}, f"a part of it is missing ({error})"
    canonical = keys.canonical(body)
    attempt = "" if said["attempt"] == 1 else f", attempt {said['attempt']}"
    return Call(
        number=number,
        kind="model",
        name=f"model call {count} ({step['name']}{attempt})",
        step=step["span_id"],
        run_id=step["run_id"],
        lane=said.get("lane", 0),
        method=said["method"],
        path=said["path"],
        body=body,
        canonical=canonical,
        key=keys.exact(said["method"], said["path"], canonical),
        masked=keys.exact(said["method"], said["path"], keys.masked(canonical)),
        request_headers=json.loads(said.get("request_headers") or "{}"),
        status=said.get("status", 0),
        headers=[(name, text) for name, text in json.loads(said.get("response_headers", "[]"))],
        chunks=chunks,
        error=json.loads(said["error"]) if "error" in said else None,
        missing=missing,
    )


def _chunks(said: dict[str, Any], contents: dict[str, str]) -> Iterator[tuple[float, bytes]]:
    text = joined([said["response"]], contents)
    raw = base64.b64decode(text) if said.get("is_base64") else text.encode()
    cuts, at = json.loads(said.get("cuts") or "[]"), 0
    for at_ms, size in zip(cuts[::2], cuts[1::2], strict=True):
        yield at_ms, raw[at : at + size]
        at += size


def _died_in(step: dict[str, Any]) -> bool:
    """Whether its process ended before a step did."""
    return not step.get("inferred") and ("lost_reason" in step or step["status"] == "pending")


def _tool(number: int, count: int, step: dict[str, Any]) -> Call:
    outcome = json.loads(step.get("outcome", "{}"))
    if outcome.get("value") == {"$": "shown"}:
        outcome["value"] = json.loads(step["tool_result"])
    name = step.get("tool_name") or step["name"]
    text = step.get("tool_arguments")
    arguments = None if text is None else json.loads(text)
    canonical = keys.canonical_json(arguments)
    ends = {"value", "error", "items", "block", "unkept"} & outcome.keys()
    missing = outcome.get("unkept")
    return Call(
        number=number,
        kind="tool",
        name=f"tool call {count} ({name})",
        step=step["span_id"],
        run_id=step["run_id"],
        lane=outcome.get("lane", 0),
        method="",
        path=name,
        body=arguments,
        canonical=canonical,
        key=keys.exact("tool", name, canonical),
        masked=keys.exact("tool", name, keys.masked(canonical)),
        outcome=outcome,
        effect=step.get("tool_effect"),
        missing=missing if ends else "it had not ended when its process did",
    )


def _declared(steps: Iterable[dict[str, Any]]) -> dict[tuple[str, str], deque[Any]]:
    found: dict[tuple[str, str], deque[Any]] = defaultdict(deque)
    for step in sorted(steps, key=lambda each: int(each["start_ns"])):
        for kind, value in json.loads(step.get("declared", "[]")):
            found[step.get("agent_name", ""), kind].append(value)
    return found
