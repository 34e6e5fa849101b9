"""When a signal or an update of a Temporal workflow is a person's answer.

It is one if both are true:

* Nothing else was under way: no activity and no child workflow. The workflow could only go on with
  this, or with the end of a timer.
* It says yes or no. By its name: ``approve``, ``reject``, ``deny`` …; what it brings along then
  counts first, so that ``approve(False)`` is a no. With another name only by words: ``"approved"``,
  ``{"decision": "reject"}``; a bare ``True`` can mean anything.

All others are recorded as what they are, with what they brought along.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tellwhy._frameworks.pauses import verdict
from tellwhy._frameworks.temporal_ids import CALL_ID

YES_NAMES = frozenset(
    {"approve", "approved", "accept", "accepted", "allow", "allowed", "grant", "granted"}
    | {"confirm", "confirmed"}
)
NO_NAMES = frozenset(
    {"reject", "rejected", "deny", "denied", "decline", "declined", "refuse", "refused"}
    | {"disapprove", "disapproved", "veto"}
)
ASKING = frozenset(
    {"approval", "decision", "decide", "decided", "answer", "review", "reviewed", "consent"}
    | {"confirmation", "human", "permission", "authorise", "authorize", "verdict"}
)
"""Words in names by which somebody answers, without saying what."""

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def decision(name: str, args: Sequence[Any]) -> str | None:
    """``approved`` or ``denied`` where the signal *name* with *args* says so; else None."""
    words = {word.lower() for word in _WORDS.findall(name)}
    by_name = "denied" if words & NO_NAMES else "approved" if words & YES_NAMES else None
    named = by_name is not None or bool(words & ASKING)
    said = {verdict(each) for each in args if named or not isinstance(each, bool)} - {None}
    if by_name == "denied" and any(isinstance(each, bool) for each in args):
        said = {"approved" if False in args else "denied"}  # deny(False) denies nothing
    if len(said) > 1:
        return None
    return said.pop() if said else by_name


def call_id_of(args: Sequence[Any]) -> str | None:
    """The model's id of the tool call that an answer names, if it names one."""
    for each in args:
        values = each.values() if isinstance(each, Mapping) else [each]
        for value in values:
            if isinstance(value, str) and CALL_ID.fullmatch(value):
                return value
    return None
