"""Real exchanges through the real SDKs: what was recorded comes out as the span, however it is cut."""

import importlib.util
import zlib
from pathlib import Path

import pytest
from replaying import replay
from replaying.cassettes import read_folder
from replaying.server import Serving

from tellwhy import testing

EXCHANGES = list(read_folder(Path(__file__).parent / "cassettes"))


@pytest.fixture(params=EXCHANGES, ids=lambda exchange: exchange.name)
def exchange(request):
    """One recorded exchange."""
    if request.param.is_framed and importlib.util.find_spec("botocore") is None:
        pytest.skip("the anthropic SDK reads Bedrock's streams with botocore")
    return request.param


@pytest.mark.filterwarnings("ignore:The model .* is deprecated:DeprecationWarning")
def test_what_was_recorded_is_what_the_span_says(exchange, replaying_server):
    """Sync and async, whole, cut and packed: one span with every fact, and the same for the host."""
    alone = replay.without_tracer(exchange, replaying_server)
    with testing.recording() as recording:
        verdict = replay.with_tracer(exchange, replaying_server, alone, recording)

    assert [] == verdict.problems
    assert verdict.replays >= 3


def test_a_span_that_differs_is_found():
    """The comparison names the fact, what was recorded and what the span has."""
    exchange = next(each for each in EXCHANGES if each.name.startswith("openai/responses_stream"))
    expected = replay.expectation(exchange)

    assert [] == replay.differences(expected, expected)
    for name in expected:
        (problem,) = replay.differences(expected, {**expected, name: "something else"})
        assert problem.startswith(f"{name}: recorded")


def test_a_body_that_is_cut_is_still_the_body():
    """Chunks join to what was recorded, packed or not."""
    exchange = next(each for each in EXCHANGES if each.name.startswith("anthropic/stream#"))
    cut = Serving(exchange, "random", seed=1).chunks()

    assert exchange.body == b"".join(cut)
    assert len(cut) > 5
    assert len(exchange.body) == len(Serving(exchange, "bytes").chunks())
    packed = Serving(exchange, "random", "deflate", seed=1)
    assert exchange.body == zlib.decompress(b"".join(packed.chunks()))
    assert packed.headers()["content-encoding"] == "deflate"
