"""The requests of a recording that can be asked again, with what was chosen then. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tellwhy._clients.routes import CHAT, MESSAGES, RESPONSES, Format, of_path
from tellwhy._replay.recording import Call, Recording

FORMATS = (MESSAGES, CHAT, RESPONSES)
"""What can be asked again; the paths of Bedrock, Vertex and Azure need more than a key."""

NOT_KEPT = "its request was not kept"
"""Why most of what cannot be asked again is left out."""

STREAMED = ("stream", "stream_options")
"""Fields that say how an answer comes and not what it is."""


@dataclass(frozen=True, slots=True)
class Request:
    """One model call that was recorded."""

    run_id: str
    span_id: str
    number: int
    """Among the model calls of its run, from 1."""
    name: str
    spoken: Format
    path: str
    headers: dict[str, str]
    """Those that were kept; names in lower case."""
    body: dict[str, Any]
    """As it was sent, redacted, without what says how the answer comes."""
    chosen: list[dict[str, Any]]
    """Actions as they were recorded: ``action``, ``name``, ``arguments``, ``text``."""


@dataclass(frozen=True, slots=True)
class Left:
    """A model call that cannot be asked again."""

    run_id: str
    span_id: str
    why: str


def requests_of(recording: Recording, wanted: set[str] | None = None) -> Iterator[Request | Left]:
    """The model calls of a recording, in their order.

    Args:
        recording: Of one run.
        wanted: Their steps; None for all.
    """
    last: dict[str, Call] = {}
    for call in recording.calls:
        if call.kind == "model":
            last[call.step] = call
    for number, step in enumerate(recording.model_steps, 1):
        if wanted is not None and step not in wanted:
            continue
        found = last.get(step)
        run_id = recording.run_id
        if found is None:
            yield Left(run_id, step, NOT_KEPT)
            continue
        why = _why_not(found, recording.chosen[number - 1])
        if why is not None:
            yield Left(run_id, step, why)
            continue
        spoken = of_path(found.path)
        assert spoken is not None
        body = {name: value for name, value in found.body.items() if name not in STREAMED}
        yield Request(
            run_id=run_id,
            span_id=step,
            number=number,
            name=found.name,
            spoken=spoken,
            path=found.path,
            headers=found.request_headers,
            body=body,
            chosen=recording.chosen[number - 1],
        )


def _why_not(call: Call, chosen: list[dict[str, Any]]) -> str | None:
    if not call.body:
        return f"its request cannot be read: {call.missing or 'it is empty'}"
    if of_path(call.path) not in FORMATS:
        return f"{call.path} is no address that can be asked again"
    if not chosen:
        return "it chose nothing: there is no answer of it"
    if _holds_blob(call.body):
        return "it holds a picture or another file, of which only the hash was kept"
    return None


def _holds_blob(value: Any) -> bool:
    """Whether bytes were replaced by what describes them."""
    if isinstance(value, dict):
        if value.get("type") == "blob" and "bytes" in value and "modality" in value:
            return True
        return any(map(_holds_blob, value.values()))
    if isinstance(value, list):
        return any(map(_holds_blob, value))
    return False
