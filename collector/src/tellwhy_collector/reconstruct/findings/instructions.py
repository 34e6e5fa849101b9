"""Rules about explicit demands of prompts on the form of what is written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tellwhy_collector.reconstruct.case import Finding
from tellwhy_collector.reconstruct.findings.facts import Facts, at_turn, shown
from tellwhy_collector.reconstruct.findings.prompts import Prompts
from tellwhy_collector.reconstruct.findings.rule import Rule
from tellwhy_collector.reconstruct.findings.script import Script
from tellwhy_collector.reconstruct.turns import plain

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
    demands = Prompts(_marks)
    for turn in facts.turns:
        if turn.calls or not turn.text:
            continue
        parameters = plain(turn.step.request_parameters)
        for mark in dict.fromkeys(demands.of(facts.contexts.get(turn.step.span_id))):
            # A stop sequence is cut off by the provider.
            if mark in told or mark in turn.text[-TAIL:] or mark in parameters:
                continue
            told.add(mark)
            yield at_turn(
                turn,
                f"The prompt demands that the answer end with {mark}; it ends with: "
                f"{shown(turn.text[-80:])}",
                [{"span_id": turn.step.span_id, "column": "input_messages"}],
            )


def _marks(text: str) -> list[str]:
    """Closing marks that a prompt demands."""
    return [one or other for one, other in _DEMANDED.findall(text)]


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
