"""Every query of docs/sql-cookbook.md, taken from the page and run against the example night."""

import re
from pathlib import Path

import pytest

from tellwhy_collector.shell.client import Client
from tellwhy_collector.shell.session import Session

PAGE = Path(__file__).parents[4] / "docs" / "sql-cookbook.md"
RECIPE = re.compile(
    r"^### (.+?)\n\n```sql\n(.+?)\n```\n```text\n(.*?)```\n", re.DOTALL | re.MULTILINE
)
NOW = "timestamptz '2026-06-02 03:00:00+00'"
RECIPES = {title: (sql, shown) for title, sql, shown in RECIPE.findall(PAGE.read_text("utf-8"))}


def printed(url, sql):
    """What `tellwhy sql` writes."""
    pieces = []
    Session(Client(url), write=pieces.append).run(sql)
    return b"".join(pieces).decode()


def at_three(sql):
    """*sql* as if it were asked at the end of the night."""
    return sql.replace("now()", NOW)


@pytest.mark.parametrize("title", RECIPES)
def test_the_page_shows_what_the_collector_answers(night, title, request):
    """The output below each query is what `tellwhy sql` writes at three o'clock."""
    sql, shown = RECIPES[title]
    answer = printed(night, at_three(sql))
    if request.config.getoption("update_golden"):
        text = PAGE.read_text("utf-8")
        old, new = f"{sql}\n```\n```text\n{shown}```", f"{sql}\n```\n```text\n{answer}```"
        PAGE.write_text(text.replace(old, new), "utf-8")
    else:
        assert shown == answer


@pytest.mark.parametrize("title", RECIPES)
def test_each_query_runs_as_it_is_written(ask, title):
    """Pasted with its now(), it is let in and needs no change."""
    assert ask(RECIPES[title][0])["columns"]


def haiku(plain, output, cached=0, written=0):
    """Dollars for a call of claude-haiku-4-5 by its public prices for a million tokens."""
    return (plain * 1.0 + output * 5.0 + cached * 0.1 + written * 1.25) / 1e6


CAREFUL = haiku(4000, 400, written=16_000) + haiku(4500, 200, 16_000) + haiku(4800, 100, 16_000)
BLINK = haiku(4000, 200, 16_000) + haiku(4400, 100, 16_000)
DENIED = haiku(4000, 200, 16_000) + 2 * haiku(4400, 100, 16_000)
UNASKED = haiku(30_000, 500) + haiku(30_500, 100)
CIRCLES = 4 * haiku(30_000, 100) + haiku(31_000, 4096)
OVERLOADED = 2 * haiku(30_000, 100)
HUNG = haiku(30_000, 100)

FACTS = [
    ("at work right now", ["inside_name"], [["claude-haiku-4-5"]]),
    ("stuck", ["inside_name", "inside_arguments"], [["look_up_order", '{"order":"A-13"}']]),
    ("died", ["agent_name", "open_because"], [["refund", "not_ended"], ["research", "parent_missing"]]),
    ("retry storm", ["retried_calls", "retries", "gave_up"], [[3, 2 + 3 + 4, 1]]),
    ("failed attempts", ["http_status", "attempts"], [[529, 2 + 2 + 5], [200, 2], [429, 1]]),
    ("each model fail", ["model", "calls", "failed"], [["claude-haiku-4-5", 21, 1], ["gpt-4o-mini", 8, 0], ["house-llama-3", 2, 0]]),
    ("successful run cost", ["agent_name", "usd_per_success"], [
        ["refund", round((CAREFUL + BLINK + haiku(4000, 200, 16_000)) / 2, 6)],
        ["refund", round((DENIED + UNASKED + CIRCLES + OVERLOADED + HUNG) / 2, 6)],
        ["research", 0.00405], ["research", round(0.02313 / 3, 6)]]),
    ("came to nothing", ["error_type", "runs", "usd"], [
        ["MaxTurns", 1, round(CIRCLES, 4)], ["OverloadedError", 1, round(OVERLOADED, 4)],
        [None, 3, round(HUNG + haiku(4000, 200, 16_000), 4)], [None, 1, 0.0013]]),
    ("Which tool is the most", ["tool_name", "asking_usd", "reading_usd"], [
        ["search_orders", round(4 * haiku(30_000, 100), 6), round(CIRCLES - haiku(30_000, 100), 6)],
        ["look_up_order", 0.1241, 0.0376], ["pay", 0.0528, 0.0509], ["web_search", 0.00504, 0.021375],
        ["fetch_page", 0.00126 / 2, round(0.00153 / 2, 6)], ["translate_all", None, None]]),
    ("from the cache", ["from_cache_percent"], [
        [round(100 * 80_000 / 121_700, 1)], [round(100 * 48_000 / 362_300, 1)], [0.0], [0.0], [0.0]]),
    ("prompt version", ["calls", "failed"], [[9, 0], [11, 1], [7, 0], [3, 0]]),
    ("circles", ["tool_name", "calls", "different_results"], [["search_orders", 4, 1]]),
    ("never answered", ["chosen"], [["fetch_page"]]),
    ("not offered", ["chosen"], [["translate_all"]]),
    ("never used", ["tool"], [["close_account"], ["translate"]]),
    ("without anybody", ["arguments", "gap"], [
        ['{"order":"A-8","amount":900}', "other_arguments"],
        ['{"order":"A-10","amount":250}', "nobody_asked"]]),
    ("Who approved", ["approver", "decision", "seconds", "reason"], [
        ["dana", "approved", 45.0, None], ["dana", "approved", 1.2, None],
        ["limit-1000", "denied", 0.0, "denied by rule limit-1000"], ["dana", "denied", 30.0, "No receipt."]]),
    ("changed after", ["approved", "executed"], [
        ['{"order":"A-8","amount":90}', '{"order":"A-8","amount":900}']]),
    ("done anyway", ["executed"], []),
    ("fails most", ["tool_name", "failed"], [["web_search", 2], ["look_up_order", 1], ["translate_all", 1], ["fetch_page", 1]]),
    ("most likely go wrong", ["rank"], [[0], [1], [2]]),
    ("rubber", ["approver", "approvals", "under_two_seconds"], [["dana", 2, 1]]),
    ("flip", ["arguments", "left_out", "change_points", "cost_usd"], [
        ['{"order":"A-8","amount":900}', "user, message 1, part 2", round(100 * (1 - 14) / 14), 0.0312],
        ['{"order":"A-10","amount":250}', "instructions, part 2", round(-100 * 10 / 11), 0.0795]]),
    ("testing", ["result", "tests", "usd_in_all"], [
        ["causes", 2, round(0.0312 + 0.0795, 4)], ["nothing", 1, 0.042]]),
    ("denied, by whom", ["approver", "next_action"], [["limit-1000", "tool_call"], ["dana", "answer"]]),
]  # fmt: skip
"""A part of the question, columns of its answer, and what must stand there."""


@pytest.mark.parametrize(("part", "columns", "expected"), FACTS)
def test_the_answer_is_what_happened(ask, part, columns, expected):
    """Counted and multiplied from the story in conftest.py, not copied from the page."""
    (sql,) = [sql for title, (sql, _) in RECIPES.items() if part in title]
    answer = ask(at_three(sql))
    places = [answer["columns"].index(name) for name in columns]

    assert expected == [[row[place] for place in places] for row in answer["rows"]]


def test_the_page_is_whole():
    """Every question on the page has a query that the tests above have found."""
    assert PAGE.read_text("utf-8").count("\n### ") == len(RECIPES) > 20
