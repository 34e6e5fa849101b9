"""Verdicts on their way from the run page to the collector, at a real one."""

import pytest
import viewer_stories as stories
from starlette.applications import Starlette
from starlette.testclient import TestClient
from viewer_posting import HOUR_NS, NOW_NS, post
from viewer_processes import run_id

from tellwhy_viewer import settings
from tellwhy_viewer.client import Collector
from tellwhy_viewer.component import tokens
from tellwhy_viewer.component.routes import routes
from tellwhy_viewer.settings import Settings

RUN = run_id(1)
WRONG = {"decision_id": None, "verdict": "wrong", "note": "Twice. #money", "reviewer": "erika"}


@pytest.fixture(scope="module")
def client(start_collector):
    """A client of a collector of this file's own, with one run."""
    url = start_collector()
    post(url, stories.refund(NOW_NS - HOUR_NS))
    found = Collector(url)
    yield found
    found.close()


@pytest.fixture
def pages(client):
    """The routes, asked as a browser asks them."""
    with TestClient(Starlette(routes=routes(lambda: client))) as found:
        yield found


def shown(user="", run=RUN):
    return {"authorization": f"Bearer {tokens.mint(run, user=user)}"}


def give(pages, body, headers=None):
    answer = pages.post(f"/api/runs/{RUN}/verdicts", json=body, headers=headers or shown())
    return answer.status_code, answer.json()


def decisions(pages):
    told = pages.get(f"/api/runs/{RUN}", headers=shown()).json()["decisions"]
    return told["columns"]["id"]


def test_a_verdict_is_stored_and_comes_back_with_the_run(pages):
    """What one reviewer said stands on everybody's page."""
    which = decisions(pages)[3]
    status, answer = give(pages, WRONG | {"decision_id": which})
    page = pages.get(f"/api/runs/{RUN}", headers=shown()).json()

    assert (200, ["money"]) == (status, answer["verdict"]["labels"])
    found = [entry for entry in page["verdicts"] if entry["decision"] == which]
    assert [("erika", "wrong", "Twice. #money")] == [
        (entry["reviewer"], entry["verdict"], entry["note"]) for entry in found
    ]


def test_a_login_is_the_reviewer_whatever_the_page_says(pages):
    """The permit carries it, and the page is told so that it asks for no name."""
    page = pages.get(f"/api/runs/{RUN}", headers=shown("max.beispiel")).json()
    _, answer = give(pages, WRONG, shown("max.beispiel"))

    assert "max.beispiel" == page["login"]
    assert "max.beispiel" == answer["verdict"]["reviewer"]


def test_a_proxy_that_names_nobody_lets_nobody_judge(pages, client):
    """Where people log in, a name in the body is not taken instead."""
    before = settings.current()
    settings.use(Settings(collector_url=client.url, viewer_user_header="X-Forwarded-User"))
    try:
        refused, told = give(pages, WRONG)
        taken, answer = give(pages, WRONG, {**shown(), "X-Forwarded-User": "grace"})
    finally:
        settings.use(before)

    assert (403, True) == (refused, "named nobody" in told["error"])
    assert (200, "grace") == (taken, answer["verdict"]["reviewer"])


@pytest.mark.parametrize(
    ("sent", "permit_for", "status", "says"),
    [
        ({"json": WRONG}, None, 401, "permit"),
        ({"json": WRONG}, "2" * 32, 401, "permit"),
        ({"content": b"{}"}, RUN, 415, "application/json"),
        ({"json": []}, RUN, 400, "does not understand"),
        ({"json": WRONG | {"note": "n" * 40_000}}, RUN, 400, "does not understand"),
        ({"json": WRONG | {"verdict": "good"}}, RUN, 400, "one of right"),
        ({"json": WRONG | {"decision_id": "x:9"}}, RUN, 400, "no decision x:9"),
        ({"json": {"verdict": "wrong"}}, RUN, 400, "Nobody knows who"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_a_sentence(pages, sent, permit_for, status, says):
    """The page shows it to the reviewer."""
    # Made here: a permit that was made when tests were collected may have run out by now.
    headers = shown(run=permit_for) if permit_for else {}
    answer = pages.post(f"/api/runs/{RUN}/verdicts", headers=headers, **sent)

    assert status == answer.status_code
    assert says in answer.json()["error"]


def test_the_review_token_is_shown_with_verdicts_alone(tmp_path_factory):
    """The read token asks, the review token judges; without it the page says what is missing."""
    from viewer_processes import Process

    env = {
        f"TELLWHY_{role.upper()}_TOKEN": f"{role}-token-of-the-tests" for role in ("read", "review")
    }
    words = ["tellwhy_collector", "--database", str(tmp_path_factory.mktemp("db") / "x.duckdb")]
    process = Process([*words, "--http-port", "0", "--grpc-port", "0"], "  SQL", env)
    url, read, review = process.address("  OTLP/HTTP"), *env.values()
    try:
        post(url, stories.refund(NOW_NS - HOUR_NS))
        for tokens_given, status in (
            ({"token": read, "review_token": review}, 200),
            ({"review_token": review}, 200),
            ({"token": read}, 403),
        ):
            client = Collector(url, **tokens_given)
            with TestClient(Starlette(routes=routes(lambda: client))) as pages:  # noqa: B023
                found, answer = give(pages, WRONG)
                assert len(decisions(pages)) == 10
            client.close()
            assert status == found, answer
    finally:
        process.stop()
