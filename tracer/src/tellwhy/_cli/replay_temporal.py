"""`tellwhy replay --temporal-history`: workflows run again on their histories, by Temporal's Replayer.

Source:
    ``temporalio.worker.Replayer`` of temporalio 1.35: why a replay failed stands in the words of the
    error alone, as Rust's debug text of a ``Failure``.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import linecache
import logging
import os
import re
import sys
from pathlib import Path
from typing import Any

from tellwhy._frameworks.temporal_history import History, NoHistoryError

_MESSAGE = re.compile(r'message: "((?:[^"\\]|\\.)*)"')
_EVENT = re.compile(r"HistoryEvent\(id: (\d+), (\w+)\)")
_FRAME = re.compile(r'File \\?"([^"\\]+)\\?", line (\d+), in (\w+)')
_MACHINE = re.compile(
    r"(?:error: |^)(\w[\w ]*?) ?machine does not handle this event", re.IGNORECASE
)


class _UnusableError(Exception):
    """There is no replay; the words say why and what to do."""


def replayed(files: list[Path], named: list[str]) -> int:
    """Replay each history in *files* with the workflow classes *named* ``module:Class``.

    Returns:
        The exit status 2, when there was no replay. After one the process ends here: with 0 when all
        were identical, with 1 when one diverged.
    """
    try:
        workflows = [_class(name) for name in named]
        histories = [_history(path, set(map(_type_of, workflows))) for path in files]
    except _UnusableError as error:
        print(f"There is no replay: {error}", file=sys.stderr)
        return 2
    failures = asyncio.run(_failures(workflows, histories))
    for (kind, history), failure in zip(histories, failures, strict=True):
        print(_told(f"{kind} {history.workflow_id} (run {history.run_id})", failure))
    print("No activity ran.", flush=True)
    sys.stderr.flush()
    # Threads of temporalio can abort an interpreter that ends, and with it the exit status.
    os._exit(1 if any(failures) else 0)


def _class(name: str) -> type:
    """The workflow class that *name* says, out of the user's code."""
    try:
        importlib.import_module("temporalio.worker")
    except ImportError as error:
        raise _UnusableError(
            f"temporalio cannot be imported ({error}). Run tellwhy in the environment of your workers."
        ) from error
    module, _, attribute = name.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = getattr(importlib.import_module(module), attribute)
    except Exception as error:
        raise _UnusableError(
            f"--workflow {name} cannot be imported: {type(error).__name__}: {error}. "
            "Say module:Class, in the folder from which the worker is started."
        ) from error
    if not isinstance(found, type) or not hasattr(found, "__temporal_workflow_definition"):
        raise _UnusableError(f"{name} is no workflow. Name a class that has @workflow.defn.")
    return found


def _type_of(workflow: type) -> str | None:
    """The workflow type that a history names; None of a dynamic workflow, which is any."""
    name: str | None = getattr(workflow, "__temporal_workflow_definition").name
    return name


def _history(path: Path, types: set[str | None]) -> tuple[str, Any]:
    """The type of the workflow in *path*, and its history as temporalio has it."""
    client = importlib.import_module("temporalio.client")
    try:
        found = json.loads(path.read_text("utf-8"))
        History(found, path.stem, path.stem)
        events = found if isinstance(found, list) else found["events"]
        start = events[0]["workflowExecutionStartedEventAttributes"]
        history = client.WorkflowHistory.from_json(
            start.get("workflowId") or path.stem, {"events": events}
        )
    except (OSError, ValueError, NoHistoryError, KeyError) as error:
        raise _UnusableError(
            f"{path} is no history: {error} Write one with `temporal workflow show --output json`."
        ) from error
    kind = str(start.get("workflowType", {}).get("name"))
    if kind not in types and None not in types:
        known = ", ".join(sorted(map(str, types)))
        raise _UnusableError(
            f"{path} is of a workflow {kind}, and --workflow names {known}. Name its class as well."
        )
    return kind, history


async def _failures(workflows: list[type], histories: list[tuple[str, Any]]) -> list[str | None]:
    """What Temporal says of each history; None where the code did the same."""
    worker = importlib.import_module("temporalio.worker")
    sandbox = importlib.import_module("temporalio.worker.workflow_sandbox")
    runtime = importlib.import_module("temporalio.runtime")
    logging.getLogger("temporalio").setLevel(logging.CRITICAL + 1)
    passed = sandbox.SandboxRestrictions.default.with_passthrough_modules(
        "tellwhy", "opentelemetry"
    )
    replayer = worker.Replayer(
        workflows=workflows,
        workflow_runner=sandbox.SandboxedWorkflowRunner(restrictions=passed),
        runtime=runtime.Runtime(telemetry=runtime.TelemetryConfig(logging=None)),
    )
    found: list[str | None] = []
    for _, history in histories:
        done = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        found.append(None if done.replay_failure is None else str(done.replay_failure))
    return found


def _told(which: str, failure: str | None) -> str:
    """The verdict on one history."""
    if failure is None:
        return f"replay: IDENTICAL to {which}"
    said = _MESSAGE.search(failure)
    message = said[1].replace('\\"', '"').replace("\\n", "\n") if said else failure
    lines = [f"replay: DIVERGED from {which}", "", "first divergence"]
    event, machine = _EVENT.search(message), _MACHINE.search(message)
    if event:
        lines.append(f"  recorded there: event {event[1]}, {event[2]}")
    if event and machine:
        lines.append(f"  the code did instead: {machine[1]}")
    frames = [each for each in _FRAME.findall(failure) if "temporalio" not in Path(each[0]).parts]
    if frames:
        file, number, function = frames[-1]
        code = linecache.getline(file, int(number)).strip()
        lines.append(f"  at {os.path.relpath(file)}:{number} in {function}: {code}")
        lines.append("  the code raised there")
    return "\n".join([*lines, f"  Temporal says: {message}"])
