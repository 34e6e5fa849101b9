"""Rules about what could be called, and in which form."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

import orjson

from tellwhy_collector.reconstruct.case import Decision, Finding
from tellwhy_collector.reconstruct.findings.facts import Facts, at_decision, at_step, shown
from tellwhy_collector.reconstruct.findings.rule import Rule
from tellwhy_collector.reconstruct.findings.schemas import Schemas
from tellwhy_collector.reconstruct.findings.script import Script

CALLS = ("tool_call", "handoff")
"""Actions that call one of what was offered."""

MOST_BREAKS = 3
"""Broken places that one message names."""


def calls(facts: Facts) -> Iterator[Decision]:
    """Calls of tools that a model chose."""
    return (d for d in facts.decisions if d.action in CALLS and d.made_by == "model")


def _tool_not_offered(facts: Facts) -> Iterator[Finding]:
    for decision in calls(facts):
        offered = decision.offered
        # Tools that the provider itself runs are offered without a name.
        if not offered or None in offered or not decision.chosen or decision.chosen in offered:
            continue
        names = ", ".join(map(str, offered[:8])) + (" …" if len(offered) > 8 else "")
        also = [{"span_id": decision.span_id, "column": "tools_offered"}]
        message = f"{decision.chosen} was called and is none of the {len(offered)} tools offered"
        yield at_decision(decision, f"{message}: {shown(names, 200)}.", also)


def _arguments_break_schema(facts: Facts) -> Iterator[Finding]:
    schemas = Schemas()
    for decision in calls(facts):
        context = facts.contexts.get(decision.span_id)
        arguments = decision.arguments
        if arguments == {} and (ran := facts.tool_by_decision.get(decision.decision_id)):
            # Some instrumentations lose what a stream says of arguments; the tool knows them.
            arguments = ran.arguments
        if context is None or not context.tools or not isinstance(arguments, dict):
            continue
        at = next((i for i, t in enumerate(context.tools) if _name(t) == decision.chosen), None)
        if at is None:
            continue
        broken = schemas.broken(context.tools[at].get("parameters"), arguments)
        if not broken:
            continue
        texts = [f"{path}: {shown(text)}" for path, text in broken[:MOST_BREAKS]]
        more = f" and {len(broken) - MOST_BREAKS} more" if len(broken) > MOST_BREAKS else ""
        also = [{"span_id": decision.span_id, "column": "tools_offered", "path": f"$[{at}]"}]
        yield at_decision(
            decision,
            f"Arguments of {decision.chosen} break its schema: {'; '.join(texts)}{more}.",
            also,
        )


def _name(tool: object) -> object:
    return tool.get("name") if isinstance(tool, dict) else tool


_NOT_READ = re.compile(
    r"error in code parsing|code parsing failed|your code snippet is invalid"
    r"|could not parse (?:llm|tool|the|output|model|function)|error parsing (?:llm|the|model|output)"
    r"|failed to parse (?:llm|the|output|model|function|tool|arguments|response)"
    r"|invalid format: missing|OutputParser\w*|action input is not a valid"
    r"|(?:tool|function) (?:call )?arguments (?:are|is) not valid json|recall the function correctly",
    re.IGNORECASE,
)
"""How frameworks tell a model, or say in an error, that its answer cannot be read."""

_FIRST = 200
"""Characters of a message in which that is said: further behind it is quoted."""


def _unparsable_output(facts: Facts) -> Iterator[Finding]:
    found = {f.span_id: f for f in (*_told_in_errors(facts), *_told_back(facts))}
    mine = list(_broken_arguments(facts))
    found = {span_id: f for span_id, f in found.items() if span_id not in {m.span_id for m in mine}}
    yield from sorted((*mine, *found.values()), key=lambda finding: finding.start_ns)


def _told_back(facts: Facts) -> Iterator[Finding]:
    """The next request tells the model that its answer could not be read."""
    for span_id, context in facts.contexts.items():
        before = facts.by_id.get(context.previous.span_id) if context.previous else None
        if before is None:
            continue
        for at, message in enumerate(context.new):
            if message.get("role") in ("assistant", "system"):
                continue
            for place, part in enumerate(message.get("parts", ())):
                text = part.get("content") or part.get("response")
                if isinstance(text, str) and _NOT_READ.search(text[:_FIRST]):
                    path = f"$[{context.kept + at}].parts[{place}]"
                    also = [{"span_id": span_id, "column": "input_messages", "path": path}]
                    told = f"The answer could not be read: {shown(text, 200)}"
                    yield at_step(before, told, "output_messages", also)


def _told_in_errors(facts: Facts) -> Iterator[Finding]:
    """A step that reads answers failed: the answer is the last before its end."""
    answers = [s for s in facts.steps if s.kind == "model_call" and s.status == "ok"]
    starts = [step.start_ns for step in answers]
    for step in facts.steps:
        if step.status != "error" or step.kind not in ("other", "agent"):
            continue
        said = f"{step.error_type or ''} {step.error_message or ''}".strip()
        place = bisect_right(starts, step.end_ns or step.start_ns) - 1
        if place >= 0 and answers[place].start_ns >= step.start_ns and _NOT_READ.search(said):
            also = [{"span_id": step.span_id, "column": "error_message"}]
            told = f"The answer could not be read: {shown(said, 200)}"
            yield at_step(answers[place], told, "output_messages", also)


def _broken_arguments(facts: Facts) -> Iterator[Finding]:
    for decision in calls(facts):
        text = decision.arguments
        # Tools that take free text get it as it is; what opens with a bracket was meant as JSON.
        if not isinstance(text, str) or text.lstrip()[:1] not in ("{", "["):
            continue
        try:
            orjson.loads(text)
        except orjson.JSONDecodeError as error:
            yield at_decision(
                decision,
                f"Arguments of {decision.chosen} are no JSON ({error}): {shown(text)}",
            )


RULES = (
    Rule(
        "tool_not_offered",
        "high",
        "The model called a tool that was not among those it was offered.",
        "Says nothing where the tools offered were not recorded, or where tools without a name "
        "were offered: those run at the provider. A sender that cuts long lists of tools makes it "
        "fire wrongly.",
        _tool_not_offered,
        Script("find_order", "cancel_order")
        .user("Refund order W1.")
        .chose(("refund_order", {"order_id": "W1"}))
        .failed("unknown tool refund_order"),
    ),
    Rule(
        "arguments_break_schema",
        "medium",
        "The arguments do not fit the JSON Schema that was offered with the tool.",
        "Patterns and formats are not checked, references to other documents are not followed, "
        "and a schema that is very large or does not end counts as fitting. Whether the values "
        "are right is another question.",
        _arguments_break_schema,
        Script(
            {
                "name": "book",
                "parameters": {
                    "type": "object",
                    "properties": {"nights": {"type": "integer"}, "hotel": {"type": "string"}},
                    "required": ["hotel"],
                },
            }
        )
        .user("Two nights, please.")
        .chose(("book", {"nights": "two"}))
        .failed("hotel is missing"),
    ),
    Rule(
        "unparsable_output",
        "medium",
        "The model wrote something that could not be read: arguments that are no JSON, or an answer "
        "of which the framework says that it does not parse.",
        "Sees only what the sender passed on: many drop or mend such arguments. Of frameworks it "
        "knows set phrases. Tools that take free text instead of JSON are left alone.",
        _unparsable_output,
        Script("book")
        .user("Two nights, please.")
        .chose(("book", '{"nights": 2, "hotel": "Astor'))
        .failed("arguments are no JSON"),
    ),
)
