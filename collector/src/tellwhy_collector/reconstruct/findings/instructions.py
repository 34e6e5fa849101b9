"""Rules about explicit demands of prompts on the form of what is written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tellwhy_collector.reconstruct.case import Finding
from tellwhy_collector.reconstruct.findings.actions import prompts_of
from tellwhy_collector.reconstruct.findings.facts import Facts, at_turn, shown
from tellwhy_collector.reconstruct.findings.rule import Rule
from tellwhy_collector.reconstruct.findings.script import Script
from tellwhy_collector.reconstruct.turns import Turn, plain

TAIL = 400
"""Characters at the end of an answer in which a closing mark may stand."""

_DEMANDED = re.compile(
    r"\b(?:end|finish|conclude|close|stop|write|append)\b[^.\n]{0,80}?"
    r"['\"`](?:\\n|\s)*(</?[A-Za-z_]+>|#{2,}\w+#{2,})['\"`][^.\n]{0,40}"
    r"\b(?:tag|and stop|at the end|to end)\b"
    r"|\b(?:answer|response|output|reply|message)s?\b[^.\n]{0,40}?\b(?:end|finish|conclude|close)s?\b"
    r"[^.\n]{0,20}?\bwith (?:the )?(?:tag )?['\"`](?:\\n|\s)*(</?[A-Za-z_]+>|#{2,}\w+#{2,})['\"`]",
    re.IGNORECASE,
)
"""A demand that the answer end with a tag: only what cannot mean anything else."""


def _instruction_broken(facts: Facts) -> Iterator[Finding]:
    told: set[str] = set()
    for turn in facts.turns:
        for mark in _demands(facts, turn):
            if mark in told or not turn.text or mark in turn.text[-TAIL:]:
                continue
            told.add(mark)
            yield at_turn(
                turn,
                f"The prompt demands that the answer end with {mark}; it ends with: "
                f"{shown(turn.text[-80:])}",
                [{"span_id": turn.step.span_id, "column": "input_messages"}],
            )


def _demands(facts: Facts, turn: Turn) -> list[str]:
    """Closing marks that the newest request demands and that the provider does not cut off."""
    context = facts.contexts.get(turn.step.span_id)
    if context is None or turn.calls:
        return []
    parameters = plain(turn.step.request_parameters)
    found = (a or b for text in prompts_of(context) for a, b in _DEMANDED.findall(text))
    return [mark for mark in dict.fromkeys(found) if mark not in parameters]


RULES = (
    Rule(
        "instruction_broken",
        "low",
        "A prompt demands that the answer end with a certain tag, and it does not.",
        "Tags only: wishes about content cannot be checked. A tag that is a stop sequence is cut "
        "off by the provider; that is known only where the sender recorded the stop sequences. "
        "Told once for each tag.",
        _instruction_broken,
        Script()
        .user("Write the plan. After the last step, write the '<end_plan>' tag and stop there.")
        .answered("1. Read the file.\n2. Count its lines."),
    ),
)
