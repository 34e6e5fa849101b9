import pytest

import tellwhy


def test_as_context_managers_they_record_what_cannot_be_decorated(recorded):
    """A block under agent(...) or tool(...) gives the same spans as the decorators."""
    with tellwhy.agent("loop", arguments={"task": "t"}, version="1") as run:
        with tellwhy.tool("search", arguments={"q": "x"}, effect="read", call_id="c1") as step:
            step.result(["hit"])
        run.result("done")
        run_id = run.run_id

    agent, tool = recorded.spans(decode_json=True)

    assert run_id == agent["attributes"]["tellwhy.run.id"] == agent["trace_id"]
    assert ({"task": "t"}, "done") == (
        agent["attributes"]["tellwhy.input"],
        agent["attributes"]["tellwhy.output"],
    )
    assert ["hit"] == tool["attributes"]["gen_ai.tool.call.result"]
    assert "c1" == tool["attributes"]["gen_ai.tool.call.id"]
    assert agent["span_id"] == tool["parent_id"]


async def test_as_async_context_managers_they_pass_exceptions_on(recorded):
    """The async form works the same; an exception leaves it and is recorded."""
    with pytest.raises(ValueError, match="no"):
        async with tellwhy.agent("loop"):
            raise ValueError("no")

    assert "ValueError" == recorded.spans()[0]["attributes"]["error.type"]
