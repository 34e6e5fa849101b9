"""What stands in front of Streamlit, and that Streamlit still has what we stand on."""

import re
from pathlib import Path

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit import config

from tellwhy_viewer import gate, main, settings
from tellwhy_viewer.component import files

INDEX = (Path(streamlit.__file__).parent / "static" / "index.html").read_text()
POLICY = gate.content_policy(INDEX)


@pytest.fixture
def client():
    """A client of a small application behind the gate."""
    path = "/_stcore/bidi-components/x/run.js"
    routes = [
        Route("/", lambda _: PlainTextResponse("in")),
        Route("/page", lambda _: HTMLResponse("page")),
        Route(path, lambda _: PlainTextResponse("js", headers={"cache-control": "public"})),
    ]
    before = Middleware(gate.Gate, policy=POLICY, link=files.link())
    settings.use(settings.Settings())
    with TestClient(Starlette(routes=routes, middleware=[before]), "http://127.0.0.1:8501") as made:
        yield made


def test_every_answer_carries_the_policy(client):
    """No script, image, font or connection from elsewhere, in no frame."""
    headers = client.get("/").headers

    assert "default-src 'self'" in headers["content-security-policy"]
    assert "unsafe-eval'" not in POLICY.replace("'wasm-unsafe-eval'", "")
    assert "script-src 'self' 'sha256-" in POLICY
    assert "'unsafe-inline'" not in re.search(r"script-src[^;]*", POLICY)[0]
    assert "nosniff" == headers["x-content-type-options"]
    assert "no-referrer" == headers["referrer-policy"]


def test_a_page_of_another_site_is_not_let_in(client):
    """Neither by its origin nor by a name that it made point here."""
    assert 403 == client.get("/", headers={"origin": "http://evil.example"}).status_code
    assert 403 == client.get("/", headers={"host": "evil.example:8501"}).status_code
    assert 200 == client.get("/", headers={"origin": "http://127.0.0.1:8501"}).status_code


def test_hosts_that_somebody_allowed_are_let_in():
    """A remote viewer behind a proxy answers under the names it was given."""
    settings.use(
        settings.Settings(
            viewer_host="0.0.0.0",
            viewer_guarded_by="a proxy",
            viewer_allowed_hosts="why.example, other.example",
        )
    )
    try:
        assert gate.welcome({"host": "why.example"})
        assert not gate.welcome({"host": "evil.example"})
        assert not gate.welcome({"host": "["})
    finally:
        settings.use(settings.Settings())


def test_the_components_files_are_asked_for_again(client):
    """After an upgrade no browser runs last week's page."""
    answer = client.get("/_stcore/bidi-components/x/run.js")

    assert ["no-cache"] == answer.headers.get_list("cache-control")


def test_a_page_of_a_run_names_the_files_it_will_need(client):
    """All of them, each once; other pages and answers do not."""
    named = re.findall(r"<([^>]+)>; rel=modulepreload", client.get("/page?run=7").headers["link"])

    assert sorted({files.ADDRESS + name for name in files.needed()}) == sorted(named)
    assert files.ADDRESS + "run.js" == named[0]
    assert files.ADDRESS + "scale.js" in named
    for other in ("/page", "/?run=7"):
        assert "link" not in client.get(other).headers


@pytest.mark.parametrize(
    "option",
    [
        "runner.postScriptGC",
        "server.fileWatcherType",
        "browser.gatherUsageStats",
        "client.toolbarMode",
        "theme.light.primaryColor",
        "theme.dark.primaryColor",
    ],
)
def test_streamlit_still_has_the_options_we_set(option):
    """Some are hidden and may vanish with a new version; then the viewer becomes slow or talkative."""
    assert option in config.get_config_options()


def test_the_fonts_and_the_icon_are_our_own():
    """A visitor's browser asks nobody else."""
    here = main.SCRIPT.parent
    text = (here / ".streamlit" / "config.toml").read_text()

    assert "http" not in re.sub(r"#.*", "", text)
    for name in re.findall(r'url = "app/static/([^"]+)"', text):
        assert (here / "static" / name).is_file(), name
    assert (here / "static" / "icon.svg").is_file()
