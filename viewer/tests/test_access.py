"""The viewer at a collector that asks for tokens and speaks TLS, as real processes."""

import json
import ssl
import time
import urllib.error
import urllib.request

import pytest
import trustme
from starlette.applications import Starlette
from starlette.testclient import TestClient
from viewer_processes import Process

from tellwhy_viewer import settings
from tellwhy_viewer.client import Collector, CollectorDown, NoAccess, asked_by, opened_run
from tellwhy_viewer.component import tokens
from tellwhy_viewer.component.routes import routes
from tellwhy_viewer.settings import BadSetting, Settings, load

INGEST, READ = "ingest-token-of-the-tests", "read-token-of-the-tests"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The authority's certificate, the collector's, and its key."""
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    return folder


@pytest.fixture(scope="module")
def url(files, tmp_path_factory):
    """A collector that wants the read token and speaks TLS."""
    pair = {"TELLWHY_TLS_CERT": files / "server.pem", "TELLWHY_TLS_KEY": files / "server.pem"}
    env = {"TELLWHY_READ_TOKEN": READ, "TELLWHY_INGEST_TOKEN": INGEST}
    words = ["tellwhy_collector", "--database", str(tmp_path_factory.mktemp("db") / "x.duckdb")]
    process = Process(
        [*words, "--http-port", "0", "--grpc-port", "0"],
        "  SQL",
        env | {name: str(path) for name, path in pair.items()},
    )
    yield process.address("  OTLP/HTTP")
    process.stop()


@pytest.fixture
def reader(url, files):
    """A client with the read token that trusts the authority."""
    client = Collector(url, token=READ, ca=str(files / "ca.pem"))
    yield client
    client.close()


def until(look):
    """Wait until *look* gives something."""
    end = time.monotonic() + 20
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def test_the_read_token_opens_the_collector(reader):
    """Over https with the authority's file."""
    assert [[42]] == reader.sql("select 42").rows


@pytest.mark.parametrize(
    ("token", "says"),
    [
        ("", "none was sent.*The viewer takes it from TELLWHY_READ_TOKEN"),
        ("x" * 20, "is not known"),
        (INGEST, "TELLWHY_INGEST_TOKEN, which does not open this"),
    ],
)
def test_another_token_is_told_with_what_to_do(url, files, token, says):
    """The sentence reaches the page, the token does not."""
    client = Collector(url, token=token, ca=str(files / "ca.pem"))
    with pytest.raises(NoAccess, match=says) as caught:
        client.tables()
    client.close()

    assert not token or token not in str(caught.value)


def test_an_unknown_authority_is_told_with_the_setting(url):
    """TELLWHY_COLLECTOR_CA is named."""
    client = Collector(url, token=READ)
    with pytest.raises(CollectorDown, match=r"not trusted.*TELLWHY_COLLECTOR_CA"):
        client.tables()
    client.close()


def test_the_collector_learns_who_looks_at_which_run(url, reader):
    """Whom the proxy names and the run's id stand in the table audit."""
    url_of = "/api/runs/" + "7" * 32
    chosen = Settings(collector_url=url, viewer_user_header="X-Forwarded-User")
    before = settings.current()
    settings.use(chosen)
    try:
        with TestClient(Starlette(routes=routes(lambda: reader))) as pages:
            permit = {"Authorization": f"Bearer {tokens.mint('7' * 32)}"}
            answer = pages.get(url_of, headers={**permit, "X-Forwarded-User": "grace"})
    finally:
        settings.use(before)
    assert 404 == answer.status_code
    seen = "select user_name, program, rows from audit where kind = 'view' and run_id = $1"
    found = until(lambda: reader.sql(seen, ["7" * 32]).rows)

    assert [["grace", "tellwhy-viewer", 0]] == found


def test_names_of_any_language_arrive_whole(reader):
    """Headers are bytes; both ends mean UTF-8."""
    set_before = asked_by.set("Zoë 李"), opened_run.set("run of Zoë")
    try:
        reader.sql("select 'zoë'")
    finally:
        asked_by.reset(set_before[0])
        opened_run.reset(set_before[1])
    seen = "select user_name, run_id from audit where sql = $1"

    assert [["Zoë 李", "run of Zoë"]] == until(lambda: reader.sql(seen, ["select 'zoë'"]).rows)


def test_the_token_may_stand_in_a_file(tmp_path):
    """As mounted secrets do; a missing file is named; the token is in no repr."""
    (tmp_path / "token").write_text(READ + "\n")

    found = load({"TELLWHY_READ_TOKEN_FILE": str(tmp_path / "token")})
    assert READ == found.read_token
    assert READ not in repr(found)
    with pytest.raises(BadSetting, match="gone, which cannot be read: No such file"):
        load({"TELLWHY_READ_TOKEN_FILE": str(tmp_path / "gone")})
    with pytest.raises(BadSetting, match="both set"):
        load({"TELLWHY_READ_TOKEN": READ, "TELLWHY_READ_TOKEN_FILE": str(tmp_path / "token")})


def test_a_missing_authority_file_stops_the_viewer_at_the_start():
    """Not at the first question."""
    with pytest.raises(
        BadSetting, match=r"collector_ca is /nowhere/ca\.pem; there is no such file"
    ):
        load({"TELLWHY_COLLECTOR_CA": "/nowhere/ca.pem"})


def test_senders_need_their_own_token(url, files):
    """The viewer's token sends nothing."""
    context = ssl.create_default_context(cafile=files / "ca.pem")
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {READ}"}
    request = urllib.request.Request(f"{url}/v1/traces", b"{}", headers)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=20, context=context)
    with caught.value as answer:
        assert (403, 7) == (answer.code, json.load(answer)["code"])
