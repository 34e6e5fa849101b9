"""What calls would cost, before somebody makes them."""

import pytest

from tellwhy_collector import testing
from tellwhy_collector.testing import send

CALL = {"provider": "anthropic", "model": "claude-haiku-4-5", "input_tokens": 1_000_000}


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Ask a collector."""
    with testing.collector(tmp_path_factory.mktemp("costs")) as running:
        yield lambda body: send(f"{running.http_url}/api/costs", body)


def test_costs_are_those_of_the_price_list(ask):
    """In the order of the calls; nothing where no provider lists the model; cheaper from the cache."""
    cached = {**CALL, "cache_read_tokens": 1_000_000}
    unknown = {"provider": None, "model": "house-model", "input_tokens": 5}
    answer = ask({"calls": [CALL, unknown, cached, {**CALL, "provider": None}]}).json()

    assert answer["ok"]
    assert answer["price_version"].startswith("genai-prices ")
    full, none, less, found = answer["costs_usd"]
    assert (1.0, None, 0.1, 1.0) == (full, none, less, found)


@pytest.mark.parametrize(
    "body",
    [
        b"no JSON",
        {"calls": 5},
        {"calls": [{}]},
        {"calls": [{"model": "m", "input_tokens": -1}]},
        {"calls": [{"model": "m", "provider": 5}]},
    ],
)
def test_what_is_no_question_says_what_to_send(ask, body):
    """With an example."""
    answer = ask(body)

    assert 400 == answer.status
    assert "Send {" in answer.json()["error"]
