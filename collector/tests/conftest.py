import signal

import pytest
from hypothesis import HealthCheck, settings

from tellwhy_collector.dialects import normalise
from tellwhy_collector.ingest import Ingest
from tellwhy_collector.settings import Settings
from tellwhy_collector.testing import collector as running_collector
from tellwhy_collector.testing import open_store

# A machine that does other work makes inputs slowly, which says nothing about what is tested.
settings.register_profile("tellwhy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tellwhy")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # So do shells start what runs in the background; programs that tests start would ignore it too.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser):
    """``--update-golden`` writes what the dialects understand today over the golden files."""
    parser.addoption("--update-golden", action="store_true", help="rewrite *.steps.json")


@pytest.fixture
def store(tmp_path):
    """An open database file that nobody else has."""
    opened = open_store(tmp_path / "tests.duckdb")
    yield opened
    opened.close()


@pytest.fixture
def ingest(store):
    """A started ingest on `store`."""
    started = Ingest(store, Settings(), normalise)
    started.start()
    yield started
    started.stop()


@pytest.fixture
def collector(tmp_path):
    """A whole collector in this process, on free ports."""
    with running_collector(tmp_path) as running:
        yield running
