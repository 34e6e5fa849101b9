"""The same for the rules about actions that came to nothing, answers without ground, and demands."""

from tellwhy_collector.reconstruct.findings.script import Script

TAGGED = "Write the plan. After the last step, write the '<end_plan>' tag and stop there."
PLAN = "1. Search the archive.\n2. Verify the year.\n3. Hand in the answer."
CODE = "I ask search_agent.\n```py\nsearch_agent('who built the old mill at the river?')\n```"
LISTED = "You can call:\n- search_agent: finds things on the web"


def ran(result, **fields):
    """A tool that gives back *result*."""
    script = Script("visit").user("What does the page say?").chose(("visit", {"url": "x"}))
    return script.ran(result, **fields).answered("That is what the page says.")


NEVER_ACTIONS = {
    "call_rejected": {
        "it failed for another reason": Script("pay")
        .user("x")
        .chose(("pay", {}))
        .failed("no money"),
        "it worked and speaks of arguments": ran("unexpected keyword argument: how to read it"),
    },
    "code_failed": {
        "the code ran": Script()
        .user("x")
        .answered("```py\nprint(1)\n```")
        .step("tool_call", "terminal", "1", tool_name="terminal", tool_result="exitcode: 0, 1"),
        "no code was written": Script("a").user("x").chose(("a", {})).failed("ValueError: 7"),
    },
    "nothing_found": {
        "something was found": ran("12 results were found"),
        "a page speaks of it": ran("x" * 1600 + " No results found"),
    },
    "access_refused": {
        "the number means something else": ran("Room 403 is on the fourth floor"),
        "a policy of ours denied it": Script("a").user("x").chose(("a", {})).denied(),
    },
    "service_failed": {
        "access was refused": ran("HTTP 403 Forbidden, connection reset"),
        "a text about overload": ran("The bridge was closed: too heavy."),
    },
    "call_only_described": {
        "the code calls it": Script(system=LISTED)
        .user("Who built the mill?")
        .step("other", "Step 1", "(prints)", output="who built the old mill at the river? " * 4)
        .answered(CODE, parent_span_id="0000000000000001"),
        "what came back is new": Script(system=LISTED)
        .user("Who built the mill?")
        .step(
            "other", "Step 1", "(prints)", output="seven words that nobody has written before " * 3
        )
        .answered("search_agent\n```py\nprint(x)\n```", parent_span_id="0000000000000001"),
    },
    "answered_without_looking": {
        "it looked": Script("search", "final_answer")
        .user("Who built the mill?")
        .answered(PLAN)
        .chose(("search", {"q": "mill"}))
        .ran("Built by Ada Mill, says the archive")
        .chose(("final_answer", {"answer": "Ada Mill"}))
        .ran("Ada Mill"),
        "no plan was to look": Script("final_answer")
        .user("What is 2 + 2?")
        .answered("1. Add.\n2. Check the sum.\n3. Say it.")
        .chose(("final_answer", {"answer": "4"}))
        .ran("4"),
    },
    "invented_input": {
        "it found it": Script().user("x").answered("The archive says 1713."),
        "a plan may assume": Script("a")
        .user("x")
        .chose(("a", {"q": "assume"}), reason="Let us assume it is there."),
    },
    "instruction_broken": {
        "the tag stands there": Script().user(TAGGED).answered("1. Read.\n<end_plan>"),
        "nothing was demanded": Script().user("Write the plan.").answered("1. Read."),
        "the provider cuts it off": Script()
        .user(TAGGED)
        .answered("1. Read.", request_parameters={"stop": ["<end_plan>"]}),
    },
}
