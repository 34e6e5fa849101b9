"""What a model call cost, from the sender's own statement or from bundled public prices.

No network: the prices are those of the installed genai-prices. A price is used only where the
provider itself lists the model; what another provider asks for it would be a guess.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from typing import Any, NamedTuple

from genai_prices import Usage
from genai_prices.data_snapshot import find_provider_by_id, get_snapshot
from genai_prices.types import ModelPrice, TieredPrices

from tellwhy_collector.records import Step, replace

PRICE_VERSION = f"genai-prices {version('genai-prices')}"
"""Stands in ``steps.price_version`` of every computed cost."""

PROVIDERS = {
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "gcp.gen_ai": "google",
    "x_ai": "x-ai",
    "litellm": None,
}
"""Provider names of the OTel conventions that genai-prices does not know or takes for another."""

CLOUD_IDS = ("anthropic.", "amazon.", "meta.", "mistral.", "cohere.", "ai21.", "arn:", "projects/")
CLOUD_REGIONS = ("us.", "eu.", "apac.", "global.", "us-gov.", "jp.", "au.", "ca.")
"""How model ids of Bedrock and Vertex begin: priced only when the provider is named."""

MAX_MODEL_LENGTH = 200
MILLION = 1_000_000


class Rates(NamedTuple):
    """US dollars for a million tokens of each class."""

    input: float
    cache_read: float
    cache_write: float
    output: float
    up_to: float
    """Input tokens above which a tier costs otherwise."""


Price = Callable[[Step], float | None]


def priced(step: Step) -> Step:
    """*step* with ``cost_usd``, ``cost_source`` and ``price_version``.

    Steps that are no model call, and calls without any count, have no cost of their own.
    A stated cost is never replaced.
    """
    if step.kind != "model_call" or step.cost_source is not None:
        return step
    if step.input_tokens is None and step.output_tokens is None:
        return step if step.status != "ok" else replace(step, cost_source="unknown")
    if step.output_tokens is None and step.chosen:  # it answered, and nobody says how much
        return replace(step, cost_source="unknown")
    cost = _compute(step)
    if cost is None:
        return replace(step, cost_source="unknown")
    return replace(step, cost_usd=cost, cost_source="computed", price_version=PRICE_VERSION)


def cost_of(
    provider: str | None,
    model: str,
    *,
    input_tokens: int,
    output_tokens: int,
    cache_read_tokens: int = 0,
    cache_write_tokens: int = 0,
) -> float | None:
    """US dollars of a call at today's public prices; None where its provider does not list the model.

    Args:
        provider: As in ``steps.provider``; None finds the provider by the model.
        model: As it is asked for.
        input_tokens: All prompt tokens, cache reads and writes included.
        output_tokens: All generated tokens.
        cache_read_tokens: Of the prompt tokens, those that come from the provider's cache.
        cache_write_tokens: Of the prompt tokens, those that are written into it.
    """
    now_ns = time.time_ns()
    asked = Step(
        trace_id="", span_id="", parent_span_id=None, run_id="", source="span", dialect="native",
        kind="model_call", name="", start_ns=now_ns, end_ns=now_ns, status="ok",
        provider=provider, request_model=model, input_tokens=input_tokens,
        output_tokens=output_tokens, cache_read_tokens=cache_read_tokens,
        cache_write_tokens=cache_write_tokens,
    )  # fmt: skip
    return _compute(asked)


def _compute(step: Step) -> float | None:
    for model in (step.response_model, step.request_model):
        if not model or len(model) > MAX_MODEL_LENGTH:
            continue
        found = _find(step.provider and step.provider.lower(), model.lower())
        if found is not None:
            try:
                return _cost(found, step)
            except Exception:  # noqa: BLE001 - counts that contradict each other have no price
                return None
    return None


@lru_cache(maxsize=4096)
def _find(provider: str | None, model: str) -> Any:
    """Provider, model and the rates of every day; None if the provider does not list it itself."""
    providers = get_snapshot().providers
    if provider == "litellm" or provider is None:
        prefix, slash, rest = model.partition("/")
        if slash and find_provider_by_id(providers, prefix):
            provider, model = prefix, rest
        elif model.startswith(CLOUD_IDS + CLOUD_REGIONS) or "@" in model:
            return None
    wanted = PROVIDERS.get(provider, provider) if provider else None
    if wanted:
        match = find_provider_by_id(providers, wanted)
    else:
        matching = (p for p in providers if p.model_match and p.model_match.is_match(model))
        match = next(matching, None)
    listed = match.find_model(model) if match else None
    if match is None or listed is None:
        return None
    # Most prices have been the same on every day.
    return match, listed, _read_rates(listed.prices) if type(listed.prices) is ModelPrice else None


def _cost(found: Any, step: Step) -> float:
    """The cost by flat rates, or by the library in a higher tier and where units are others."""
    provider, model, always = found
    rates = always or _flat_rates(model.id, model.get_prices(_when(step)))
    read, write = step.cache_read_tokens or 0, step.cache_write_tokens or 0
    plain, output = (step.input_tokens or 0) - read - write, step.output_tokens or 0
    if rates is not None and plain >= 0 and (step.input_tokens or 0) <= rates.up_to:
        prompt = plain * rates.input + read * rates.cache_read + write * rates.cache_write
        return (prompt + output * rates.output) / MILLION
    usage = Usage(
        input_tokens=step.input_tokens or 0,
        cache_read_tokens=read,
        cache_write_tokens=write,
        output_tokens=output,
    )
    price = model.calc_price(usage, provider, genai_request_timestamp=_when(step))
    return float(price.total_price)


def _when(step: Step) -> datetime:
    return datetime.fromtimestamp(step.start_ns / 1e9, tz=UTC)


_rates_of: dict[tuple[str, int], tuple[Any, Rates | None]] = {}
"""By model and identity of its price, which is held so that the identity stays its own."""


def _flat_rates(model: str, price: Any) -> Rates | None:
    """The four rates of a price below its tiers; None if it is asked by the request.

    Working them out takes as long as ten prices do, so they are kept: one a listed price.
    """
    key = (model, id(price))
    if key not in _rates_of:
        _rates_of[key] = (price, _read_rates(price))
    return _rates_of[key][1]


def _read_rates(price: Any) -> Rates | None:
    plain, output = price.input_mtok, price.output_mtok
    read = plain if price.cache_read_mtok is None else price.cache_read_mtok
    write = plain if price.cache_write_mtok is None else price.cache_write_mtok
    try:
        if price.requests_kcount is not None:
            return None
        bases, tiers = [], [float("inf")]
        for rate in (plain, read, write, output):
            if isinstance(rate, TieredPrices):
                tiers += [tier.start for tier in rate.tiers]
            bases.append(float(getattr(rate, "base", rate)))
        return Rates._make([*bases, min(tiers)])
    except TypeError:
        return None
