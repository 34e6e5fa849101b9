"""The replaying modules beside this file, and a server for the recordings."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def replaying_server():
    """Answers as it was recorded."""
    from replaying.server import replayer

    with replayer() as server:
        yield server
