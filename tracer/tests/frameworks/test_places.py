"""Frameworks are asked where code runs; nothing of theirs is ever current."""

import threading

from opentelemetry import trace

import tellwhy
from tellwhy import _places
from tellwhy._frameworks.steps import Steps


class Lab:
    """A framework that knows which of its steps runs."""

    def __init__(self):
        self.steps = Steps("lab")
        self.running = None

    def where(self):
        """The place of the step that runs."""
        return self.steps.place_of(self.running) if self.running else None

    def __enter__(self):
        _places.ask(self.where)
        return self

    def __exit__(self, *_):
        _places.ask_no_more(self.where)


def test_steps_of_ours_stand_in_the_step_that_the_framework_names(recorded):
    """Also in a thread that the code starts, and the context of the host stays as it was."""
    with Lab() as lab, tellwhy.agent("clerk"):
        outside = trace.get_current_span()
        lab.steps.part("n", "look", "node")
        lab.running = "n"
        tellwhy.decide("route", chosen="a")
        thread = threading.Thread(target=lambda: tellwhy.decide("inside", chosen="b"))
        thread.start()
        thread.join()
        assert outside is trace.get_current_span()
        lab.steps.end("n")
    node = recorded.span("node look")

    assert node["span_id"] == recorded.span("decide route")["parent_id"]
    assert node["span_id"] == recorded.span("decide inside")["parent_id"]


def test_what_was_begun_inside_a_step_is_deeper_than_it(recorded):
    """A decorated function in a node is the parent of what happens in it."""
    with Lab() as lab, tellwhy.agent("clerk"):
        lab.steps.part("n", "look", "node")
        lab.running = "n"
        with tellwhy.tool("search"):
            tellwhy.decide("route", chosen="a")
        lab.steps.end("n")
    tool = recorded.span("execute_tool search")

    assert recorded.span("node look")["span_id"] == tool["parent_id"]
    assert tool["span_id"] == recorded.span("decide route")["parent_id"]


def test_a_decorated_tool_inside_the_frameworks_is_the_same_call(recorded):
    """One step, which knows the effect, and the error before the framework made a text of it."""

    @tellwhy.tool(effect="write")
    def pay(amount):
        raise ValueError("no money")

    with Lab() as lab, tellwhy.agent("clerk"):
        step = lab.steps.tool("t", "pay", {"amount": 3}, call_id="c1")
        lab.running = "t"
        try:
            pay(3)
        except ValueError:
            step.told_error("tool_error", "Something went wrong.")
        lab.steps.end("t", "Something went wrong.")
    said = recorded.span("execute_tool pay")

    assert ("error", "no money", "write") == (
        said["status"],
        said["message"],
        said["attributes"]["tellwhy.tool.effect"],
    )


def test_a_decorated_tool_that_calls_itself_is_two_calls(recorded):
    """Only another teller tells of the same call."""

    @tellwhy.tool
    def walk(depth):
        return depth and walk(depth - 1)

    walk(1)
    assert ["execute_tool walk", "execute_tool walk"] == recorded.names()


def test_steps_that_are_never_ended_are_bounded(recorded, monkeypatch):
    """The oldest is closed for the next."""
    monkeypatch.setattr("tellwhy._frameworks.steps.MAX_OPEN", 2)
    steps = Steps("lab")
    for number in range(4):
        steps.part(number, f"n{number}", "node")
    assert ["node n0", "node n1"] == recorded.names()
    steps.close()
    assert 4 == len(recorded.names())
