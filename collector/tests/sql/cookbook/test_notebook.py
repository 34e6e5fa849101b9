"""The cells of examples/notebook_pandas_polars.ipynb, run from top to bottom."""

import json
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[4] / "examples" / "notebook_pandas_polars.ipynb"


@pytest.fixture
def notebook(night, monkeypatch):
    """What the names in the notebook stand for when its cells have run."""
    monkeypatch.setenv("TELLWHY_COLLECTOR_URL", night)
    names = {}
    for cell in json.loads(BOOK.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    return names


def test_pandas_has_the_costs_and_says_what_is_unknown(notebook):
    """The day's sum is that of the runs; a model without a price has none instead of 0."""
    costs = notebook["costs"]

    assert [0.0597, 0.34808] == costs["claude-haiku-4-5"].tolist()
    assert costs["house-llama-3"].isna().all()
    assert [[2, 10_200]] == notebook["unpriced"].to_numpy().tolist()


def test_polars_has_the_outcomes(notebook):
    """Three of five payments and look-ups succeeded; the circle's searches all did."""
    assert [
        ("refund", "look_up_order", 5, 0.6),
        ("refund", "pay", 5, 0.6),
        ("refund", "search_orders", 4, 1.0),
        ("research", "web_search", 5, 0.6),
        ("research", "fetch_page", 2, 0.0),
        ("research", "translate_all", 1, 0.0),
    ] == notebook["outcomes"].rows()
    assert ("model_call", "web_search", 2) == notebook["before"].rows()[0]


def test_a_cut_answer_is_an_error(notebook):
    """Nobody counts over rows that are missing."""
    with pytest.raises(ValueError, match="more than 2 rows"):
        notebook["ask"]("from steps", max_rows=2)
