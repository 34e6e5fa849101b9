"""Costs: stated, computed or unknown, never wrong."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from genai_prices import Usage, calc_price
from hypothesis import given
from hypothesis import strategies as st

from tellwhy_collector.costs import PRICE_VERSION, priced
from tellwhy_collector.records import Step

NOW_NS = 1_795_000_000_000_000_000
CALL = Step(
    trace_id="a" * 32,
    span_id="b" * 16,
    parent_span_id=None,
    run_id="a" * 32,
    source="span",
    dialect="otel_genai",
    kind="model_call",
    name="chat",
    start_ns=NOW_NS,
    end_ns=NOW_NS + 1,
    status="ok",
    provider="anthropic",
    response_model="claude-opus-5-5",
    input_tokens=1000,
    output_tokens=50,
    cache_read_tokens=500,
    cache_write_tokens=100,
)


def test_a_known_model_has_a_computed_cost_with_its_price_list():
    """400 plain at $4, 500 read at $0.20, 100 written at $5, 50 out at $20 a million."""
    step = priced(CALL)

    assert ("computed", PRICE_VERSION) == (step.cost_source, step.price_version)
    assert 0.0032 == pytest.approx(step.cost_usd)


def test_a_stated_cost_is_never_replaced():
    """The sender knows its contract; public prices do not."""
    stated = replace(CALL, cost_usd=0.5, cost_source="reported")

    assert stated == priced(stated)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-fake-1"),
        (None, "us.anthropic.claude-opus-4-1-20250805-v1:0"),
        (None, "claude-sonnet-4-5@20250929"),
        (None, "arn:aws:bedrock:eu-west-1:1:inference-profile/x"),
        ("nobody", "claude-opus-5-5"),
        ("openai", "claude-opus-5-5"),
        (None, "x" * 10_000),
        (None, ""),
    ],
)
def test_what_nobody_lists_is_unknown_and_not_guessed(provider, model):
    """Another provider's price, or a look-alike's, would be wrong."""
    step = priced(replace(CALL, provider=provider, response_model=model, request_model=None))

    assert ("unknown", None) == (step.cost_source, step.cost_usd)


def test_counts_that_contradict_each_other_have_no_price():
    """More cached than sent: nobody can say what it cost."""
    step = priced(replace(CALL, cache_read_tokens=5000))

    assert ("unknown", None) == (step.cost_source, step.cost_usd)


def test_steps_without_a_cost_of_their_own_have_none():
    """Agents repeat the sums of their calls; a failed call without counts cost nobody knows what."""
    agent = replace(CALL, kind="agent")
    failed = replace(CALL, status="error", input_tokens=None, output_tokens=None)

    assert [None, None] == [priced(step).cost_source for step in (agent, failed)]


@given(
    st.sampled_from(
        [
            ("anthropic", "claude-opus-5-5"),
            ("openai", "gpt-4o"),
            ("gcp.gemini", "gemini-2.5-pro"),
            ("perplexity", "sonar"),
            ("aws.bedrock", "anthropic.claude-sonnet-4-20250514-v1:0"),
        ]
    ),
    st.integers(0, 500_000),
    st.integers(0, 300_000),
    st.integers(0, 100_000),
    st.integers(0, 100_000),
)
def test_the_fast_way_costs_what_the_library_says(which, plain, read, write, output):
    """Flat rates, tiers, prices by request: one amount, whoever computes it."""
    provider, model = which
    step = priced(
        replace(
            CALL,
            provider=provider,
            response_model=model,
            input_tokens=plain + read + write,
            cache_read_tokens=read,
            cache_write_tokens=write,
            output_tokens=output,
        )
    )
    usage = Usage(
        input_tokens=plain + read + write,
        cache_read_tokens=read,
        cache_write_tokens=write,
        output_tokens=output,
    )
    when = datetime.fromtimestamp(NOW_NS / 1e9, tz=UTC)
    price = calc_price(usage, model, provider_id=provider, genai_request_timestamp=when)

    assert float(price.total_price) == pytest.approx(step.cost_usd)
