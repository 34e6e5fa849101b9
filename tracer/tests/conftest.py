import os
from collections.abc import Iterator

import pytest

os.environ["TELLWHY_STRICT"] = "1"
for name in [name for name in os.environ if name.startswith("OTEL_")]:
    del os.environ[name]

import tellwhy.testing  # noqa: E402 - after the environment is as the tests need it
from tellwhy import _configure, _guard  # noqa: E402


@pytest.fixture
def recorded() -> Iterator[tellwhy.testing.Recording]:
    """What the test's agent records, in memory."""
    with tellwhy.testing.recording() as recording:
        yield recording


@pytest.fixture
def lenient(monkeypatch) -> Iterator[None]:
    """The tracer as users run it: its own errors are swallowed."""
    monkeypatch.setenv("TELLWHY_STRICT", "0")
    tellwhy._settings.reset()
    _guard.reset()
    yield
    tellwhy._settings.reset()
    _guard.reset()


@pytest.fixture
def fresh() -> Iterator[None]:
    """A process in which tellwhy has not been used yet, and is not after the test."""
    _configure.reset()
    yield
    _configure.reset()
