import asyncio

import pytest

from tellwhy import _guard
from tellwhy._guard import guarded


def test_a_guarded_block_swallows_counts_and_logs_the_first(lenient, caplog):
    """Our error costs one log line with its traceback, however often it comes."""
    for _ in range(3):
        with guarded("testing"):
            raise ValueError("ours")

    assert {"testing: ValueError": 3} == _guard.counts()
    assert 1 == caplog.text.count("tellwhy failed while testing (ValueError)")
    assert "raise ValueError" in caplog.text


def test_a_guarded_function_gives_none_when_it_fails(lenient):
    """The decorator keeps the name and the good result."""

    @guarded("halving")
    def half(number: int) -> float:
        return 1 / number

    assert (0.5, None, "half") == (half(2), half(0), half.__name__)


@pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError, SystemExit])
def test_what_must_stop_the_program_always_passes(lenient, error):
    """KeyboardInterrupt, CancelledError and SystemExit are not ours to swallow."""
    with pytest.raises(error), guarded("testing"):
        raise error

    assert {} == _guard.counts()


def test_in_strict_mode_our_errors_are_raised():
    """Our own tests see our errors."""
    with pytest.raises(ValueError, match="ours"), guarded("testing"):
        raise ValueError("ours")


def test_a_broken_log_handler_does_not_reach_the_host(lenient, monkeypatch):
    """Even logging may fail."""

    def explode(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(_guard.logger, "warning", explode)
    with guarded("testing"):
        raise ValueError("ours")
