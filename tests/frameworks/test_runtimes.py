"""Each runtime's real agent loop against the scripted model: every fact, in rows of the collector."""

import pytest
from facts import FACTS
from runtimes import RUNTIMES

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.mark.parametrize("runtime", RUNTIMES, ids=lambda runtime: runtime.title)
def test_every_fact(ask_after, runtime):
    """Each fact is there, unless the runtime is said to lack it: then it must not be there."""
    ask = ask_after(runtime.environment, runtime.scenario, runtime.form)

    expected = {fact: fact not in runtime.lacks for fact in FACTS}
    asked = {**FACTS, **runtime.own}
    assert expected == {fact: ask(sql) == [[True]] for fact, sql in asked.items()}
