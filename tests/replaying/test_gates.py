"""Tools that need an approval, in a replay: what was answered is recorded, and nobody is asked."""

import tellwhy


def test_nobody_is_asked_again_whether_a_tool_may_run(stage):
    """What was allowed gives what it gave, what was denied is denied with the same words."""
    asked = []

    def lead(question):
        asked.append(question)
        return True if len(asked) == 1 else "over the limit"

    @tellwhy.tool(effect="write", needs_approval=lead)
    def pay(amount: int) -> str:
        stage.effects.append(amount)
        return f"paid {amount}"

    @tellwhy.tool(effect="write", needs_approval=lead)
    async def pay_later(amount: int) -> str:
        stage.effects.append(amount)
        return f"paid {amount} later"

    async def agent(_stage):
        first = pay(5)
        try:
            await pay_later(500)
        except tellwhy.Denied as denied:
            return first, denied.tool, denied.by, denied.note
        raise AssertionError("It was paid.")

    played = stage.play(agent)

    assert played.first == played.again == ("paid 5", "pay_later", "lead", "over the limit")
    assert (True, 0, 2) == (played.verdict.identical, played.ran, len(asked))


def test_a_block_that_was_denied_is_denied_again(stage):
    """It raises what it raised, before its body."""

    def agent(stage):
        try:
            with tellwhy.tool("refund", arguments={"n": 3}, needs_approval=lambda _: "too much"):
                stage.effects.append(3)
        except tellwhy.Denied as error:
            return str(error)

    played = stage.play(agent)

    assert played.first == played.again
    assert (True, 0) == (played.verdict.identical, played.ran)
