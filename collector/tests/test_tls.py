import http.client
import re
import ssl
from urllib.parse import urlsplit

import grpc
import pytest
import trustme

from tellwhy_collector import shell, tls
from tellwhy_collector.errors import SettingsError
from tellwhy_collector.receive.grpc import SERVICES
from tellwhy_collector.settings import Settings
from tellwhy_collector.testing import collector, span, to_protobuf, traces


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """An authority, a server's certificate and key, a client's, as PEM files."""
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    for name, issued in (
        ("server", authority.issue_cert("127.0.0.1", "localhost")),
        ("client", authority.issue_cert("agent@example.org")),
        ("other", trustme.CA().issue_cert("127.0.0.1")),
    ):
        issued.private_key_pem.write_to_path(folder / f"{name}.key")
        for blob in issued.cert_chain_pems:
            blob.write_to_path(folder / f"{name}.pem", append=True)
    (folder / "empty.pem").write_text("nothing")
    return folder


@pytest.fixture(scope="module")
def running(files, tmp_path_factory):
    """A collector that speaks TLS."""
    folder = tmp_path_factory.mktemp("running")
    pair = {"tls_cert": str(files / "server.pem"), "tls_key": str(files / "server.key")}
    with collector(folder, **pair) as found:
        yield found


def post(url, context, body=b"{}"):
    """The status of an empty export over TLS."""
    parts = urlsplit(url)
    assert "https" == parts.scheme
    connection = http.client.HTTPSConnection(
        parts.hostname, parts.port, timeout=20, context=context
    )
    try:
        connection.request("POST", "/v1/traces", body, {"Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


def export(target, credentials):
    with grpc.secure_channel(target, credentials) as channel:
        method = channel.unary_unary(f"/{SERVICES['traces']}/Export")
        return method(to_protobuf(traces([span()])), timeout=5)


def test_both_doors_speak_tls(running, files):
    """With the authority's certificate a client of each kind gets in."""
    assert 200 == post(running.http_url, ssl.create_default_context(cafile=files / "ca.pem"))
    ca = (files / "ca.pem").read_bytes()
    assert b"" == export(running.grpc_target, grpc.ssl_channel_credentials(ca))


def test_a_stranger_is_not_trusted(running):
    """A client that does not know the authority does not send anything."""
    with pytest.raises(ssl.SSLCertVerificationError):
        post(running.http_url, ssl.create_default_context())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_protocols_of_today_are_spoken(running, files, version):
    """TLS 1.2 and 1.3."""
    context = ssl.create_default_context(cafile=files / "ca.pem")
    context.minimum_version = context.maximum_version = version

    assert 200 == post(running.http_url, context)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_older_protocols_are_refused(running, files):
    """TLS 1.1 has been broken for years."""
    context = ssl.create_default_context(cafile=files / "ca.pem")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, OSError)):
        post(running.http_url, context)


def test_the_shell_asks_over_tls(running, files, monkeypatch, capfdbinary):
    """TELLWHY_COLLECTOR_CA names the authority; without it the message says so."""
    monkeypatch.setenv("TELLWHY_COLLECTOR_URL", running.http_url)

    assert 3 == shell.run(["select 1"])
    assert b"Name the file of the authority that signed it in TELLWHY_COLLECTOR_CA." in (
        capfdbinary.readouterr().err
    )
    monkeypatch.setenv("TELLWHY_COLLECTOR_CA", str(files / "ca.pem"))
    assert 0 == shell.run(["select 42 as n", "--format", "csv"])
    assert b"n\n42\n" == capfdbinary.readouterr().out
    monkeypatch.setenv("TELLWHY_COLLECTOR_CA", str(files / "gone.pem"))
    assert 2 == shell.run(["select 1"])
    assert b"gone.pem, in which no certificate can be read" in capfdbinary.readouterr().err


def test_the_shell_shows_a_certificate(files, tmp_path, monkeypatch, capfdbinary):
    """TELLWHY_CLIENT_CERT and its key; a pair that does not work is named."""
    pair = {"tls_cert": str(files / "server.pem"), "tls_key": str(files / "server.key")}
    monkeypatch.setenv("TELLWHY_COLLECTOR_CA", str(files / "ca.pem"))
    with collector(tmp_path, **pair, tls_client_ca=str(files / "ca.pem")) as running:
        monkeypatch.setenv("TELLWHY_COLLECTOR_URL", running.http_url)
        assert 3 == shell.run(["select 1"])
        monkeypatch.setenv("TELLWHY_CLIENT_CERT", str(files / "client.pem"))
        monkeypatch.setenv("TELLWHY_CLIENT_KEY", str(files / "client.key"))
        assert 0 == shell.run(["select 42 as n", "--format", "csv"])
        assert b"n\n42\n" == capfdbinary.readouterr().out
        monkeypatch.setenv("TELLWHY_CLIENT_KEY", str(files / "other.key"))
        assert 2 == shell.run(["select 1"])
        assert b"client.pem, TELLWHY_CLIENT_KEY " in capfdbinary.readouterr().err


def test_clients_show_a_certificate_where_one_is_wanted(files, tmp_path):
    """tls_client_ca: those without one of that authority are sent away at both doors."""
    pair = {"tls_cert": str(files / "server.pem"), "tls_key": str(files / "server.key")}
    ca = (files / "ca.pem").read_bytes()
    mine = (files / "client.key").read_bytes(), (files / "client.pem").read_bytes()
    with collector(tmp_path, **pair, tls_client_ca=str(files / "ca.pem")) as running:
        context = ssl.create_default_context(cafile=files / "ca.pem")
        with pytest.raises((ssl.SSLError, OSError)):
            post(running.http_url, context)
        with pytest.raises(grpc.RpcError) as caught:
            export(running.grpc_target, grpc.ssl_channel_credentials(ca))
        assert grpc.StatusCode.UNAVAILABLE == caught.value.code()

        context.load_cert_chain(files / "client.pem", files / "client.key")
        assert 200 == post(running.http_url, context)
        assert b"" == export(running.grpc_target, grpc.ssl_channel_credentials(ca, *mine))


@pytest.mark.parametrize(
    ("cert", "key", "client_ca", "says"),
    [
        ("server.pem", "", "", "tls_key is missing. TLS needs tls_cert and tls_key"),
        ("", "server.key", "", "tls_cert is missing"),
        ("", "", "ca.pem", "tls_cert is missing"),
        ("gone.pem", "server.key", "", "gone.pem, which cannot be read: No such file"),
        ("server.pem", "gone.key", "", "gone.key, which cannot be read: No such file"),
        ("server.pem", "server.key", "gone.pem", "tls_client_ca is .*gone.pem, which cannot be"),
        ("empty.pem", "server.key", "", "empty.pem, in which there is no certificate"),
        ("server.pem", "empty.pem", "", "empty.pem, in which there is no private key"),
        ("server.pem", "server.key", "empty.pem", "tls_client_ca is .* no certificate"),
        ("server.pem", "other.key", "", "other.key does not belong to the certificate in .*server"),
    ],
)
def test_files_that_cannot_work_are_named(files, cert, key, client_ca, says):
    """Missing, empty, mismatched: the message has the file and the setting."""
    given = {"tls_cert": cert, "tls_key": key, "tls_client_ca": client_ca}
    paths = {name: str(files / value) if value else "" for name, value in given.items()}
    with pytest.raises(SettingsError) as caught:
        tls.load(Settings(**paths))

    assert re.search(says, str(caught.value))


def test_an_encrypted_key_is_told_with_how_to_open_it(files, tmp_path):
    """Nobody is there to type a password."""
    from cryptography.hazmat.primitives import serialization as pem

    key = pem.load_pem_private_key((files / "server.key").read_bytes(), None)
    locked = pem.BestAvailableEncryption(b"password")
    packed = key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, locked)
    (tmp_path / "locked.key").write_bytes(packed)
    chosen = Settings(tls_cert=str(files / "server.pem"), tls_key=str(tmp_path / "locked.key"))
    with pytest.raises(SettingsError, match="tls_key is encrypted"):
        tls.load(chosen)
