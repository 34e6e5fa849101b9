"""Rules about answers and inputs that stand on nothing that was looked up."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tellwhy_collector.reconstruct.case import Finding
from tellwhy_collector.reconstruct.findings.actions import ANSWERING, echoes
from tellwhy_collector.reconstruct.findings.facts import Facts, at_turn, shown
from tellwhy_collector.reconstruct.findings.rule import Rule
from tellwhy_collector.reconstruct.findings.script import Script
from tellwhy_collector.reconstruct.turns import Turn

TELLING = 30
"""Characters from which on what code printed counts as something that was found out."""

_PLANS = re.compile(
    r"\b(?:search|look(?:ing)? ?up|retrieve|retrieving|retrieval|locat\w+|visit|browse|consult|query|inspect|verif\w+"
    r"|fetch|find out)\b",
    re.IGNORECASE,
)
_STEPS = re.compile(r"(?m)^\s*(?:\d+[.)]|[-*•])\s+\S")
PLAN_STEPS = 3
"""Lines of a list that make a text a plan."""

_INVENTED = re.compile(
    r"\b(?:i|we)(?:['\u2019]ll| will| now| can| shall| am| are|['\u2019]m|['\u2019]re)?(?: \w+){0,3}? simulat\w+"
    r"|\bsimulat(?:ed|ion of|ing) (?:\w+ ){0,2}?(?:data\w*|results?|research|verif\w+|response|search"
    r"|process|output)|\bplaceholder|\bhypothetical|\b(?:mock|dummy|fictional|made-up) (?:\w+ )?"
    r"(?:data|values?|results?|content|response)|\b(?:is|are|was|were) assumed to be\b"
    r"|\b(?:let['\u2019]s|let us|we|i)(?:['\u2019]ll| will)? assume\b|\bassuming (?:that )?(?:the|it|we)\b"
    r"|\bfor (?:demonstration|illustrati\w+) purposes\b|\breplace (?:this|it|\W?your_\w+) with\b"
    r"|\bfabricat\w+|\breasonable example\b",
    re.IGNORECASE,
)


def invents(text: str) -> str | None:
    """The words by which *text* says that what it goes on with is simulated or assumed."""
    found = _INVENTED.search(text)
    return found.group() if found else None


def _invented_input(facts: Facts) -> Iterator[Finding]:
    told: set[str] = set()
    for turn in facts.turns:
        words = invents(turn.text)
        # A plan that speaks of an assumption is no use of it, and once is told once.
        if words is None or turn.owner in told or not (turn.code or _answers(turn)):
            continue
        told.add(turn.owner)
        yield at_turn(
            turn, f"The model goes on with what it made up: “{_around(turn.text, words)}”"
        )


def _around(text: str, words: str) -> str:
    at = text.index(words)
    return shown(text[max(0, at - 60) : at + len(words) + 60], 160)


def _answers(turn: Turn) -> bool:
    return any(ANSWERING.search(call.chosen or "") for call in turn.calls) or not turn.calls


def _answered_without_looking(facts: Facts) -> Iterator[Finding]:
    plans: dict[str, Turn] = {}
    looked: set[str] = set()
    for turn in facts.turns:
        owner = turn.owner
        if turn.error is None and _hands_in(turn):
            if owner in plans and owner not in looked:
                yield _unfounded(turn, plans[owner])
            looked.add(owner)
        if _looked(turn) or _found_out(turn):
            looked.add(owner)
        if not turn.calls and not turn.code and _is_plan(turn.text):
            plans.setdefault(owner, turn)


def _unfounded(turn: Turn, plan: Turn) -> Finding:
    return at_turn(
        turn,
        f"The plan was to look things up ({shown(_first_step(plan.text))}), but nothing was looked "
        f"up before the answer: {shown(turn.text[-400:])}",
        [{"span_id": plan.step.span_id, "column": "output_messages"}],
    )


def _hands_in(turn: Turn) -> bool:
    """Whether it gives the answer by a tool for that, or by code that calls one."""
    names = [*(call.chosen for call in turn.calls), *(s.tool_name or s.name for s in turn.ran)]
    return any(ANSWERING.search(name or "") for name in names)


def _looked(turn: Turn) -> bool:
    """Whether a tool or an agent worked for it that is not there to take the answer."""
    return any(not ANSWERING.search(step.tool_name or step.name) for step in turn.ran)


def _found_out(turn: Turn) -> bool:
    """Whether code that ran told something that the model had not written itself."""
    told = len(turn.enclosing.strip()) > TELLING
    return turn.code and not turn.error and told and not echoes(turn)


def _is_plan(text: str) -> bool:
    return len(_STEPS.findall(text)) >= PLAN_STEPS and bool(_PLANS.search(text))


def _first_step(text: str) -> str:
    return next((x.strip() for x in text.splitlines() if _PLANS.search(x)), text)


_PLAN = "1. Search the archive.\n2. Verify the year.\n3. Hand in the answer."

RULES = (
    Rule(
        "answered_without_looking",
        "high",
        "An agent planned to look things up, and handed in its answer without having looked "
        "anything up: no tool ran before, no other agent was asked, no code found anything out.",
        "For agents that write a plan first and hand in their answer through a tool. Plans are "
        "read in English only. The answer may still be right.",
        _answered_without_looking,
        Script("search_archive", "final_answer")
        .user("Who built the mill?")
        .answered(_PLAN)
        .chose(("final_answer", {"answer": "Ada Mill"}), reason="I think it was Ada Mill.")
        .ran("Ada Mill"),
    ),
    Rule(
        "invented_input",
        "medium",
        "The model says itself that what it goes on with is simulated, assumed or a placeholder.",
        "Reads English only. Told once for each agent. Assumptions that were asked for look the "
        "same.",
        _invented_input,
        Script()
        .user("Which country sent the fewest athletes?")
        .answered("```python\n# simulated data of the games\nathletes = {'CHN': 1}\n```"),
    ),
)
