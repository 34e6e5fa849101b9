"""A real browser at a viewer that shows tokens to its collector: none of them reaches the browser."""

import json
import urllib.request

import pytest
import viewer_stories as stories
from viewer_posting import HOUR_NS, NOW_NS
from viewer_processes import Process, run_id
from viewer_visits import Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ROLES = ("ingest", "read", "review", "admin")
TOKENS = {f"TELLWHY_{role.upper()}_TOKEN": f"{role}-token-of-the-tests-0123" for role in ROLES}
RUN = run_id(1)


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    """One that wants a token of everybody, with one run."""
    words = ["tellwhy_collector", "--database", str(tmp_path_factory.mktemp("db") / "x.duckdb")]
    process = Process([*words, "--http-port", "0", "--grpc-port", "0"], "  SQL", TOKENS)
    url = process.address("  OTLP/HTTP")
    body = json.dumps(stories.refund(NOW_NS - HOUR_NS)).encode()
    shown = f"Bearer {TOKENS['TELLWHY_INGEST_TOKEN']}"
    headers = {"content-type": "application/json", "authorization": shown}
    urllib.request.urlopen(urllib.request.Request(f"{url}/v1/traces", body, headers)).close()
    yield url
    process.stop()


@pytest.fixture(scope="module")
def start(collector):
    """Start a viewer with tokens; at the end what it said holds none of them."""
    running = []

    def viewer(**shown):
        env = {f"TELLWHY_{name.upper()}": token for name, token in shown.items()}
        words = ["tellwhy_viewer", "--port", "0", "--collector-url", collector]
        running.append(Process(words, "  http", env))
        return running[-1].address("  http")

    yield viewer
    for process in running:
        process.handle.terminate()
        said, _ = process.handle.communicate(timeout=30)
        assert not [token for token in TOKENS.values() if token in said]


class Heard(Visit):
    """A tab that keeps everything that it sends and is sent."""

    def __init__(self, browser, base):
        super().__init__(browser, base)
        self.kept: list[bytes] = []
        self.tab.on("websocket", self._listen)
        self.tab.on("requestfinished", self._keep)

    def _listen(self, opened):
        for event in ("framereceived", "framesent"):
            opened.on(event, lambda frame: self.kept.append(self._bytes(frame)))

    def _keep(self, request):
        answer = request.response()
        self.kept.append(json.dumps([request.url, request.headers, answer.headers]).encode())
        if "/api/" in request.url or "/media/" in request.url:
            self.kept.append(answer.body())

    @staticmethod
    def _bytes(frame):
        return frame if isinstance(frame, bytes) else frame.encode()

    def tokens(self):
        """Names of the tokens that stand in any of it."""
        everything = b"\n".join([*self.kept, self.tab.content().encode()])
        return [name for name, token in TOKENS.items() if token.encode() in everything]


def test_no_token_travels_to_the_browser(browser, start):
    """On every page, with a verdict given, a statement run and its rows downloaded."""
    read, review = TOKENS["TELLWHY_READ_TOKEN"], TOKENS["TELLWHY_REVIEW_TOKEN"]
    visit = Heard(browser, start(read_token=read, review_token=review))
    for path in ("/", "/review", f"/compare?a={RUN}", "/health", "/audit?ledger=Who+looked"):
        tab = visit.open(path)
        tab.locator("[data-testid=stMainBlockContainer]").wait_for()
        assert 0 == tab.locator(".st-key-trouble").count()
    tab = visit.open("/sql")
    editor = tab.get_by_label("SQL", exact=True)
    editor.fill("SELECT * FROM audit")
    editor.press("Control+Enter")
    tab.get_by_text("rows in").wait_for()
    with tab.expect_download() as found:
        tab.get_by_role("button", name="CSV", exact=True).click()
    visit.kept.append(found.value.path().read_bytes())
    tab = visit.run(1)
    tab.get_by_label("Your name").fill("erika")
    tab.get_by_label("Your name").press("Enter")
    with tab.expect_response("**/verdicts") as given:
        tab.get_by_role("radio", name="Right").click()
    assert 200 == given.value.status

    assert any(b"refund-resolver" in piece for piece in visit.kept)
    assert [] == visit.tokens()
    visit.context.close()


def test_the_run_page_without_a_token_says_what_to_do(browser, start):
    """In the component too, with the setting's name; and a token that is not known stays inside."""
    visit = Heard(browser, start(read_token=TOKENS["TELLWHY_INGEST_TOKEN"]))
    tab = visit.open(f"/?run={RUN}")
    shown = tab.get_by_role("alert")
    shown.wait_for()

    assert "Send the value of TELLWHY_READ_TOKEN" in shown.inner_text()
    assert [] == visit.tokens()
    visit.context.close()
