"""The modules of ``facts`` can be imported, and all captures are read once."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "facts"))

import declared
import understood


@pytest.fixture(scope="session")
def readings(request):
    """What became of every capture; ``--update-golden`` writes the counts down."""
    found = understood.readings(declared.found())
    if request.config.getoption("--update-golden"):
        declared.update(found)
    return found
