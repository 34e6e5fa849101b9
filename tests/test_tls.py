"""An agent, `tellwhy doctor` and the viewer's client at a collector with certificates of its own."""

import contextlib
import subprocess
import sys

import pytest
import trustme

from tellwhy._post import Batch, HttpSink
from tellwhy._settings import Settings, from_environment
from tellwhy_collector.testing import collector as collector_here
from tellwhy_collector.testing import rows, span, to_protobuf, traces
from tellwhy_viewer.client import Collector, CollectorError


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """An authority's certificate, and a pair of the server's and of the agent's."""
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    for name in ("server", "agent"):
        issued = authority.issue_cert("127.0.0.1", "localhost")
        issued.private_key_pem.write_to_path(folder / f"{name}.key")
        issued.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    return folder


@pytest.fixture(scope="module")
def running(files, tmp_path_factory):
    """A collector that lets in who has a certificate."""
    chosen = {
        "tls_cert": str(files / "server.pem"),
        "tls_key": str(files / "server.key"),
        "tls_client_ca": str(files / "ca.pem"),
    }
    with collector_here(tmp_path_factory.mktemp("collector"), **chosen) as found:
        yield found


def put(**settings):
    """What became of one span."""
    sink = HttpSink(Settings(**settings))
    try:
        return sink.put(Batch(to_protobuf(traces([span()])), 1), 10)
    finally:
        sink.forget()


def test_spans_reach_a_collector_that_wants_a_certificate(running, files):
    """The authority is trusted, the pair is shown, and the span is stored."""
    before = rows(running.store, "SELECT count(*) FROM spans")[0][0]
    given = {
        "endpoint": running.http_url,
        "collector_ca": str(files / "ca.pem"),
        "client_cert": str(files / "agent.pem"),
        "client_key": str(files / "agent.key"),
    }

    assert "delivered" == put(**given).outcome
    assert [(before + 1,)] == rows(running.store, "SELECT count(*) FROM spans")
    del given["client_cert"]
    assert "retry" == put(**given).outcome


def test_what_is_missing_is_named(running, files):
    """The setting stands in what is logged, and the spans wait."""
    here, ca = running.http_url, str(files / "ca.pem")
    stranger = put(endpoint=here)
    nowhere = put(endpoint=here, collector_ca=str(files / "gone.pem"))
    odd = put(endpoint=here, collector_ca=ca, client_cert=ca)

    assert ["retry"] * 3 == [x.outcome for x in (stranger, nowhere, odd)]
    assert "signed it in TELLWHY_COLLECTOR_CA" in stranger.detail
    assert f"collector_ca is {files / 'gone.pem'}: No such file" in nowhere.detail
    assert f"client_cert is {ca}: " in odd.detail


def test_opentelemetrys_own_variables_are_read():
    """As for headers: only when they mean the same receiver."""
    otel = {
        "OTEL_EXPORTER_OTLP_CERTIFICATE": "ca.pem",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "agent.pem",
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY": "agent.key",
    }
    found = from_environment(otel)
    other = from_environment({**otel, "TELLWHY_ENDPOINT": "https://collector.example:4318"})

    assert ("ca.pem", "agent.pem", "agent.key") == (
        found.collector_ca,
        found.client_cert,
        found.client_key,
    )
    assert ("", "", "") == (other.collector_ca, other.client_cert, other.client_key)


def test_the_viewer_shows_its_certificate(running, files):
    """With the pair it gets its rows."""
    ca, pair = str(files / "ca.pem"), [str(files / f"agent.{end}") for end in ("pem", "key")]
    stranger = contextlib.closing(Collector(running.http_url, ca=ca))
    with stranger as asked, pytest.raises(CollectorError):
        asked.sql("SELECT 1")
    with contextlib.closing(Collector(running.http_url, ca=ca, cert=pair[0], key=pair[1])) as known:
        assert [[42]] == known.sql("SELECT 42 AS n").rows


@pytest.mark.slow
def test_the_doctor_finds_nothing_wrong(running, files, tmp_path, agent_environment):
    """By the variables of the agent alone."""
    given = {
        "TELLWHY_ENDPOINT": running.http_url,
        "TELLWHY_SPOOL_DIR": str(tmp_path),
        "TELLWHY_COLLECTOR_CA": str(files / "ca.pem"),
        "TELLWHY_CLIENT_CERT": str(files / "agent.pem"),
        "TELLWHY_CLIENT_KEY": str(files / "agent.key"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tellwhy", "doctor"],
        env=agent_environment | given,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "Nothing is wrong.") == (done.returncode, done.stdout.splitlines()[-1]), done.stdout
