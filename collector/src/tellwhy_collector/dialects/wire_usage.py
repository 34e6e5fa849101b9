"""Token counts out of the ``usage`` that a provider answered with: OpenAI and Anthropic."""

from typing import Any

from tellwhy_collector.dialects.reading import as_dict, count_of, first_of


def usage_of(raw: dict[str, Any]) -> dict[str, int | None]:
    """Counts out of a provider's usage; Anthropic's ``input_tokens`` leave out the cache."""
    asked = as_dict(first_of(raw, "prompt_tokens_details", "input_tokens_details"))
    answered = as_dict(first_of(raw, "completion_tokens_details", "output_tokens_details"))
    read = count_of(asked, "cached_tokens")
    write = count_of(asked, "cache_write_tokens")
    tokens = count_of(raw, "prompt_tokens", "input_tokens")
    if "cache_read_input_tokens" in raw or "cache_creation_input_tokens" in raw:
        read = count_of(raw, "cache_read_input_tokens")
        write = count_of(raw, "cache_creation_input_tokens")
        tokens = None if tokens is None else tokens + (read or 0) + (write or 0)
    return {
        "input_tokens": tokens,
        "output_tokens": count_of(raw, "completion_tokens", "output_tokens"),
        "cache_read_tokens": read,
        "cache_write_tokens": write,
        "reasoning_tokens": count_of(answered, "reasoning_tokens", "thinking_tokens"),
    }
