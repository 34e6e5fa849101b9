"""`tellwhy replay --temporal-history`: workflows run again on their histories, by Temporal's Replayer.

Source:
    ``temporalio.worker.Replayer`` and ``temporalio.converter.DefaultPayloadConverter`` of temporalio 1.35.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tellwhy._cli.temporal_verdict import HistoryVerdict, judge
from tellwhy._frameworks.temporal_history import History, NoHistoryError

PLAIN = frozenset({
    "binary/null", "binary/plain", "json/plain", "json/protobuf", "binary/protobuf",
})  # fmt: skip
"""Encodings of payloads that temporalio reads without anything of the user's."""


class _UnusableError(Exception):
    """There is no replay; the words say why and what to do."""


def replayed(files: list[Path], named: list[str], converter: str, written_to: Path | None) -> int:
    """Replay each history in *files* with the workflow classes *named* ``module:Class``.

    Args:
        files: Histories.
        named: The classes.
        converter: ``module:name`` of the data converter that the workers have; empty: Temporal's own.
        written_to: A file that gets the verdicts as JSON.

    Returns:
        The exit status 2, when there was no replay. After one the process ends here: with 0 when all
        were identical, with 1 when one diverged.
    """
    try:
        workflows = [_class(name) for name in named]
        reading = _converter(converter)
        types = set(map(_type_of, workflows))
        histories = [_history(path, types, is_plain=reading is None) for path in files]
    except _UnusableError as error:
        print(f"There is no replay: {error}", file=sys.stderr)
        return 2
    verdicts = [verdict for verdict, _ in histories]
    asyncio.run(_judge(workflows, histories, reading))
    for verdict in verdicts:
        print(verdict)
    print("No activity ran.", flush=True)
    are_identical = all(verdict.identical for verdict in verdicts)
    if written_to is not None:
        said = {"identical": are_identical, "histories": [asdict(each) for each in verdicts]}
        written_to.write_text(json.dumps(said, ensure_ascii=False, indent=2) + "\n", "utf-8")
    sys.stderr.flush()
    # Threads of temporalio can abort an interpreter that ends, and with it the exit status.
    os._exit(0 if are_identical else 1)


def _named(option: str, name: str) -> Any:
    """What *name*, ``module:attribute``, says, out of the user's code."""
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
        return getattr(importlib.import_module(module), attribute)
    except Exception as error:
        raise _UnusableError(
            f"{option} {name} cannot be imported: {type(error).__name__}: {error}. "
            "Say module:name, in the folder from which the worker is started."
        ) from error


def _class(name: str) -> type:
    found = _named("--workflow", name)
    if not isinstance(found, type) or not hasattr(found, "__temporal_workflow_definition"):
        raise _UnusableError(f"{name} is no workflow. Name a class that has @workflow.defn.")
    return found


def _converter(name: str) -> Any:
    """The data converter of the workers; None where it is Temporal's own."""
    if not name:
        return None
    found = _named("--data-converter", name)
    wanted = importlib.import_module("temporalio.converter").DataConverter
    if not isinstance(found, wanted):
        raise _UnusableError(
            f"{name} is no data converter. Name the temporalio.converter.DataConverter that your "
            "Client.connect() gets."
        )
    return found


def _type_of(workflow: type) -> str | None:
    """The workflow type that a history names; None of a dynamic workflow, which is any."""
    name: str | None = getattr(workflow, "__temporal_workflow_definition").name
    return name


def _history(path: Path, types: set[str | None], *, is_plain: bool) -> tuple[HistoryVerdict, Any]:
    """The history in *path*, as temporalio has it, and the verdict on it to be filled in."""
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
    if is_plain and (strange := sorted(set(_encodings(events)) - PLAIN)):
        raise _UnusableError(
            f"values in {path} are encoded as {', '.join(strange)}, which Temporal's own data converter "
            "cannot read. Name the one of your workers with --data-converter module:name."
        )
    return HistoryVerdict(kind, history.workflow_id, history.run_id), history


def _encodings(part: Any) -> Iterator[str]:
    """How the payloads in a part of a history are encoded."""
    if isinstance(part, list):
        for each in part:
            yield from _encodings(each)
    elif isinstance(part, dict):
        said = part.get("metadata")
        if isinstance(said, dict) and isinstance(said.get("encoding"), str):
            yield base64.b64decode(said["encoding"]).decode("utf-8", "replace")
        for each in part.values():
            yield from _encodings(each)


async def _judge(
    workflows: list[type], histories: list[tuple[HistoryVerdict, Any]], converter: Any
) -> None:
    """Replay each history and fill in its verdict."""
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
        **({} if converter is None else {"data_converter": converter}),
    )
    for verdict, history in histories:
        done = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        if done.replay_failure is not None:
            judge(verdict, str(done.replay_failure))
