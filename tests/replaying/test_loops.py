"""What was recorded comes again: the same output, no request, no tool."""

import pytest
from replayed_loops import LOOPS


@pytest.mark.parametrize("agent", LOOPS, ids=lambda agent: agent.__name__)
def test_a_replay_gives_the_same_and_asks_nobody(stage, agent):
    """Each way of using an SDK: identical output, 0 misses, 0 requests, 0 side effects."""
    played = stage.play(agent)

    assert played.first == played.again
    assert [] == played.verdict.divergences
    assert played.verdict.identical
    assert (0, 0) == (played.ran, played.requests)
    assert played.verdict.recorded_model_calls == played.verdict.model_calls > 0
    assert [] == played.verdict.masked
