"""LangGraph's interrupts and resumes: what a person was asked, and the answer a later call brings.

Source:
    langgraph 1.2.24, types.py (`Interrupt`, `Command`); langchain 1.5.2,
    agents/middleware/human_in_the_loop.py (``action_requests``, ``decisions``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opentelemetry.context import Context

from tellwhy import _attributes as names
from tellwhy._frameworks.pauses import Pauses, Question
from tellwhy._open_step import OpenStep

Answers = list[tuple[Question, Any]]
"""Questions with what was answered."""

BETWEEN = "/"
"""Stands between the id of an interrupt and the place of one of its actions."""


def asked(
    pauses: Pauses,
    thread: str | None,
    error: BaseException,
    step: OpenStep,
    *,
    name: str,
    call_id: str | None,
) -> None:
    """Write what the interrupts in *error* ask; one that was raised further in stands already."""
    found = error.args[0] if error.args else ()
    for interrupt in found if isinstance(found, list | tuple) else ():
        for key, about, shown in _questions(interrupt, name):
            pauses.ask(thread or "", key, about, shown=shown, call_id=call_id, context=step.context)


def _questions(interrupt: Any, name: str) -> Iterator[tuple[str, str, Any]]:
    """Key, tool or node, and what is shown: one for each action that waits for leave."""
    key, value = str(getattr(interrupt, "id", "")), getattr(interrupt, "value", None)
    actions = value.get("action_requests") if isinstance(value, dict) else None
    if not isinstance(actions, list) or not all(isinstance(each, dict) for each in actions):
        yield key, name, value
        return
    for at, action in enumerate(actions):
        shown = action.get("args", action.get("arguments"))
        yield f"{key}{BETWEEN}{at}", str(action.get("name") or name), shown


def resumed(pauses: Pauses, thread: str | None, answer: Any, step: OpenStep) -> Answers:
    """Write what a `Command` answers, but for what a tool asked inside, which is to run again.

    Returns:
        The answers that wait for their tool; for a question of another process there is no telling.
    """
    waiting = pauses.waiting(thread or "")
    if not waiting:
        return [(Question("", step_name(step)), answer)]
    by_id = isinstance(answer, dict) and any(_interrupt(each) in answer for each in waiting)
    late: Answers = []
    for each in waiting:
        if by_id and _interrupt(each) not in answer:
            continue  # it stays open
        given = _for(each, answer[_interrupt(each)] if by_id else answer)
        if each.inside_tool:
            late.append((each, given))
        else:
            pauses.answer(thread or "", each, given, context=step.context)
    return late


def answer_late(
    pauses: Pauses,
    thread: str | None,
    answers: Answers,
    context: Context,
    tool: tuple[str, str | None] | None,
) -> None:
    """Write the answers that *tool*, which begins in *context*, waited for; without one, all.

    Args:
        pauses: The questions.
        thread: Their thread.
        answers: What `resumed` gave; what is written is taken out.
        context: Where to write.
        tool: Name and call id.
    """
    for place in range(len(answers) - 1, -1, -1):
        question, given = answers[place]
        if tool is not None:
            name, call_id = tool
            if question.key and question.call_id not in {None, call_id}:
                continue
            if not question.key:  # asked in another process: the tool that goes on was paused
                question = Question("", name, call_id=call_id)
        del answers[place]
        pauses.answer(thread or "", question, given, context=context)


def step_name(step: OpenStep) -> str:
    """How the agent of *step* is called."""
    return step.run.agent_name if step.run is not None else "graph"


def _interrupt(question: Question) -> str:
    return question.key.partition(BETWEEN)[0]


def _for(question: Question, answer: Any) -> Any:
    """The part of *answer* that is about one of several actions."""
    place = question.key.partition(BETWEEN)[2]
    decisions = answer.get("decisions") if isinstance(answer, dict) else None
    if place and isinstance(decisions, list) and int(place) < len(decisions):
        return decisions[int(place)]
    return answer


def mark_paused(step: OpenStep) -> None:
    """Say that *step* waits for a person."""
    step.span.set_attribute(names.PAUSED, True)
