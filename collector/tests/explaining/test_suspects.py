"""Runs of which the order of the suspects is plain to see."""

from tellwhy_collector.reconstruct.findings import findings_of
from tellwhy_collector.reconstruct.findings.script import Script
from tellwhy_collector.reconstruct.suspects import MOST, suspects_of
from tellwhy_collector.reconstruct.suspects.signals import SIGNALS

LONG = "The weather of the coast is told here at some length, so that it is more than a nod. " * 4


def suspects(script):
    case = script.case()
    return suspects_of(case, script.evidence, findings_of(case, script.evidence))


def signals(suspect):
    return [reason["signal"] for reason in suspect.reasons]


def test_the_last_change_that_went_through_comes_first():
    """Before what only reads, before earlier changes, before what was refused after it."""
    script = Script("get_order", "cancel_order").user("Cancel W1.")
    script = script.chose(("get_order", {"id": "W1"})).ran("W1: lamp, desk, not shipped")
    script = script.chose(("cancel_order", {"id": "W2"})).ran("W2 is cancelled now")
    script = script.chose(("cancel_order", {"id": "W1"})).ran("W1 is cancelled now")
    script = script.chose(("get_order", {"id": "W1"})).ran("W1: cancelled, lamp, desk")
    ranked = suspects(script.answered(LONG))

    assert ["5", "3"] == [one.span_id[-1] for one in ranked[:2]]
    assert ["change", "last_change"] == signals(ranked[0])[:2]
    assert "effect" == ranked[0].category
    assert list(range(5)) == [one.rank for one in ranked]
    assert abs(1 - sum(one.share for one in ranked)) < 0.001


def test_a_change_in_which_the_process_died_was_not_refused():
    """Nobody knows whether it took effect; a refusal would say that it did not."""

    def paying():
        return Script("pay").user("Pay G-31.").chose(("pay", {"guide": "G-31"}))

    cut_off = paying().failed("The process ended.", "process_died", lost_reason="killed")
    refused = paying().failed("period closed")

    assert "change_cut_off" in signals(suspects(cut_off)[0])
    assert "change_refused" not in signals(suspects(cut_off)[0])
    assert "change_refused" in signals(suspects(refused)[0])
    assert suspects(cut_off)[0].share == suspects(refused)[0].share


def test_what_a_rule_found_and_values_from_nowhere_weigh():
    """Reasons name the rule with its message, and the signal with its sentence."""
    script = Script("search").user("Who built the mill?").answered(LONG)
    script = script.chose(("search", {"a": 77812, "b": 77813, "c": 77814}))
    for name, value in (("a", 77812), ("b", 77813), ("c", 77814)):
        script = script.source(f"$.{name}", value, "no_source")
    ranked = suspects(script.failed("unexpected keyword argument 'a'").answered(LONG))

    assert {"without_source", "call_rejected", "failed_early", "acts"} <= set(signals(ranked[0]))
    told = {reason["signal"]: reason["says"] for reason in ranked[0].reasons}
    assert "unexpected keyword argument" in told["call_rejected"]


def test_a_nod_is_the_least_suspect():
    """Who only says who speaks next has decided little."""
    ranked = suspects(Script().user("x").answered("Next speaker Kim").answered(LONG))

    assert ["little", "short"] == signals(ranked[-1])[:2]


def test_no_turns_no_suspects_and_of_many_the_first():
    """A run without a model call has none; long ones keep the first of the ranking."""
    assert [] == suspects(Script().user("x"))
    script = Script().user("x")
    for number in range(MOST + 5):
        script = script.answered(f"{number} {LONG}")
    assert MOST == len(suspects(script))


def test_signals_are_told_once_and_speak_in_sentences():
    """The table in the docs is made of them."""
    assert len(SIGNALS) == len({signal.name for signal in SIGNALS})
    assert [] == [s.name for s in SIGNALS if not s.says.endswith(".") or not s.weight]
