"""The measurements of planted causes and of intervals: truth, judgement, one test of each sort."""

import importlib
import json
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks/causes"


@pytest.fixture
def measuring(monkeypatch):
    """The modules of the benchmark; they stand in a folder that is no package."""
    monkeypatch.syspath_prepend(str(FOLDER))
    names = ("histories", "planted", "run", "coverage")
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("wire", ["anthropic", "openai"])
def test_every_sort_plants_what_it_says(measuring, wire):
    """One place, two or none, among items of a request that is long enough to be worth a search."""
    planted = measuring("planted").planted
    wanted = {"single": 1, "joint": 2, "redundant_same_kind": 2, "control": 0}
    for sort, places in (wanted | {"redundant_across_kinds": 2}).items():
        for seed in range(20):
            case = planted(sort, wire, seed)
            assert len(case.truth) == places
            assert 8 <= len(case.items) <= 24


@pytest.mark.parametrize("wire", ["anthropic", "openai"])
def test_a_planted_cause_is_found_over_a_socket_and_without(measuring, wire):
    """Without noise the planted item is named and nothing else, with as many calls either way."""
    case, tested = measuring("planted").planted("single", wire, 1), measuring("run").tested
    near, far = (tested(case, 0.0, 1, http=http) for http in (False, True))

    assert (far["hit"], far["wrong"], far["stopped"]) == (True, False, False)
    assert near == far


def test_naming_something_else_is_no_hit(measuring):
    """A wrong item is a false alarm, and so is any group in a control."""
    planted, judged = measuring("planted").planted, measuring("run").judged
    row = {"verdict": "cause", "what": "item", "paths": json.dumps(["$.elsewhere"])}
    told = {"proof": {"result": "causes", "reason": None}, "causes": [row]}
    single = judged(planted("single", "openai", 1), told)
    control = judged(planted("control", "openai", 1), {**told, "causes": [row | {"what": "group"}]})

    assert (single["hit"], single["wrong"]) == (False, True)
    assert control["wrong"]


def test_calls_that_ran_out_before_a_cause_was_named_are_counted(measuring):
    """A group alone is no name, whatever the result of the test says."""
    planted, judged = measuring("planted").planted, measuring("run").judged
    row = {"verdict": "cause", "what": "group", "paths": json.dumps(["$.a", "$.b"])}
    proof = {"result": "causes", "reason": "200 calls were made, and --max-calls is 200"}
    case = planted("redundant_across_kinds", "openai", 1)
    ended = judged(case, {"proof": proof, "causes": [row]})
    named = judged(case, {"proof": proof, "causes": [row | {"what": "set"}]})

    assert (ended["stopped"], named["stopped"]) == (True, False)


def test_intervals_are_measured_as_tests_stop(measuring):
    """What is told holds the change nearly always, and is wider than what was told before."""
    lines = list(measuring("coverage").measured(10))

    assert [line["tests"] for line in lines] == [10] * len(lines)
    for line in lines:
        assert line["arms"] >= 40
        assert line["always_valid"]["held"] >= 0.95
        assert line["always_valid"]["width"] > line["fixed"]["width"]
