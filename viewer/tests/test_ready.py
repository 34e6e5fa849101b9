"""The ready questions of the SQL page: each gives rows, or there is a reason why not."""

import re
from pathlib import Path

import pytest

from tellwhy_viewer import queries
from tellwhy_viewer.client import Collector

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "sql-cookbook.md"
RECIPE = re.compile(
    r"^### (.+?)\n\n```sql\n(.+?)\n```\n```text\n.*?^(\d+) rows?\n```\n", re.DOTALL | re.MULTILINE
)
COOKBOOK = {title: (sql, int(rows)) for title, sql, rows in RECIPE.findall(PAGE.read_text("utf-8"))}
READY = {title: text for chapter in queries.READY.values() for title, text in chapter.items()}

WITHOUT_ROWS = {"What was denied and done anyway?": "No row is good news, says the cookbook."}
"""Questions that give no row where everything is as it should be, and why."""


@pytest.fixture(scope="module")
def ask(full):
    """A client of a collector with every story."""
    client = Collector(full)
    yield client
    client.close()


@pytest.mark.parametrize("title", sorted(READY.keys() & COOKBOOK.keys()))
def test_a_question_of_the_cookbook_is_the_one_that_is_tested_there(ask, title):
    """The same text, which the cookbook's own test runs on a filled collector; here on another."""
    text, rows = COOKBOOK[title]

    assert text == READY[title]
    assert (title in WITHOUT_ROWS) == (rows == 0)
    assert ask.sql(text).columns


@pytest.mark.parametrize("title", sorted(READY.keys() - COOKBOOK.keys()))
def test_a_question_of_our_own_gives_rows(ask, title):
    """On a collector with runs that succeeded, failed, asked people and go on."""
    assert ask.sql(READY[title]).rows


def test_most_come_from_the_cookbook():
    """So the page was read, and no title was misspelt on the way."""
    assert len(READY.keys() & COOKBOOK.keys()) > 20
    assert len(READY.keys() - COOKBOOK.keys()) == 5
    assert set(WITHOUT_ROWS) <= set(READY)
    assert sum(map(len, queries.READY.values())) == len(READY)
