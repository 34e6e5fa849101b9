"""Each rule on runs written by hand: where it fires, and where it must not."""

import pytest
from never import NEVER

from tellwhy_collector.reconstruct.findings import MOST, RULES, findings_of
from tellwhy_collector.reconstruct.findings.facts import Facts
from tellwhy_collector.reconstruct.findings.script import Script

ALSO = {
    "success_claimed_after_failure": {"error_ignored"},
}
"""Rules that rightly fire beside another on its example."""


def fired(script):
    return [finding.rule for finding in findings_of(script.case(), script.evidence)]


def test_names_are_told_once_and_rules_speak_in_sentences():
    """The catalogue is made of them."""
    names = [rule.name for rule in RULES]

    assert len(set(names)) == len(names)
    assert [] == [r.name for r in RULES if not (r.about.endswith(".") and r.limits.endswith("."))]
    assert set(NEVER) == set(names)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_fires_once_on_its_example_and_no_other_does(rule):
    """What the catalogue shows is what happens."""
    names = fired(rule.example)

    assert 1 == names.count(rule.name)
    assert ALSO.get(rule.name, set()) == set(names) - {rule.name}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_finding_names_a_step_of_the_run_and_where_to_look(rule):
    """The span, the severity, a sentence, proof with spans of the run."""
    case = rule.example.case()
    found = [f for f in findings_of(case, rule.example.evidence) if f.rule == rule.name]
    steps = {step.span_id: step for step in case.steps}

    for finding in found:
        assert rule.severity == finding.severity
        assert steps[finding.span_id].start_ns == finding.start_ns
        assert finding.message
        assert len(finding.message) < 900
        assert finding.proof
        assert {proof["span_id"] for proof in finding.proof} <= steps.keys()


@pytest.mark.parametrize(
    ("name", "why", "script"),
    [(name, why, script) for name, cases in NEVER.items() for why, script in cases.items()],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_rule_keeps_still(name, why, script):
    """Runs that look like the problem and are none."""
    assert name not in fired(script), why


def test_a_rule_that_fails_takes_no_other_with_it(caplog):
    """What our own code cannot read costs the findings of one rule."""
    script = Script("a", "b").user("x").chose(("c", {"n": 1})).failed("no such tool")
    case = script.case()
    case.steps[1].request_parameters = "{"
    case.steps[0].finish_reason = "length"
    case.steps[0].request_parameters = "{"

    assert ["tool_not_offered"] == [f.rule for f in findings_of(case, [])]
    assert "truncated_output failed" in caplog.text


def test_one_rule_writes_so_many_findings_of_a_run_and_no_more():
    """Ten thousand wrong calls are told by the first of them."""
    script = Script("a").user("x")
    for number in range(MOST + 5):
        script = script.chose(("b", {"n": number})).ran("a result of this one " + str(number))

    assert MOST == fired(script).count("tool_not_offered")


def test_a_result_that_nests_deep_switches_no_rule_off():
    """What a tool gives back decides nothing of what is found elsewhere in its run."""
    script = (
        Script("look", "pay")
        .user("Look, then pay.")
        .chose(("look", {}))
        .ran("[" * 300 + "]" * 300)
        .chose(("pay", {"to": "x"}))
        .ran({"ok": True})
    )
    run = Facts(script.case(), script.evidence)

    assert ["look", "pay"] == [one.name for one in run.tools]
