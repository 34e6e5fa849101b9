"""Where a run turned: failures and what came after, denials, retries, hand-offs, its death. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from tellwhy_collector.reconstruct.case import Case, Decision
from tellwhy_collector.telling.chosen import deed
from tellwhy_collector.telling.happened import failure
from tellwhy_collector.telling.scene import Order, choice, step
from tellwhy_collector.telling.sentences import Citation, Sentence, fact
from tellwhy_collector.telling.wording import bare, counted, listed, named, sentence, times

MOST = 6
"""Most turns that are told one by one."""

CITED = 6
"""Most steps that a count cites."""


def turns_told(case: Case, order: Order) -> list[Sentence]:
    """What made the run go another way, in order; of many the rest is counted."""
    turns = [(one, told) for one in order.decisions if (told := _turn(order, one)) is not None]
    shown = [told for _, told in turns[:MOST]]
    if rest := turns[MOST:]:
        cited = [choice(one) for one, _ in rest[:CITED]]
        text = (
            f"{counted(len(rest), 'more choice')} failed, {_were(len(rest))} denied or handed over."
        )
        shown.append(fact("turned", text, *cited))
    return [*shown, *_calls_failed(order), *_retried(order), *_lost(case, order)]


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _turn(order: Order, one: Decision) -> Sentence | None:
    if one.outcome not in ("failed", "denied") and one.action not in (
        "handoff",
        "refusal",
        "truncated",
    ):
        return None
    if one.action == "answer":  # it carries the outcome of the run
        return None
    ran = order.steps.get(one.outcome_span_id or "")
    cited = [choice(one)]
    number = order.named(one)
    if one.action in ("refusal", "truncated"):
        text = f"At {number} {deed(one)}"
    elif one.outcome in ("failed", "denied"):
        who = f" by {bare(one.approver)}" if one.approver and one.outcome == "denied" else ""
        word = "failed" if one.outcome == "failed" else f"was denied{who}"
        text = f"{named(one.chosen or one.action)} {word} at {number}"
        if ran is not None and (ran.error_message or ran.error_type):
            text += failure(ran)
            cited.append(step(ran.span_id, "error_message" if ran.error_message else "error_type"))
    else:
        text = f"At {number} {deed(one)}"
    later = order.after(one)
    if later is None:
        text += ", and nothing followed"
    else:
        text += f"; {_then(order, one, later)}"
        cited.append(choice(later))
    return fact("turned", sentence(text), *cited)


def _then(order: Order, one: Decision, later: Decision) -> str:
    number = order.named(later)
    if later.chosen is not None and later.chosen == one.chosen:
        same = "the same" if later.arguments == one.arguments else "other"
        how = {"succeeded": ", and it succeeded", "failed": ", and it failed again"}
        return f"{number} tried it again with {same} arguments{how.get(later.outcome, '')}"
    if one.outcome in ("failed", "denied") and one.action == "tool_call":
        return f"{number} did not try it again: {deed(later)}"
    return f"at {number} {deed(later)}"


def _calls_failed(order: Order) -> Iterator[Sentence]:
    """Calls of a model that ended with an error, which are no decisions."""
    failed = [
        one
        for one in order.steps.values()
        if one.kind == "model_call" and one.status == "error" and not one.lost_reason
    ]
    if not failed:
        return
    kinds = listed([named(kind) for kind in dict.fromkeys(_kind(one) for one in failed)])
    text = f"{counted(len(failed), 'call')} of a model failed, with {kinds}"
    yield fact("turned", sentence(text), *(step(one.span_id, "status") for one in failed[:CITED]))


def _kind(step_: object) -> str:
    return str(getattr(step_, "error_type", None) or "an error")


def _retried(order: Order) -> Iterator[Sentence]:
    again = [one for one in order.steps.values() if (one.attempts or 1) > 1]
    if not again:
        return
    more: dict[str, int] = {}
    for one in again:
        more[_of(one)] = more.get(_of(one), 0) + (one.attempts or 1) - 1
    told = listed([f"{named(name)} {times(count)}" for name, count in more.items()])
    text = f"Retried inside one call: {told}"
    yield fact("turned", sentence(text), *(step(one.span_id, "attempts") for one in again[:CITED]))


def _of(one: object) -> str:
    for name in ("tool_name", "response_model", "request_model", "name"):
        if value := getattr(one, name, None):
            return str(value)
    return "a step"


def _lost(case: Case, order: Order) -> Iterator[Sentence]:
    run = case.run
    if run["status"] != "lost":
        return
    where = f" inside {named(run['died_in'])}" if run.get("died_in") else ""
    reason = f" ({named(run['lost_reason'])})" if run.get("lost_reason") else ""
    text = f"Its process ended before the run did{reason}{where}."
    cited = [Citation(None, "status", table="runs")]
    if run.get("died_in_span_id") in order.steps:
        cited.append(step(str(run["died_in_span_id"])))
    yield fact("turned", text, *cited)
