"""Rules about actions that came to nothing: refused, broken, empty, or never made."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tellwhy_collector.reconstruct.case import Finding
from tellwhy_collector.reconstruct.contexts import Context
from tellwhy_collector.reconstruct.findings.facts import Facts, at_step, at_tool, at_turn, shown
from tellwhy_collector.reconstruct.findings.prompts import Prompts
from tellwhy_collector.reconstruct.findings.rule import Rule
from tellwhy_collector.reconstruct.findings.script import Script
from tellwhy_collector.reconstruct.turns import Turn

HEAD = 1_500
"""Characters of a result in which it says that access was refused."""

_REJECTED = re.compile(
    r"unexpected keyword argument|missing \d+ required|takes \d+ positional argument"
    r"|(?:required|unknown|unrecogni[sz]ed|extra|missing) (?:positional |keyword )?"
    r"(?:argument|parameter|property|properties|field|input)|validation errors?\b|do(?:es)? not match schema"
    r"|\b(?:invalid|bad) (?:argument|parameter|input)s?\b",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"\bno (?:results?|match(?:es)?|documents?|records?|hits|entries) "
    r"(?:were |was |have been )?(?:found|returned|available)\b|\b(?:found|returned) 0 results\b",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"\b(?:error|status|code|http)\W{0,4}(?:401|403)\b|\b(?:401|403)\W{1,3}(?:forbidden|unauthori[sz]ed"
    r"|client error)|\baccess denied\b|\binvalid api key\b|\bauthentication (?:failed|required)\b",
    re.IGNORECASE,
)
_UNAVAILABLE = re.compile(
    r"\bconnection (?:aborted|reset|refused|error)\b|\bRemoteDisconnected\b|\btimed? ?out\b"
    r"|\boverloaded(?:_error)?\b|\b50[0234]\W{1,3}(?:server|internal|bad|service|gateway)"
    r"|\binternal ?server ?error\b|\btoo many requests\b|\brate.?limit\w* (?:exceeded|reached|error)",
    re.IGNORECASE,
)
_BROKEN_CODE = re.compile(
    r"\b\w*(?:SyntaxError|IndentationError|ImportError|ModuleNotFoundError|NameError|TypeError"
    r"|AttributeError|KeyError|IndexError|ValueError|InterpreterError|UnicodeError|OSError"
    r"|FileNotFoundError|PackageNotFoundError|ZeroDivisionError|AssertionError|ReferenceError)\b"
    r"|\bcode (?:parsing|execution) failed\b|\bcode snippet is invalid\b|\bexit ?code:? *[1-9]"
    r"|\bexecution failed\b"
)


def _call_rejected(facts: Facts) -> Iterator[Finding]:
    for turn in facts.turns:
        if turn.calls and turn.error and _REJECTED.search(turn.error):
            call = turn.calls[0]
            yield at_turn(
                turn,
                f"{call.chosen} did not take the arguments {shown(call.arguments)}: "
                f"{shown(turn.error, 200)}",
                _outcomes(turn),
            )


def _nothing_found(facts: Facts) -> Iterator[Finding]:
    for turn in facts.turns:
        told = turn.error or (turn.results[-1][:HEAD] if turn.results else "")
        if turn.calls and told and _NOTHING.search(told):
            call = turn.calls[-1]
            message = f"{call.chosen} with {shown(call.arguments)} found nothing: {shown(told)}"
            yield at_turn(turn, message, _outcomes(turn))


def _outcomes(turn: Turn) -> list[dict[str, str]]:
    return [{"span_id": d.outcome_span_id} for d in turn.calls if d.outcome_span_id]


def _code_failed(facts: Facts) -> Iterator[Finding]:
    for turn in facts.turns:
        if turn.error and turn.code and not turn.calls and _BROKEN_CODE.search(turn.error):
            yield at_turn(turn, f"Code that the model wrote failed: {shown(turn.error, 240)}")


def _access_refused(facts: Facts) -> Iterator[Finding]:
    for tool in facts.tools:
        told = tool.error or tool.text[:HEAD]
        if not tool.denied and _REFUSED.search(told):
            yield at_tool(tool, f"{tool.name} was refused access: {shown(told)}")


def _service_failed(facts: Facts) -> Iterator[Finding]:
    for tool in facts.tools:
        told = tool.error or tool.text[:HEAD]
        if not _REFUSED.search(told) and _UNAVAILABLE.search(told):
            yield at_tool(tool, f"What {tool.name} needs could not be reached: {shown(told)}")
    for step in facts.steps:
        error = step.error_message or ""
        if step.kind == "model_call" and step.status == "error" and _UNAVAILABLE.search(error):
            message = f"The model's provider failed: {shown(error, 200)}"
            yield at_step(step, message, "error_message")


def _call_only_described(facts: Facts) -> Iterator[Finding]:
    known: dict[str, set[str]] = {}
    listed = Prompts(_LISTED.findall)
    for turn in facts.turns:
        names = known.setdefault(turn.owner, set())
        context = facts.contexts.get(turn.step.span_id)
        told = {*listed.of(context), *_offered(context)}
        names |= {name for name in told if _nameable(name)}
        # What ran is the enclosing step's output; with nothing but the model's own words in it,
        # nobody was asked.
        if turn.calls or turn.ran or turn.error or not turn.code or not echoes(turn):
            continue
        meant = [
            name
            for name in sorted(names)
            if re.search(rf"\b{re.escape(name)}\b(?!\s*\()", turn.text)
            and not re.search(rf"\b{re.escape(name)}\s*\(", turn.text)
        ]
        if meant:
            yield at_turn(
                turn,
                f"The model writes of {meant[0]}, but its code does not call it: all that came "
                f"back is what it wrote itself: {shown(turn.enclosing)}",
            )


ECHO_WORDS = 15
"""Fewer words of a result say nothing of where they come from."""

_WORD = re.compile(r"\w+")
_LOG_WORDS = frozenset(
    ["execution", "logs", "last", "output", "from", "code", "snippet", "none", "result", "stdout"]
)


def echoes(turn: Turn) -> bool:
    """Whether what came back holds only words that the model wrote in this turn."""
    came = [w for w in _WORD.findall(turn.enclosing.lower()) if w not in _LOG_WORDS]
    mine = set(_WORD.findall(turn.text.lower()))
    return len(came) >= ECHO_WORDS and sum(w in mine for w in came) > 0.95 * len(came)


_LISTED = re.compile(r"(?m)^\s*[-*]\s+`?([a-z][a-z0-9]*(?:_[a-z0-9]+)+)`?\s*[:(]")
ANSWERING = re.compile(r"final_?answer|^(?:submit|finish|answer|done|complete_task)", re.IGNORECASE)
"""Names of tools by which an agent hands in its answer."""


def _offered(context: Context | None) -> set[str]:
    tools = context.tools if context is not None else None
    return {str(tool.get("name")) for tool in tools or () if isinstance(tool, dict)}


def _nameable(name: str) -> bool:
    """Whether a name can be told from an ordinary word, and does not only take the answer."""
    return len(name) > 3 and not ANSWERING.search(name)


_ASKED = (
    "Please find out who built the old mill at the river, and in which year, and name the source "
    "of both."
)

RULES = (
    Rule(
        "call_rejected",
        "medium",
        "A tool did not take the arguments that the model wrote: a name or a type is wrong, or "
        "something is missing.",
        "Reads the words of the error. A tool that ran and failed for another reason is not meant.",
        _call_rejected,
        Script("page_down")
        .user("Read on.")
        .chose(("page_down", {"page": 2}))
        .failed("forward() got an unexpected keyword argument 'page'"),
    ),
    Rule(
        "code_failed",
        "medium",
        "Code that the model wrote in its answer could not be read, or broke while it ran.",
        "For agents that act by writing code. Needs the error of the step around the call, or of "
        "the terminal that answered.",
        _code_failed,
        Script()
        .user("How large is the file?")
        .answered("```python\nimport sizes\nprint(sizes.of('a.txt'))\n```")
        .step(
            "tool_call",
            "terminal",
            "  terminal: exitcode: 1, ModuleNotFoundError: No module named 'sizes'",
            tool_name="terminal",
            tool_result="exitcode: 1, ModuleNotFoundError: No module named 'sizes'",
        ),
    ),
    Rule(
        "nothing_found",
        "low",
        "A search found nothing.",
        "Reads the words of the result. Finding nothing may be the right answer.",
        _nothing_found,
        Script("search")
        .user("Who built the mill?")
        .chose(("search", {"query": "mill builder 1713 site:example.com"}))
        .ran("No results found for this query. Use a less specific one.")
        .answered("Nothing is known of who built it."),
    ),
    Rule(
        "access_refused",
        "low",
        "A service behind a tool refused access (401, 403, a wrong key).",
        "Looks at the error or the front of the result only.",
        _access_refused,
        Script("visit")
        .user("What does the page say?")
        .chose(("visit", {"url": "https://example.com"}))
        .ran("Title: Error 403\nPlease enable JS and disable any ad blocker")
        .answered("The page refused access."),
    ),
    Rule(
        "service_failed",
        "low",
        "A service behind a tool, or the model's provider, could not be reached or was overloaded.",
        "Looks at the error or the front of the result only. Retries that went well are not seen.",
        _service_failed,
        Script("visit")
        .user("What does the page say?")
        .chose(("visit", {"url": "https://example.com"}))
        .failed("Connection aborted: RemoteDisconnected")
        .answered("The page could not be reached."),
    ),
    Rule(
        "call_only_described",
        "medium",
        "The model wrote that it asks a tool or an agent, but its code only printed the request: "
        "nobody was asked.",
        "For agents that act by writing code, where the step around the call tells what came back.",
        _call_only_described,
        Script(system="You can call:\n- search_agent: finds things on the web")
        .user("Who built the mill?")
        .step("other", "Step 1", "(the code of this step prints what stands below)", output=_ASKED)
        .answered(
            f'I will ask search_agent.\n```py\ntask = "{_ASKED}"\nprint(task)\n```',
            parent_span_id="0000000000000001",
        ),
    ),
)
