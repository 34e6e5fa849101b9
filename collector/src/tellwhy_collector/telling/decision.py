"""One decision in words: saw, could, chose, stated, came from, gate, happened, followed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tellwhy_collector.reconstruct.case import Decision, Finding
from tellwhy_collector.telling.chosen import deed, what_was_chosen
from tellwhy_collector.telling.gate import gate_told
from tellwhy_collector.telling.happened import what_happened
from tellwhy_collector.telling.messages import part_told, parts_of
from tellwhy_collector.telling.problems import problems_told
from tellwhy_collector.telling.scene import Order, Scene, step
from tellwhy_collector.telling.sentences import Citation, Explanation, Sentence, fact
from tellwhy_collector.telling.sources import sources_told
from tellwhy_collector.telling.tested import decision_tested
from tellwhy_collector.telling.wording import counted, listed, named, quoted, sentence, took

MOST_NEW = 4
"""Most new parts of messages that are told; the rest is counted."""

REASON = 600
"""Most characters of a stated reason."""

STATED_IN = {
    "reasoning": "In its reasoning the model wrote",
    "text": "Beside its choice the model wrote",
    "argument": "In an argument of its call the model wrote",
    "code": "The code gave as its reason",
}


def decision_told(scene: Scene, decision: Decision) -> Explanation:
    """The decision as it was recorded, sentence by sentence.

    Args:
        scene: The run, with evidence of this decision, and its messages where they are at hand.
        decision: One of the run's.
    """
    order = Order(scene.case)
    told = [
        *_saw(scene, order, decision),
        *_could(scene, decision),
        what_was_chosen(decision),
        _stated(order, decision),
        *_came_from(scene, decision),
        *gate_told(order, decision),
        *what_happened(scene, order, decision),
        _followed(order, decision),
        *problems_told(order, _about(scene.findings, decision)),
        *decision_tested(scene, decision),
    ]
    return Explanation(decision.run_id, decision.trace_id, decision.decision_id, tuple(told))


def _saw(scene: Scene, order: Order, decision: Decision) -> Iterator[Sentence]:
    span_id, model = decision.span_id, _model(order, decision)
    if decision.made_by == "code":
        yield fact("saw", "Plain code made this choice; no model was asked.", step(span_id))
        return
    messages = scene.text(span_id, "input_messages")
    if not isinstance(messages, list):
        yield fact("saw", f"What {model} saw was not recorded.", step(span_id))
        return
    cited = Citation(span_id, "input_messages")
    seen = scene.seen
    if seen is None:
        yield fact("saw", sentence(f"{model} saw {counted(len(messages), 'message')}"), cited)
        return
    if seen.previous_span_id is None:
        text = f"{model} saw {counted(len(messages), 'message')}, the first of this exchange."
    elif len(messages) <= seen.kept_messages:
        text = f"{model} saw {counted(len(messages), 'message')}, none of them new."
    else:
        new = len(messages) - seen.kept_messages
        text = (
            f"{model} saw {counted(len(messages), 'message')}, "
            f"{new:,} of them new since its call before."
        )
    yield fact("saw", sentence(text), cited)
    yield from _news(span_id, messages, seen.kept_messages)
    yield from _changed(scene, decision)


def _news(span_id: str, messages: Sequence[object], kept: int) -> Iterator[Sentence]:
    """What others than the model itself said since."""
    new = [
        (
            part_told(messages, at, part),
            Citation(span_id, "input_messages", f"$[{at}].parts[{nth}]"),
        )
        for at in range(kept, len(messages))
        for nth, part in enumerate(parts_of(messages[at]))
        if not _own(messages[at], kept)
    ]
    if not new:
        return
    shown = new if len(new) <= MOST_NEW else [*new[:1], *new[1 - MOST_NEW :]]
    text = listed([text for text, _ in shown])
    if len(shown) < len(new):
        text += f"; {counted(len(new) - len(shown), 'more part')} lie between the first and these"
    yield fact("saw", sentence(f"New to it: {text}"), *(cited for _, cited in shown))


def _own(message: object, kept: int) -> bool:
    """An answer of its own that comes back is no news; an example before the first call is."""
    return bool(kept) and isinstance(message, dict) and message.get("role") == "assistant"


def _changed(scene: Scene, decision: Decision) -> Iterator[Sentence]:
    seen, span_id = scene.seen, decision.span_id
    if seen is None:
        return
    if seen.system_changed and scene.text(span_id, "system_instructions") is not None:
        cited = Citation(span_id, "system_instructions")
        yield fact("saw", "Its instructions differ from those of its call before.", cited)
    offered = Citation(span_id, "tools_offered")
    if seen.tools_added:
        tools = listed([named(name) for name in seen.tools_added])
        yield fact("could", f"Not offered at its call before: {tools}.", offered)
    if seen.tools_removed:
        tools = listed([named(name) for name in seen.tools_removed])
        yield fact("could", f"Offered at its call before and no more: {tools}.", offered)


FREEDOM = {
    "free": "free to call one or none",
    "any_tool": "obliged to call one of them",
    "one_tool": "obliged to call that one",
    "no_tool": "not allowed to call one",
}


def _could(scene: Scene, decision: Decision) -> Iterator[Sentence]:
    del scene
    offered, span_id = decision.offered, decision.span_id
    if offered is None:
        yield fact("could", "What it could choose from was not recorded.", step(span_id))
        return
    cited = Citation(span_id, "tools_offered")
    if not offered:
        yield fact("could", "It was offered no tool, so it could only answer.", cited)
        return
    names = listed([named(name) for name in offered], 12)
    if decision.made_by == "code":
        text = f"It could choose between {counted(len(offered), 'option')}: {names}"
    else:
        text = f"It was offered {counted(len(offered), 'tool')}: {names}"
    yield fact("could", sentence(text), cited)
    if decision.forced in FREEDOM and decision.made_by != "code":
        text = f"It was {FREEDOM[decision.forced]}."
        yield fact("could", text, Citation(span_id, "forced"))
    elsewhere = decision.action == "tool_call" and decision.chosen not in offered
    if elsewhere:
        text = f"{named(decision.chosen)}, which it chose, was not among them."
        yield fact("could", text, cited)


def _stated(order: Order, decision: Decision) -> Sentence:
    span_id = decision.span_id
    if not decision.stated_reason:
        if decision.made_by == "code":
            text = "The code gave no reason."
        elif order.steps[span_id].output_messages is None:
            text = "Whether the model stated a reason was not recorded."
        else:
            text = "The model stated no reason."
        return Sentence("stated", "stated", text, (step(span_id),))
    where = STATED_IN.get(decision.stated_reason_source or "", "As the reason was stated")
    cited = (Citation(span_id, "stated_reason", decision_id=decision.decision_id),)
    text = f"{where}: {quoted(decision.stated_reason, REASON)}"
    return Sentence("stated", "stated", sentence(text), cited)


def _came_from(scene: Scene, decision: Decision) -> Sequence[Sentence]:
    if told := sources_told(scene, decision):
        return told
    return []


def _followed(order: Order, decision: Decision) -> Sentence:
    later = order.after(decision)
    if later is None:
        text = "Nothing followed: it was the last choice of this agent in the run."
        return fact("followed", text, step(decision.span_id))
    since_ns = (later.decided_ns or later.start_ns) - (decision.decided_ns or decision.start_ns)
    what = deed(later)
    if later.chosen and later.chosen == decision.chosen:
        same = later.arguments == decision.arguments
        what += f" again with {'the same' if same else 'other'} arguments"
    text = f"Next, {took(max(0, since_ns))} later, {what} ({order.named(later)})."
    cited = Citation(
        later.span_id, "chosen", f"$[{later.choice_index}]", decision_id=later.decision_id
    )
    return fact("followed", text, cited)


def _about(findings: Sequence[Finding], decision: Decision) -> list[Finding]:
    return [
        one
        for one in findings
        if one.decision_id == decision.decision_id
        or (one.decision_id is None and one.span_id in (decision.span_id, decision.outcome_span_id))
    ]


def _model(order: Order, decision: Decision) -> str:
    made = order.steps.get(decision.span_id)
    model = (made.response_model or made.request_model) if made else None
    return f"the model {named(model)}" if model else "the model"
