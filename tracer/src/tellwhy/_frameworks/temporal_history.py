"""The history of one run of a Temporal workflow, told as the steps that a worker would have told.

A history is complete even if no worker was instrumented. What it does not hold: what models were asked
inside activities, names of arguments, heartbeats, the attempts of an activity before its last, and
waits that no timer ends.

Source:
    temporal.api.history.v1 as JSON, of ``temporal workflow show --output json`` and of
    ``WorkflowHistory.to_json()``; server 1.32.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from tellwhy import _provider
from tellwhy._frameworks.temporal_ids import HEADER, OFFICIAL_HEADER, place_of
from tellwhy._frameworks.temporal_steps import (
    Arrival,
    Attempt,
    agent_step,
    attempt_step,
    tell_arrival,
    wait_step,
)
from tellwhy._open_step import OpenStep

BEGUN = "WORKFLOW_EXECUTION_STARTED"
CLOSED = frozenset(
    f"WORKFLOW_EXECUTION_{how}"
    for how in ("COMPLETED", "FAILED", "TIMED_OUT", "CANCELED", "TERMINATED", "CONTINUED_AS_NEW")
)
CHILD_ENDS = frozenset(
    {"START_CHILD_WORKFLOW_EXECUTION_FAILED"}
    | {
        f"CHILD_WORKFLOW_EXECUTION_{how}"
        for how in ("COMPLETED", "FAILED", "TIMED_OUT", "CANCELED", "TERMINATED")
    }
)
ACTIVITY_ENDS = frozenset(
    f"ACTIVITY_TASK_{how}" for how in ("COMPLETED", "FAILED", "TIMED_OUT", "CANCELED")
)


class NoHistoryError(Exception):
    """What was read is no history of a workflow; the words say why and what to do."""


class History:
    """One run, event by event."""

    def __init__(
        self, found: Any, run_id: str | None = None, workflow_id: str | None = None
    ) -> None:
        events = found.get("events") if isinstance(found, Mapping) else found
        if not isinstance(events, list) or not events or _kind(events[0]) != BEGUN:
            raise NoHistoryError("It does not begin with the event WORKFLOW_EXECUTION_STARTED.")
        self._events = events
        self._start = _attributes(events[0])
        run_id = run_id or self._start.get("originalExecutionRunId")
        workflow_id = workflow_id or self._start.get("workflowId")
        if not run_id or not workflow_id:
            raise NoHistoryError("It names neither its run nor its workflow: say --workflow-id.")
        kind = self._start.get("workflowType", {}).get("name", "workflow")
        carried = _header(self._start, OFFICIAL_HEADER) | _header(self._start, HEADER)
        self.place = place_of(str(run_id), str(workflow_id), str(kind), carried)
        self.task_queue = str(self._start.get("taskQueue", {}).get("name") or "temporal")
        self._by_id = {str(each.get("eventId")): each for each in events}
        self._counts: Counter[str] = Counter()
        self._under_way = 0
        self._since_ns = _ns(events[0])
        self._touched = True
        self._timers: dict[str, tuple[str, int]] = {}
        """What tells each timer from others, by the event of its start; see `Flow.timer`."""
        self._updates: dict[str, tuple[Arrival, int]] = {}

    def tell(self) -> int:
        """Record its steps; how many."""
        return sum(1 for event in self._events for _ in self._steps(event))

    def _steps(self, event: Mapping[str, Any]) -> Iterator[None]:
        kind, said = _kind(event), _attributes(event)
        if kind == "WORKFLOW_TASK_STARTED":
            if self._touched:
                self._since_ns, self._touched = _ns(event), False
        elif kind in ("ACTIVITY_TASK_SCHEDULED", "START_CHILD_WORKFLOW_EXECUTION_INITIATED"):
            self._under_way += 1
        elif kind == "TIMER_STARTED":
            key = f"{round(_timer_s(said) * 1000)} ms"
            self._counts[key] += 1
            self._timers[str(event.get("eventId"))] = key, self._counts[key]
        elif kind in CHILD_ENDS:
            self._is_over()
        elif (told := self._teller(kind)) is not None and told(event, said):
            yield

    def _teller(self, kind: str) -> Callable[[Any, Any], bool] | None:
        if kind in ACTIVITY_ENDS:
            return self._attempt
        if kind in CLOSED or kind == BEGUN:
            return self._run
        return {
            "TIMER_FIRED": self._timer,
            "WORKFLOW_EXECUTION_SIGNALED": self._signal,
            "WORKFLOW_EXECUTION_UPDATE_ACCEPTED": self._update,
            "WORKFLOW_EXECUTION_UPDATE_COMPLETED": self._updated,
        }.get(kind)

    def _is_over(self) -> None:
        self._under_way -= 1
        self._touched = True

    def _run(self, event: Any, said: Any) -> bool:
        if _kind(event) == BEGUN and any(_kind(each) in CLOSED for each in self._events[-1:]):
            return False
        asked = dict(enumerate(_values(self._start.get("input"))))
        given = {"args": list(asked.values())} if asked else {}
        before = self._start.get("continuedExecutionRunId")
        step = agent_step(self.place, given, _ns(self._events[0]), continued_from=before)
        if _kind(event) == BEGUN:
            _provider.left_open(step.span)
            return True
        how = _kind(event).removeprefix("WORKFLOW_EXECUTION_")
        if how == "CONTINUED_AS_NEW":
            step.at(_ns(event)).returned("continued as new")
        else:
            _end(step, event, said, how if how != "COMPLETED" else "")
        return True

    def _attempt(self, event: Any, said: Any) -> bool:
        self._is_over()
        scheduled = _attributes(self._by_id.get(str(said.get("scheduledEventId")), {}))
        begun = self._by_id.get(str(said.get("startedEventId")))
        if begun is None or not _attributes(begun):
            return False  # it was never started
        number = int(_attributes(begun).get("attempt", 1))
        name = scheduled.get("activityType", {}).get("name", "activity")
        attempt = Attempt(str(scheduled.get("activityId")), name, number)
        args = _values(scheduled.get("input"))
        given = {"args": args} if args else {}
        step = attempt_step(self.place, attempt, given, start_ns=_ns(begun))
        how = _kind(event).removeprefix("ACTIVITY_TASK_")
        _end(step, event, said, how if how != "COMPLETED" else "")
        return True

    def _timer(self, event: Any, said: Any) -> bool:
        begun = self._by_id.get(str(said.get("startedEventId")), {})
        timer = _attributes(begun)
        task = self._by_id.get(str(timer.get("workflowTaskCompletedEventId")), {})
        started_ns = _ns(self._by_id.get(str(_attributes(task).get("startedEventId")), begun))
        seconds = _timer_s(timer)
        key = self._timers.get(str(said.get("startedEventId")), ("", 0))
        name = _value(begun.get("userMetadata", {}).get("summary")) or ""
        what = ("timer", *key)
        wait_step(self.place, what, str(name), seconds, started_ns).at(_ns(event)).ended()
        return True

    def _signal(self, event: Any, said: Any) -> bool:
        name = str(said.get("signalName"))
        self._counts[f"signal {name}"] += 1
        key = f"{name} {self._counts[f'signal {name}']}"
        tell_arrival(
            self.place,
            self._arrival(event, "signal", key, name=name, said=said, by=said.get("identity")),
        )
        return True

    def _update(self, event: Any, said: Any) -> bool:
        asked = said.get("acceptedRequest", {})
        given, meta = asked.get("input", {}), asked.get("meta", {})
        name = str(given.get("name"))
        args, by = {"input": given.get("args")}, meta.get("identity")
        key = str(meta.get("updateId"))
        arrival = self._arrival(event, "update", key, name=name, said=args, by=by)
        if arrival.decision is not None:
            tell_arrival(self.place, arrival)
            return True
        self._updates[str(event.get("eventId"))] = arrival, _ns(event)
        return False

    def _updated(self, event: Any, said: Any) -> bool:
        arrival, _ = self._updates.pop(str(said.get("acceptedEventId")), (None, 0))
        if arrival is None:
            return False
        result = _values(said.get("outcome", {}).get("success"))
        tell_arrival(self.place, arrival, end_ns=_ns(event), result=result[0] if result else None)
        return True

    def _arrival(
        self, event: Any, what: str, key: str, *, name: str, said: Any, by: Any
    ) -> Arrival:
        arrival = Arrival(
            what, name, _values(said.get("input")), key, by=by or None,
            since_ns=self._since_ns, at_ns=_ns(event), was_idle=self._under_way == 0,
        )  # fmt: skip
        if arrival.decision is not None:
            self._since_ns = _ns(event)
        return arrival


def _end(step: OpenStep, event: Any, said: Any, how: str) -> None:
    """The end of *step* as *event* has it; *how* is empty for a good one."""
    step.at(_ns(event))
    if how:
        failure = said.get("failure") or {}
        while failure.get("cause"):
            failure = failure["cause"]
        kind = failure.get("applicationFailureInfo", {}).get("type") or how.lower()
        step.told_error(str(kind), str(failure.get("message") or said.get("reason") or ""))
        step.ended()
        return
    result = _values(said.get("result"))
    step.returned(result[0] if result else None)


def _timer_s(said: Mapping[str, Any]) -> float:
    return float(str(said.get("startToFireTimeout") or "0s").removesuffix("s"))


def _kind(event: Any) -> str:
    return str(event.get("eventType", "")).removeprefix("EVENT_TYPE_")


def _attributes(event: Any) -> dict[str, Any]:
    """What an event says, whichever sort it is of."""
    found = next((event[name] for name in event if name.endswith("EventAttributes")), None)
    return found if isinstance(found, dict) else {}


def _ns(event: Any) -> int:
    """Its time. Unix nanoseconds."""
    text = str(event.get("eventTime") or "1970-01-01T00:00:00Z").removesuffix("Z")
    whole, _, part = text.partition(".")
    seconds = int(datetime.fromisoformat(f"{whole}+00:00").timestamp())
    return seconds * 1_000_000_000 + int(part[:9].ljust(9, "0"))


def _header(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = _value(said.get("header", {}).get("fields", {}).get(name))
    return value if isinstance(value, dict) else {}


def _values(payloads: Any) -> list[Any]:
    return [_value(each) for each in (payloads or {}).get("payloads", [])]


def _value(payload: Any) -> Any:
    """What a payload holds; of an encoding that only the program knows, that and its size."""
    if not isinstance(payload, Mapping):
        return None
    try:
        encoding = base64.b64decode(payload.get("metadata", {}).get("encoding", "")).decode()
        data = base64.b64decode(payload.get("data", ""))
        if encoding == "binary/null":
            return None
        if encoding.startswith("json/"):
            return json.loads(data)
    except ValueError:
        return "[a payload that cannot be read]"
    return f"[{len(data):,} bytes, {encoding or 'unknown encoding'}]"
