"""Logging in at a real provider in a real browser: nothing before it, one's own name after it."""

import socket
import time

import httpx
import pytest
import viewer_stories as stories
from viewer_posting import HOUR_NS, NOW_NS, post
from viewer_processes import Process, run_id
from viewer_visits import Visit

pytest.importorskip("authlib", reason="no authlib: pip install 'tellwhy-viewer[login]'")

from joserfc import jwt
from joserfc.jwk import OctKey
from viewer_provider import ID, SECRET, Provider

pytestmark = [pytest.mark.browser, pytest.mark.slow]

COOKIE_SECRET = "cookie-secret-of-the-tests-0123456789-abcdef"
RUN = run_id(1)
PATHS = [
    "/",
    f"/?run={RUN}",
    "/runs",
    "/review",
    f"/compare?a={RUN}&b={RUN}",
    "/health",
    "/sql",
    "/audit",
]
CONTENT = ("refund-resolver", "my parcel never arrived", "issue_refund")
"""What stands in the run and may reach nobody who is not in."""


@pytest.fixture(scope="module")
def provider():
    found = Provider()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def collector(start_collector):
    """One with a run, and a client of the tests' own that asks under a name of its own."""
    url = start_collector()
    post(url, stories.refund(NOW_NS - HOUR_NS))
    with httpx.Client(base_url=url, headers={"X-Tellwhy-User": "the-test"}) as client:
        yield client


@pytest.fixture(scope="module")
def viewer(collector, provider):
    """A viewer that lets in @example.org; what it said holds no secret."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = {
        "TELLWHY_LOGIN_ISSUER": provider.url,
        "TELLWHY_LOGIN_CLIENT_ID": ID,
        "TELLWHY_LOGIN_CLIENT_SECRET": SECRET,
        "TELLWHY_LOGIN_COOKIE_SECRET": COOKIE_SECRET,
        "TELLWHY_LOGIN_ALLOW": "@example.org, groups=auditors",
    }
    words = ["tellwhy_viewer", "--port", str(port), "--collector-url", str(collector.base_url)]
    process = Process(words, "  http", env)
    yield process.address("  http")
    process.handle.terminate()
    said, _ = process.handle.communicate(timeout=30)
    assert not [secret for secret in (SECRET, COOKIE_SECRET, "id_token=") if secret in said]


@pytest.fixture
def visit(browser, viewer):
    made = Visit(browser, viewer)
    made.got = []

    def heard(frame):
        made.got.append(frame)

    made.tab.on("websocket", lambda ws: ws.on("framereceived", heard))
    yield made
    made.context.close()


def words(visit):
    """All that the browser was sent over websockets, as one text."""
    frames = [piece if isinstance(piece, bytes) else piece.encode() for piece in visit.got]
    return b"\n".join(frames).decode("utf-8", "replace")


def rows(collector, text, *params):
    answer = collector.post("/api/sql", json={"sql": text, "params": params}).raise_for_status()
    return answer.json()["rows"]


def asked(collector, where="true"):
    """For whom the viewer has asked the collector; "" is nobody."""
    mark = f"select '{time.monotonic_ns()}'"
    rows(collector, mark)
    # The ledger is written a moment later, in order: what came before the mark is in it then.
    until(lambda: rows(collector, "select 1 from audit where sql = $1", mark))
    text = f"select distinct coalesce(user_name, '') from audit where {where}"
    return {name for (name,) in rows(collector, text)} - {"the-test"}


def until(look):
    end = time.monotonic() + 30
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


def enter(visit, path, person):
    """Open *path*, log in as *person* at the provider, and come back."""
    tab = visit.open(path)
    tab.get_by_role("button", name="Log in").click()
    tab.get_by_role("link", name=person).click()
    tab.wait_for_url(lambda url: url.startswith(visit.base) and "oauth2callback" not in url)
    return tab


def cookies(visit):
    return {cookie["name"]: cookie["value"] for cookie in visit.context.cookies(visit.base)}


@pytest.mark.parametrize("path", PATHS)
def test_before_the_login_no_page_shows_or_asks_anything(visit, collector, path):
    """Neither what is drawn nor what is sent holds content, and the collector hears nothing."""
    tab = visit.open(path)
    tab.get_by_role("button", name="Log in").wait_for()
    tab.wait_for_load_state("networkidle")

    assert 0 == tab.locator("[data-testid=stTopNavLink]").count()
    assert [] == [text for text in CONTENT if text in words(visit) + tab.content()]
    assert not {"", "max", "max@elsewhere.example"} & asked(collector)


@pytest.mark.parametrize(
    "path",
    [
        f"/api/runs/{RUN}",
        f"/api/runs/{RUN}/decisions/x",
        "/media/0123.csv",
        "/_stcore/metrics",
        "/_stcore/upload_file/a/b",
    ],
)
def test_what_is_fetched_beside_pages_is_shut(viewer, path):
    """Whatever else a request shows."""
    for headers in ({}, {"authorization": "Bearer x"}, {"cookie": "_streamlit_user=x"}):
        assert 401 == httpx.get(viewer + path, headers=headers).status_code
    assert 401 == httpx.post(f"{viewer}/api/runs/{RUN}/verdicts", json={}).status_code


def test_a_verdict_carries_the_name_of_the_login(visit, collector):
    """One comes back to the decision that one opened; the name cannot be typed."""
    tab = enter(visit, f"/?run={RUN}", "erika")
    tab.locator(".tw[data-ready=true]").wait_for()
    assert f"?run={RUN}" in tab.url
    tab.locator(".num").wait_for()
    assert tab.get_by_text("erika@example.org").first.is_disabled()
    tab.keyboard.press("3")
    said = "select reviewer, verdict from verdicts"

    assert [["erika@example.org", "wrong"]] == until(lambda: rows(collector, said))
    assert {"erika@example.org"} == asked(collector, "kind in ('view', 'review')")
    assert not [secret for secret in (SECRET, COOKIE_SECRET) if secret in words(visit)]


def test_a_download_is_for_who_is_in_and_under_that_name(visit, viewer, collector):
    """Its address alone opens nothing."""
    tab = enter(visit, "/sql", "erika")
    editor = tab.get_by_label("SQL", exact=True)
    editor.fill("SELECT agent_name FROM runs")
    editor.press("Control+Enter")
    tab.get_by_text("1 rows in").wait_for()
    with tab.expect_download() as found:
        tab.get_by_role("button", name="CSV", exact=True).click()
    address = found.value.url

    assert "refund-resolver" in httpx.get(address, cookies=cookies(visit)).text
    assert 401 == httpx.get(address).status_code
    assert {"erika@example.org"} == asked(collector, "kind = 'export'")


def test_a_logout_ends_it_in_every_tab(visit, viewer):
    """Also for whoever copied the cookie."""
    tab = enter(visit, "/sql", "erika")
    tab.get_by_label("SQL", exact=True).wait_for()
    second = visit.context.new_page()
    second.goto(f"{viewer}/?run={RUN}")
    second.locator(".tw[data-ready=true]").wait_for()
    copied = cookies(visit)
    assert 404 == httpx.get(f"{viewer}/media/x.csv", cookies=copied).status_code
    tab.locator("[class*=st-key-account] button").click()
    tab.get_by_text("erika@example.org").wait_for()
    tab.get_by_role("button", name="Log out").click()
    tab.get_by_role("button", name="Log in").wait_for()

    assert "_streamlit_user" not in cookies(visit)
    assert 401 == httpx.get(f"{viewer}/media/x.csv", cookies=copied).status_code
    second.keyboard.press("j")  # the run page asks for the next card, is refused, asks the script
    second.get_by_role("button", name="Log in").wait_for()


def test_who_is_not_on_the_list_learns_why_and_sees_nothing(visit, viewer, collector):
    """A login at the provider is not yet a way in."""
    tab = enter(visit, "/", "max")
    tab.get_by_text("max@elsewhere.example, whom this viewer does not let in").wait_for()

    assert [] == [text for text in CONTENT if text in words(visit) + tab.content()]
    assert not {"", "max", "max@elsewhere.example"} & asked(collector)
    assert 401 == httpx.get(f"{viewer}/media/x.csv", cookies=cookies(visit)).status_code
    tab.get_by_role("button", name="Log out").click()
    tab.get_by_role("button", name="Log in").wait_for()


def test_a_claim_lets_in_and_an_address_that_is_not_verified_is_no_name(visit):
    """She is in as an auditor; beside verdicts stands what the provider made up."""
    tab = enter(visit, "/review", "grace")
    tab.get_by_label("You").wait_for()

    assert "grace" == tab.get_by_label("You").input_value()
    assert tab.get_by_label("You").is_disabled()


def test_a_login_that_ran_out_is_asked_for_again(visit, provider):
    """Streamlit's cookie would hold for a month."""
    provider.seconds_ago = 13 * 3600
    try:
        tab = enter(visit, "/", "erika")
        tab.get_by_text("Your login has ended").wait_for()
    finally:
        provider.seconds_ago = 0

    assert [] == [text for text in CONTENT if text in words(visit) + tab.content()]


def test_a_no_at_the_provider_is_told(visit):
    """And one may try once more."""
    tab = enter(visit, "/", "nobody")
    tab.get_by_text("The login did not succeed").wait_for()
    tab.get_by_role("button", name="Log in").wait_for()


def begin(client):
    """Start a login as the browser does, and give the address to which the provider leads back."""
    key = OctKey.import_key(COOKIE_SECRET)
    told = {"provider": "default", "exp": int(time.time()) + 100}
    asked = client.get(f"/auth/login?provider={jwt.encode({'alg': 'HS256'}, told, key)}")
    page = httpx.get(asked.headers["location"]).text
    back = page.partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    return back.partition("/oauth2callback")[2]


def test_a_callback_that_nobody_began_opens_nothing(viewer, provider):
    """A wrong state, another browser's, a code used twice, a token signed by somebody else."""

    def entered(client, query):
        answer = client.get(f"/oauth2callback{query}")
        where = answer.headers["location"]
        return where, '_streamlit_user="2|' in str(
            answer.headers
        ) or "_streamlit_user" in client.cookies

    with httpx.Client(base_url=viewer) as mine, httpx.Client(base_url=viewer) as theirs:
        query = begin(mine)
        wrong = query.replace("state=", "state=x")
        failed = ("/?login=failed", False)
        assert failed == entered(mine, wrong)
        assert failed == entered(theirs, query)
        assert ("/", True) == entered(mine, query)
        mine.cookies.delete("_streamlit_user")
        assert failed == entered(mine, query)
        provider.forged = True
        try:
            assert failed == entered(theirs, begin(theirs))
        finally:
            provider.forged = False
