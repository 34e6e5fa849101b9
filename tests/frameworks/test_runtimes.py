"""Each runtime's real agent loop against the scripted model: every fact, in rows of the collector."""

import pytest
from facts import FACTS
from runtimes import RUNTIMES

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize("runtime", RUNTIMES, ids=lambda runtime: runtime.title)
def test_fact(ask_after, runtime, fact):
    """The fact is there, unless the runtime is said to lack it: then it must not be there."""
    ask = ask_after(runtime.environment, runtime.scenario, runtime.form)

    assert (fact not in runtime.lacks) == (ask(FACTS[fact]) == [[True]])
