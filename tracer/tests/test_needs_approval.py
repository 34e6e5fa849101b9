"""Tools that are marked as in need of an approval: told when nobody gave one, or asked before."""

import asyncio
import inspect

import pytest

import tellwhy
from tellwhy import _granted, _pending
from tellwhy._capture import sha256_of

UNAPPROVED, HASH = "tellwhy.tool.unapproved", "tellwhy.tool.arguments_sha256"


@pytest.fixture(autouse=True)
def nothing_granted():
    """Approvals and calls of other tests are forgotten."""
    _granted.forget()
    _pending.forget()


@tellwhy.tool(effect="write", needs_approval=True)
def pay(order, amount=1):
    return f"{amount} for {order}"


def unapproved(recorded):
    """What each run of the tool says of its approval."""
    spans = [span for span in recorded.spans() if span["name"] == "execute_tool pay"]
    return [span["attributes"][UNAPPROVED] for span in spans]


def test_a_marked_tool_runs_without_an_approval_and_says_so(recorded):
    """It is told, never blocked; the hash of its arguments stands beside."""
    assert "80 for A" == pay("A", amount=80)

    attributes = recorded.spans()[0]["attributes"]
    assert (True, sha256_of({"order": "A", "amount": 80})) == (
        attributes[UNAPPROVED],
        attributes[HASH],
    )


def test_an_approval_covers_exactly_its_arguments_and_one_call(recorded):
    """In any order of the names; the second payment was not asked about."""
    tellwhy.approval("pay", arguments={"amount": 80.0, "order": "A"}, approved=True, by="ana")
    tellwhy.approval("pay", arguments={"order": "B", "amount": 80}, approved=False, by="ana")
    pay("A", amount=81)
    pay("A", amount=80)
    pay("A", amount=80)
    pay("B", amount=80)

    assert [True, False, True, True] == unapproved(recorded)


def test_what_was_approved_in_one_run_does_not_cover_another(recorded):
    """Two agents that pay the same are asked twice; what stands outside of runs covers any."""

    @tellwhy.agent
    def one(approve):
        if approve:
            tellwhy.approval("pay", arguments={"order": "A"}, approved=True)
        else:
            pay("A")

    one(approve=True)
    one(approve=False)
    tellwhy.approval("pay", arguments={"order": "A"}, approved=True)
    one(approve=False)

    assert [True, False] == unapproved(recorded)


def test_an_approval_inside_the_tool_covers_it(recorded):
    """For the arguments it has; not for others."""

    @tellwhy.tool(name="pay", needs_approval=True)
    def asks(order, shown):
        with tellwhy.approval("pay", shown=shown) as question:
            question.approve(by="ana")

    asks("A", {"order": "A", "shown": None})
    asks("A", None)
    with tellwhy.tool("pay", arguments={"order": "A"}, needs_approval=True):
        tellwhy.approval("pay", arguments={"order": "A"}, approved=True)

    assert [True, False, False] == unapproved(recorded)


def test_what_was_shown_stands_beside_what_was_asked_about(recorded):
    """The arguments once when they were what was shown."""
    arguments = {"order": "A"}
    tellwhy.approval("pay", arguments=arguments, shown="Pay 1 for A?", approved=True)
    tellwhy.approval("pay", arguments=arguments, approved=True)
    both, once = (span["attributes"] for span in recorded.spans())
    name = "tellwhy.approval."

    assert ('"Pay 1 for A?"', '{"order":"A"}') == (both[f"{name}shown"], both[f"{name}arguments"])
    assert (sha256_of("Pay 1 for A?"), sha256_of(arguments)) == (
        both[f"{name}shown_sha256"],
        both[f"{name}arguments_sha256"],
    )
    assert f"{name}arguments" not in once
    assert once[f"{name}shown_sha256"] == once[f"{name}arguments_sha256"]


@pytest.mark.parametrize(
    ("answer", "decision", "by", "kind"),
    [
        (lambda question: True, "approved", None, "unknown"),
        (lambda question: question.approve(by="ana"), "approved", "ana", "person"),
        (
            lambda question: question.approve(by="limit-50", kind="rule"),
            "approved",
            "limit-50",
            "rule",
        ),
        (
            lambda question: tellwhy.approval("chat", approved=True, by="bo"),
            "approved",
            "bo",
            "person",
        ),
    ],
)
def test_a_function_is_asked_before_the_tool_runs(recorded, answer, decision, by, kind):
    """The question is on record with who and what; the tool is covered by it."""
    ran = []

    @tellwhy.tool(needs_approval=answer)
    def refund(order):
        ran.append(order)

    refund("A")
    asked, tool = recorded.span("approve refund"), recorded.span("execute_tool refund")
    found = asked["attributes"]

    assert ["A"] == ran
    assert (decision, by, kind, '{"order":"A"}') == (
        found["tellwhy.approval.decision"],
        found.get("tellwhy.approval.approver"),
        found["tellwhy.approval.approver_kind"],
        found["tellwhy.approval.shown"],
    )
    assert not tool["attributes"][UNAPPROVED]
    assert asked["end_ns"] <= tool["start_ns"]


def ask_policy(question):
    """A function with a name answers for itself."""
    return f"{question.arguments['amount']} is too much for {question.tool}"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda question: False, "refund was not run; denied."),
        (ask_policy, "refund was not run; denied by ask_policy: 80 is too much for refund"),
        (lambda question: None, "refund was not run; denied: nobody answered"),
        (
            lambda question: question.deny(by="ana", note="not today"),
            "refund was not run; denied by ana: not today",
        ),
    ],
)
def test_without_a_yes_the_tool_does_not_run(recorded, answer, says):
    """The caller gets an exception that says who and why; the call is on record as denied."""
    ran = []

    @tellwhy.tool(needs_approval=answer)
    def refund(amount):
        ran.append(amount)

    with pytest.raises(tellwhy.Denied) as caught:
        refund(80)
    tool = recorded.span("execute_tool refund")

    assert (says, "refund", []) == (str(caught.value), caught.value.tool, ran)
    assert ("error", "tellwhy.Denied") == (tool["status"], tool["attributes"]["error.type"])


@pytest.mark.parametrize("answer", [1, b"yes", {"approved": True}])
def test_an_answer_that_is_none_lets_nothing_run(recorded, answer):
    """A gate that is not understood stays shut, and says what it takes."""

    @tellwhy.tool(needs_approval=lambda question: answer)
    def refund():
        raise AssertionError

    with pytest.raises(TypeError, match="Return True, False"):
        refund()
    assert ["approve refund"] == recorded.names()


def test_what_the_function_raises_is_the_callers(recorded):
    """The tool does not run, and the question is on record without an answer."""

    def broken(question):
        raise TimeoutError

    @tellwhy.tool(needs_approval=broken)
    def refund():
        raise AssertionError

    with pytest.raises(TimeoutError):
        refund()
    assert "asked" == recorded.spans()[0]["attributes"]["tellwhy.approval.decision"]


async def test_async_tools_may_be_asked_by_async_functions(recorded):
    """Coroutines, async generators and blocks; a plain function will do as well."""

    async def ask(question):
        await asyncio.sleep(0)
        return question.arguments.get("order") != "B"

    @tellwhy.tool(needs_approval=ask)
    async def refund(order):
        return order

    @tellwhy.tool(needs_approval=ask)
    async def lines(order):
        got = yield order
        yield got

    assert "A" == await refund("A")
    with pytest.raises(tellwhy.Denied):
        await refund("B")
    stream = lines("A")
    assert ["A", "sent"] == [await anext(stream), await stream.asend("sent")]
    with pytest.raises(tellwhy.Denied):
        await anext(lines("B"))
    async with tellwhy.tool("pay", arguments={"order": "A"}, needs_approval=ask) as step:
        step.result("paid")
    with pytest.raises(tellwhy.Denied):
        async with tellwhy.tool("pay", arguments={"order": "B"}, needs_approval=ask):
            raise AssertionError
    assert inspect.iscoroutinefunction(refund)
    assert inspect.isasyncgenfunction(lines)


def test_generators_are_asked_when_they_begin(recorded):
    """As their own code does, nothing happens before the first item is wanted."""
    asked = []

    @tellwhy.tool(needs_approval=lambda question: asked.append(question.arguments) or True)
    def lines(order):
        yield order

    stream = lines("A")
    assert [] == asked
    assert (["A"], [{"order": "A"}]) == (list(stream), asked)


def test_a_question_that_cannot_be_awaited_is_refused_at_once():
    """When the tool is defined, and not when the first payment is due."""

    async def ask(question):
        return True

    with pytest.raises(TypeError, match="make the tool async"):

        @tellwhy.tool(needs_approval=ask)
        def refund():
            pass

    with pytest.raises(TypeError, match="would let every call pass"):
        tellwhy.tool(needs_approval="ana")
    with pytest.raises(TypeError, match="which is no function"):
        tellwhy.tool(needs_approval=lambda question: True)(dict)


def test_an_awaitable_from_a_plain_function_lets_nothing_run(recorded):
    """Nobody could await it, so nobody knows the answer."""

    async def answer():
        return True

    @tellwhy.tool(needs_approval=lambda question: answer())
    def refund():
        raise AssertionError

    with pytest.raises(TypeError, match="coroutine"):
        refund()


def test_methods_are_asked_without_self(recorded):
    """Also class methods and static ones."""
    asked = []

    def ask(question):
        asked.append(dict(question.arguments))
        return True

    class Desk:
        @tellwhy.tool(needs_approval=ask)
        def refund(self, order):
            return order

        @tellwhy.tool(needs_approval=ask)
        @staticmethod
        def close(order):
            return order

    assert ("A", "B") == (Desk().refund("A"), Desk.close("B"))
    assert [{"order": "A"}, {"order": "B"}] == asked


def test_the_gate_stands_where_nothing_is_recorded(fresh):
    """To switch the record off must not let payments through."""
    tellwhy.configure(disabled=True)

    @tellwhy.tool(needs_approval=lambda question: "no")
    def refund():
        raise AssertionError

    @tellwhy.tool(needs_approval=lambda question: True)
    def look():
        return "seen"

    with pytest.raises(tellwhy.Denied):
        refund()
    assert "seen" == look()


def test_the_models_call_is_known_to_the_question_and_to_the_tool(recorded):
    """Before the tool runs the call waits; a denied one is not taken for one that ran unseen."""
    from opentelemetry.trace import INVALID_SPAN_CONTEXT

    from tellwhy._clients.messages import ToolCall

    @tellwhy.tool(needs_approval=lambda question: question.arguments["order"] == "A")
    def refund(order):
        return order

    calls = [ToolCall(id=f"c{name}", name="refund", arguments={"order": name}) for name in "AB"]
    _pending.asked(
        _pending.run_key(None),
        calls,
        model_call=INVALID_SPAN_CONTEXT,
        parent=INVALID_SPAN_CONTEXT,
        said={},
        ended_ns=1,
    )
    with pytest.raises(tellwhy.Denied):
        refund("B")
    refund("A")
    results = [_pending.ToolResult(f"c{name}", "text") for name in "AB"]
    _pending.answered(_pending.run_key(None), results, started_ns=2)

    assert ["cB", "cB", "cA", "cA"] == [
        span["attributes"].get("gen_ai.tool.call.id")
        or span["attributes"]["tellwhy.approval.tool_call_id"]
        for span in recorded.spans()
    ]
