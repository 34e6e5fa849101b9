"""A job as a run of the tracer: told before its command starts, and again when it has ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from opentelemetry.trace import INVALID_SPAN

from tellwhy import _attributes as names
from tellwhy import _configure, _inherited, _redact
from tellwhy._capture import bounded, to_json
from tellwhy._cli.claude_code import environment_of
from tellwhy._cli.job.output import Output, Tail
from tellwhy._guard import guarded
from tellwhy._open_step import NOTHING, OpenStep
from tellwhy._settings import current as current_settings
from tellwhy._spans import begin_agent

CLAUDE = "claude"
RESOURCE = "OTEL_RESOURCE_ATTRIBUTES"
SIGNAL_STATUS = 128


class Job:
    """One job; nothing that goes wrong in here reaches its command."""

    def __init__(self, command: Sequence[str], name: str | None, schedule: str | None) -> None:
        self._command = list(command)
        self._program = Path(command[0]).name
        self._schedule = schedule
        self._step: OpenStep = NOTHING
        with guarded("starting the run of a job"):
            if _configure.ensure_configured():
                self._step = begin_agent(
                    name or schedule or self._program,
                    {"command": self._command},
                    replayable=False,
                    operation="run_job",
                    said={names.SCHEDULE_NAME: _redact.label(schedule)} if schedule else None,
                )

    @property
    def run_id(self) -> str | None:
        """The run; None when nothing is recorded."""
        return self._step.run.run_id if self._step.run is not None else None

    def environment(self, *, is_claude: bool) -> dict[str, str]:
        """The variables of the command: the process's, and what makes it part of this run."""
        found = dict(os.environ)
        with guarded("naming the trace for a job"):
            if self._step.span is INVALID_SPAN or self._step is NOTHING:
                return found
            parent = self._step.span.get_span_context()
            found.pop(_inherited.TRACE_STATE, None)
            found |= _inherited.variables(parent, self.run_id)
            found.setdefault("TELLWHY_INHERIT_TRACE", "all")
            if is_claude:
                found |= environment_of(found)
                found[RESOURCE] = self._resource(found.get(RESOURCE, ""))
        return found

    def _resource(self, before: str) -> str:
        """Points of metrics stand in no trace: these attributes say which job they are of."""
        ours = {names.RUN_ID: self.run_id, names.SCHEDULE_NAME: self._schedule}
        pairs = [f"{name}={quote(text, safe='')}" for name, text in ours.items() if text]
        return ",".join([before, *pairs] if before else pairs)

    def started(self, pid: int) -> None:
        """The command runs."""
        with guarded("recording the start of a job"):
            self._set({names.JOB_PID: pid})

    def not_started(self, error: OSError) -> None:
        """The command could not be started."""
        with guarded("recording a job that did not start"):
            self._step.told_error(type(error).__name__, f"{self._program}: {error.strerror}")
        self._step.ended()

    def ended(self, status: int, output: Output | None, tail: Tail | None) -> None:
        """The command has ended with *status*, negative for a signal."""
        with guarded("recording the end of a job"):
            self._set(_ending(status))
            if tail is not None and (said := tail.text()) and current_settings().captures_content:
                self._set({names.JOB_STDERR_TAIL: bounded(said, name="stderr")})
            if output is not None:
                output.finish()
                self._tell(output)
            failure = output.failure if output is not None else None
            if failure is None and status:
                failure = _failure(status, tail)
            if failure is not None:
                self._step.told_error(*failure)
        self._step.ended()

    def _tell(self, output: Output) -> None:
        if output.session_id and self._step.run is not None:
            self._step.run.set_conversation(output.session_id)
        said: dict[str, Any] = {
            names.JOB_STOP_REASON: output.stop_reason,
            names.JOB_COST_USD: output.cost_usd,
            names.JOB_TURNS: output.turns or None,
        }
        if output.denials:
            # Without content the names and ids alone.
            shown = current_settings().captures_content
            kept = output.denials if shown else [_without_input(each) for each in output.denials]
            said[names.JOB_PERMISSION_DENIALS] = to_json(kept)
        self._set({name: value for name, value in said.items() if value is not None})
        if output.answer is not None:
            self._step.result(output.answer)

    def _set(self, said: dict[str, Any]) -> None:
        self._step.span.set_attributes(
            {n: bounded(v) if isinstance(v, str) else v for n, v in said.items()}
        )


def _without_input(denial: Any) -> dict[str, Any]:
    return {name: value for name, value in denial.items() if name != "tool_input"}


def _ending(status: int) -> dict[str, Any]:
    if status >= 0:
        return {names.JOB_EXIT_CODE: status}
    return {names.JOB_SIGNAL: _signal_name(-status)}


def _failure(status: int, tail: Tail | None) -> tuple[str, str]:
    lines = tail.text().splitlines() if tail is not None else []
    words = lines[-1] if lines else ""
    if status < 0:
        return _signal_name(-status), words or f"ended by {_signal_name(-status)}"
    return f"exit_code_{status}", words or f"ended with exit code {status}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
