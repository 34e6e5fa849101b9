"""Rules about what became of failures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby, islice

from tellwhy_collector.reconstruct.case import Decision, Finding
from tellwhy_collector.reconstruct.findings.claims import claim_in, claims_of, verbs_of
from tellwhy_collector.reconstruct.findings.facts import (
    Facts,
    ToolRun,
    at_decision,
    at_step,
    at_tool,
    canonical,
    choice,
    outcome,
    shown,
)
from tellwhy_collector.reconstruct.findings.rule import Rule
from tellwhy_collector.reconstruct.findings.script import Script
from tellwhy_collector.records import Step

SOON = 5
"""Decisions in which a tool that is called again has not been forgotten: some agents write down
facts and plans before they go on."""

STORM = 3
"""Failures in a row of the same call."""

STORM_ATTEMPTS = 5
"""Attempts of one model call; the providers' own clients make three."""

_SPEAKS_OF_TROUBLE = re.compile(
    r"n't\b|\b(?:not?|none|nothing|cannot|error\w*|fail\w*|unable|unfortunate\w*|sorry|apolog\w*"
    r"|problem\w*|issue\w*|invalid|denied|unavailable|wrong|incorrect\w*|retry\w*|again|instead"
    r"|mistake\w*|however|but|although|seems?|exceed\w*|insufficient|timed? ?out|trouble)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w{4,}")


def _error_ignored(facts: Facts) -> Iterator[Finding]:
    for tool in facts.tools:
        if tool.error is None:
            continue
        later = [*islice(facts.after(tool), SOON)]
        following = later.pop(0) if later else None
        # Another call is a change of plan; only an answer shows that nothing was made of it.
        if following is None or following.action != "answer" or not following.answer_text:
            continue
        if any(decision.chosen == tool.name for decision in later):
            continue
        if _mentions(following, tool) or not _english(following.answer_text):
            continue
        yield at_tool(
            tool,
            f"{tool.name} failed ({shown(tool.error)}), and the answer that follows does not "
            f"speak of it: {shown(following.answer_text)}",
            [choice(following)],
        )


def _mentions(decision: Decision, tool: ToolRun) -> bool:
    said = f"{decision.stated_reason or ''}\n{decision.answer_text or ''}"
    if _SPEAKS_OF_TROUBLE.search(said):
        return True
    known = {word.lower() for word in _WORD.findall(tool.error or "")}
    known -= {word.lower() for word in _WORD.findall(canonical(tool.arguments))}
    return len(known & {word.lower() for word in _WORD.findall(said)}) > 1


_COMMON = re.compile(
    r"\b(?:the|is|are|was|to|of|and|you|your|all|it|done|has|have|for)\b", re.IGNORECASE
)


def _english(text: str) -> bool:
    """Whether the words that speak of trouble would be looked for in the right language."""
    return bool(_COMMON.search(text))


def _success_claimed_after_failure(facts: Facts) -> Iterator[Finding]:
    worked: dict[str, list[ToolRun]] = {}
    for tool in facts.tools:
        verbs = verbs_of(tool.name)
        if tool.worked:
            for verb in verbs:
                worked.setdefault(verb, []).append(tool)
        if not verbs or not (tool.error or tool.denied):
            continue
        earlier = [done for verb in verbs for done in worked.get(verb, ())[-8:]]
        found = _claim_after(facts, tool, verbs, earlier)
        if found is None:
            continue
        decision, sentence = found
        what = "was denied" if tool.denied else f"failed ({shown(tool.error or '')})"
        yield at_decision(
            decision,
            f"The answer says “{shown(sentence, 160)}”, but {tool.name} {what} and was not "
            "repeated with success.",
            [outcome(tool)],
        )


def _claim_after(
    facts: Facts, tool: ToolRun, verbs: frozenset[str], earlier: list[ToolRun]
) -> tuple[Decision, str] | None:
    """The first later answer that claims what failed, if nothing worked that it could mean."""
    for decision in facts.after(tool):
        if decision.action in ("tool_call", "handoff"):
            done = facts.tool_by_decision.get(decision.decision_id)
            unknown = done is None and decision.outcome != "denied"
            if unknown or (done and done.worked and may_mean(verbs, done.name)):
                return None
        elif decision.action == "answer" and decision.answer_text:
            for sentence in claims_of(decision.answer_text):
                if claim_in(sentence, verbs) and not _means_earlier(sentence, tool, earlier):
                    return decision, sentence
    return None


def may_mean(verbs: frozenset[str], name: str) -> bool:
    """Whether a claim with *verbs* can be about the tool *name*.

    A tool whose name holds no verb of ours can do anything: running code, a shell.
    """
    others = verbs_of(name)
    return bool(verbs & others) or not others


def _means_earlier(sentence: str, tool: ToolRun, earlier: list[ToolRun]) -> bool:
    """Something of the kind did work before: then only a value of the failed call alone tells."""
    if not earlier:
        return False
    mine = set(_WORD.findall(canonical(tool.arguments)))
    for done in earlier:
        mine -= set(_WORD.findall(canonical(done.arguments)))
    named = {word for word in mine if any(sign.isdigit() for sign in word)}
    return not any(word in sentence for word in named)


def _retry_storm(facts: Facts) -> Iterator[Finding]:
    yield from sorted((*_stormy_tools(facts), *_stormy_models(facts)), key=lambda f: f.start_ns)


def _stormy_tools(facts: Facts) -> Iterator[Finding]:
    for line in facts.lines.values():
        for (key, failing), group in groupby(line, lambda t: (t.key, t.error is not None)):
            again = list(group)
            if not (failing and key and len(again) >= STORM):
                continue
            last = again[-1]
            yield at_tool(
                last,
                f"{last.name} was called {len(again)} times in a row with the same arguments and "
                f"failed each time: {shown(last.error or '')}",
                [outcome(tool) for tool in again[:-1][:10]],
            )


def _stormy_models(facts: Facts) -> Iterator[Finding]:
    by_agent: dict[str | None, list[Step]] = {}
    for step in facts.steps:
        if step.kind == "model_call":
            by_agent.setdefault(step.agent_name, []).append(step)
            if (step.attempts or 0) >= STORM_ATTEMPTS:
                yield at_step(step, f"The model was asked {step.attempts} times for one answer.")
    for steps in by_agent.values():
        for failed, group in groupby(steps, lambda s: s.status == "error"):
            again = list(group)
            if failed and len(again) >= STORM:
                last = again[-1]
                said = shown(last.error_message or last.error_type or "no reason given")
                also = [{"span_id": step.span_id} for step in again[:-1][:10]]
                message = f"{len(again)} model calls in a row failed, the last with: {said}"
                yield at_step(last, message, "error_message", also)


RULES = (
    Rule(
        "error_ignored",
        "medium",
        "A tool failed, and the next thing its agent did was an answer that does not speak of it.",
        "Reads answers in English only. An agent that goes on with another tool has changed its "
        "plan and is left alone; so is one that says anything that sounds of trouble.",
        _error_ignored,
        Script("send_invoice")
        .user("Send the invoice to Kim.")
        .chose(("send_invoice", {"to": "Kim"}))
        .failed("mail server refused the address")
        .answered("All done. Have a nice day!"),
    ),
    Rule(
        "success_claimed_after_failure",
        "high",
        "An answer says that something was done whose tool failed or was denied, and no later "
        "call did it.",
        "Reads answers in English only, and knows the verbs in names of tools: cancel_order fails, "
        "“has been cancelled” is claimed. A tool without such a verb in its name is not judged.",
        _success_claimed_after_failure,
        Script("cancel_order")
        .user("Cancel order W1.")
        .chose(("cancel_order", {"order_id": "W1"}))
        .ran("Error: order W1 was delivered already")
        .answered("Your order W1 has been cancelled."),
    ),
    Rule(
        "retry_storm",
        "medium",
        "The same call failed three times in a row, or one answer of a model needed five attempts.",
        "Does not know whether the failure was of a kind that passes; waiting between the "
        "attempts does not excuse them.",
        _retry_storm,
        Script("fetch")
        .user("Fetch the report.")
        .chose(("fetch", {"id": 7}))
        .failed("service unavailable")
        .chose(("fetch", {"id": 7}))
        .failed("service unavailable")
        .chose(("fetch", {"id": 7}))
        .failed("service unavailable")
        .answered("I could not fetch it."),
    ),
)
