"""Every page at a collector with all four tokens: with the right one, without, with others."""

import json
import urllib.request

import pytest
import viewer_stories as stories
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest
from viewer_posting import HOUR_NS, NOW_NS
from viewer_processes import Process, run_id

from tellwhy_viewer import main, settings
from tellwhy_viewer.component import tokens
from tellwhy_viewer.component.routes import routes
from tellwhy_viewer.parts.connection import shared

pytestmark = pytest.mark.slow
ROLES = ("ingest", "read", "review", "admin")
TOKENS = {role: f"{role}-token-of-the-tests-0123" for role in ROLES}
RUN = run_id(1)
PAGES = {
    "runs": {},
    "review": {},
    "compare": {"a": RUN},
    "health": {},
    "sql": {},
    "audit": {},
}


def send(url, token):
    """Send one run, as an agent with the token does."""
    body = json.dumps(stories.refund(NOW_NS - HOUR_NS)).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/v1/traces", body, headers)) as sent:
        assert 200 == sent.status


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A collector that asks everybody; what it said holds no token."""
    words = ["tellwhy_collector", "--database", str(tmp_path_factory.mktemp("db") / "x.duckdb")]
    env = {f"TELLWHY_{role.upper()}_TOKEN": token for role, token in TOKENS.items()}
    process = Process([*words, "--http-port", "0", "--grpc-port", "0"], "  SQL", env)
    url = process.address("  OTLP/HTTP")
    send(url, TOKENS["ingest"])
    yield url
    process.handle.terminate()
    said, _ = process.handle.communicate(timeout=30)
    assert not [token for token in TOKENS.values() if token in said]


@pytest.fixture
def showing(guarded):
    """Point this process's pages at the collector with a token of one's choice."""

    def point(read="", review=""):
        chosen = settings.Settings(collector_url=guarded, read_token=read, review_token=review)
        settings.use(chosen)

    yield point
    settings.use(settings.Settings())


def drawn(page, query):
    script = f"from tellwhy_viewer.pages import {page}\n{page}.page()"
    at = AppTest.from_string(script, default_timeout=60)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def everything(at):
    """All that the page would send to a browser, as text."""
    return "\n".join(str(element.proto) for element in at.main if hasattr(element, "proto"))


@pytest.mark.parametrize(("page", "query"), PAGES.items())
@pytest.mark.parametrize(
    ("read", "review"),
    [(TOKENS["read"], ""), ("", TOKENS["review"]), (TOKENS["admin"], "")],
    ids=["read", "review", "admin"],
)
def test_each_page_works_with_a_token_that_reads(showing, page, query, read, review):
    """And has no word of the token in it."""
    showing(read, review)
    at = drawn(page, query)

    assert [] == [found.value for found in at.subheader if "collector" in found.value.lower()]
    assert not [token for token in TOKENS.values() if token in everything(at)]


@pytest.mark.parametrize(("page", "query"), PAGES.items())
@pytest.mark.parametrize(
    ("token", "says"),
    [
        ("", "A token is wanted and none was sent."),
        ("a-token-that-nobody-knows", "The token that was sent is not known."),
        (TOKENS["ingest"], "is the one of TELLWHY_INGEST_TOKEN, which does not open this."),
    ],
    ids=["none", "unknown", "ingest"],
)
def test_without_it_each_page_says_what_is_wrong_and_what_to_do(showing, page, query, token, says):
    """In one place, with the setting and the command; the token that was tried is not repeated."""
    showing(token)
    at = drawn(page, query)

    assert ["The collector does not let this viewer in"] == [one.value for one in at.subheader]
    (text,) = [one.value for one in at.text if says in one.value]
    assert "TELLWHY_READ_TOKEN" in text
    assert "TELLWHY_READ_TOKEN_FILE" in at.code[0].value
    assert says in everything(at)
    assert not token or token not in everything(at)


def ask(path, body=None):
    """What one of the run page's routes answers."""
    with TestClient(Starlette(routes=routes(shared))) as pages:
        headers = {"authorization": f"Bearer {tokens.mint(RUN)}"}
        method = "GET" if body is None else "POST"
        answer = pages.request(method, f"/api/runs/{RUN}{path}", json=body, headers=headers)
    assert not [token for token in TOKENS.values() if token in answer.text + str(answer.headers)]
    return answer.status_code, answer.json()


def test_the_run_page_reads_with_the_read_token_and_judges_with_the_other(showing):
    """A viewer with both shows each where it belongs."""
    verdict = {"decision_id": None, "verdict": "right", "note": None, "reviewer": "erika"}
    showing(TOKENS["read"])
    status, page = ask("")
    refused, told = ask("/verdicts", verdict)
    showing(TOKENS["read"], TOKENS["review"])
    which = page["decisions"]["columns"]["id"][0]

    assert (200, 10) == (status, page["decisions"]["rows"])
    assert 403 == refused
    assert "Send the value of TELLWHY_REVIEW_TOKEN" in told["error"]
    assert 200 == ask("/verdicts", verdict)[0]
    assert [200] * 3 == [
        ask(path)[0] for path in (f"/decisions/{which}", "/words", "/search?text=refund")
    ]


@pytest.mark.parametrize(
    ("token", "says"),
    [("", "none was sent"), ("a-token-that-nobody-knows", "is not known")],
    ids=["none", "unknown"],
)
def test_the_run_page_says_what_is_wrong(showing, token, says):
    """The sentence reaches the component, which draws it in place of the run."""
    showing(token)
    status, told = ask("")

    assert 502 == status
    assert says in told["error"]
    assert "The viewer takes it from TELLWHY_READ_TOKEN when it starts." in told["error"]
    assert not token or token not in told["error"]


def test_the_whole_script_says_it_too(showing):
    """Navigation stays, so that the pages can be tried again."""
    showing("a-token-that-nobody-knows")
    at = AppTest.from_file(str(main.SCRIPT), default_timeout=60).run()

    assert not at.exception
    assert ["The collector does not let this viewer in"] == [one.value for one in at.subheader]
