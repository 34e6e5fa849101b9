import http.client
import json
import logging
import os
import subprocess
import sys

import grpc
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tellwhy_collector import settings as settings_module
from tellwhy_collector import shell
from tellwhy_collector.access import Access
from tellwhy_collector.asking import asking
from tellwhy_collector.errors import NoToken, SettingsError, WrongToken
from tellwhy_collector.receive.grpc import SERVICES
from tellwhy_collector.settings import Settings
from tellwhy_collector.testing import collector, rows, send, span, to_protobuf, traces

TOKENS = {role: f"{role}-token-of-the-tests" for role in ("ingest", "read", "review", "admin")}
SET = {f"{role}_token": token for role, token in TOKENS.items()}
QUESTION = {"sql": "select 1 as one"}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One collector for this file, with a token for each role."""
    with collector(tmp_path_factory.mktemp("access"), **SET) as found:
        yield found


def shown(role):
    return {"Authorization": f"Bearer {TOKENS[role]}"}


@pytest.mark.parametrize(
    ("headers", "status", "says"),
    [
        ({}, 401, "none was sent"),
        ({"Authorization": "Basic dGVzdHM6dGVzdHM="}, 401, "not of the kind Bearer"),
        ({"Authorization": "Bearer"}, 401, "is not known"),
        ({"Authorization": "Bearer ingest-token-of-the-test"}, 401, "is not known"),
        ({"Authorization": "Bearer \xe4\xf6"}, 401, "is not known"),
        (shown("read"), 403, "TELLWHY_READ_TOKEN, which does not open this"),
        (shown("admin"), 403, "Send the value of TELLWHY_INGEST_TOKEN"),
    ],
)
def test_spans_without_the_ingest_token_are_refused(running, headers, status, says):
    """The answer is a google.rpc.Status in the sender's encoding, and permanent."""
    url = f"{running.http_url}/v1/traces"
    answer = send(url, traces([span()]), headers=headers)
    packed = send(url, to_protobuf(traces([span()])), "application/x-protobuf", headers)

    assert (status, status) == (answer.status, packed.status)
    assert says in answer.json()["message"]
    assert Status.FromString(packed.body).code == answer.json()["code"] == {401: 16, 403: 7}[status]
    assert "retry-after" not in answer.headers
    assert ('Bearer realm="tellwhy"' if status == 401 else None) == answer.headers.get(
        "www-authenticate"
    )


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_spans_with_the_ingest_token_are_taken(running, scheme):
    """The scheme's name may be written small, as RFC 9110 says."""
    headers = {"Authorization": f"{scheme} {TOKENS['ingest']}"}
    answer = send(f"{running.http_url}/v1/traces", traces([span()]), headers=headers)

    assert 200 == answer.status


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ((), grpc.StatusCode.UNAUTHENTICATED),
        ((("authorization", "Bearer of-another-collector"),), grpc.StatusCode.UNAUTHENTICATED),
        ((("authorization", f"Bearer {TOKENS['read']}"),), grpc.StatusCode.PERMISSION_DENIED),
        ((("authorization", f"Bearer {TOKENS['ingest']}"),), None),
    ],
)
def test_grpc_asks_for_the_same_token(running, metadata, code):
    """What is refused has the status in its details, without leave to retry."""
    found, details = None, b""
    with grpc.insecure_channel(running.grpc_target) as channel:
        export = channel.unary_unary(f"/{SERVICES['traces']}/Export")
        try:
            export(to_protobuf(traces([span()])), timeout=20, metadata=metadata)
        except grpc.RpcError as error:
            found = error.code()
            details = dict(error.trailing_metadata())["grpc-status-details-bin"]

    assert code == found
    assert [] == list(Status.FromString(details).details)


def test_a_refused_grpc_message_is_not_read(running):
    """A stranger cannot fill the memory: the answer comes though the message is far too large."""
    with grpc.insecure_channel(running.grpc_target) as channel:
        export = channel.unary_unary(f"/{SERVICES['traces']}/Export")
        with pytest.raises(grpc.RpcError) as caught:
            export(b"\0" * (200 * 1024**2), timeout=20)

    assert grpc.StatusCode.UNAUTHENTICATED == caught.value.code()


@pytest.mark.parametrize("door", ["http", "grpc"])
def test_exporters_show_the_token_by_their_standard_variable(running, monkeypatch, door):
    """OTEL_EXPORTER_OTLP_HEADERS is all that a program needs that is not ours."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"authorization=Bearer%20{TOKENS['ingest']}")
    exporter = (
        HttpExporter(endpoint=f"{running.http_url}/v1/traces")
        if door == "http"
        else GrpcExporter(endpoint=running.grpc_target, insecure=True)
    )
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("tests").start_as_current_span(f"by {door}"):
        pass
    provider.shutdown()

    assert [(1,)] == rows(
        running.store, "SELECT count(*) FROM spans WHERE name = ?", [f"by {door}"]
    )


@pytest.mark.parametrize(
    ("role", "status"),
    [(None, 401), ("ingest", 403), ("read", 200), ("review", 200), ("admin", 200)],
)
@pytest.mark.parametrize("path", ["/api/sql", "/api/tables"])
def test_questions_need_the_read_token_or_the_admins(running, role, status, path):
    """Senders cannot read what others sent; operators can."""
    headers = shown(role) if role else {}
    method, body = ("POST", QUESTION) if path == "/api/sql" else ("GET", b"")
    answer = send(running.http_url + path, body, headers=headers, method=method)

    assert (status, status == 200) == (answer.status, answer.json()["ok"])
    assert (status == 401) == ("www-authenticate" in answer.headers)


def test_nothing_is_told_of_what_is_here_without_a_token(running):
    """An address that nobody has is refused like one that is there."""
    assert 401 == send(f"{running.http_url}/api/nowhere", method="GET").status
    assert (
        404 == send(f"{running.http_url}/api/nowhere", headers=shown("read"), method="GET").status
    )


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_need_no_token(running, path):
    """Whoever supervises the process only wants to know whether it lives."""
    assert 200 == send(running.http_url + path, method="GET").status


def test_a_token_does_not_replace_the_host_name(running):
    """Both fences stand: a name that somebody else owns is refused with a token too."""
    headers = {**shown("read"), "Host": "evil.example"}
    assert 403 == send(f"{running.http_url}/api/sql", QUESTION, headers=headers).status


@pytest.mark.parametrize(
    ("given", "opened"),
    [
        ({}, {"ingest", "read", "review", "admin"}),
        ({"ingest"}, {"read", "review", "admin"}),
        ({"read"}, {"ingest"}),
        ({"review"}, {"ingest"}),
        ({"admin"}, {"ingest"}),
        ({"ingest", "read"}, set()),
    ],
)
def test_a_door_without_a_token_is_open_here_alone(given, opened):
    """A token closes its own door, and the operator's is never wider open than the reader's."""
    access = Access(Settings(**{f"{role}_token": TOKENS[role] for role in given}))
    found = set()
    for door in TOKENS:
        try:
            assert "none" == access.check(None, door)
            found.add(door)
        except (NoToken, WrongToken):
            pass

    assert opened == found


def test_nobody_is_an_operator_where_others_reach_the_collector():
    """Without an admin token the operator's door stays shut on other addresses."""
    with pytest.raises(WrongToken, match="Set TELLWHY_ADMIN_TOKEN"):
        Access(Settings(host="0.0.0.0", guarded_by="a proxy")).check(None, "admin")


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_token_may_stand_in_a_file(tmp_path, end):
    """As mounted secrets do, with or without an end of line."""
    path = tmp_path / "token"
    path.write_bytes((TOKENS["read"] + end).encode())

    found = settings_module.load({}, {"TELLWHY_READ_TOKEN_FILE": str(path)})

    assert TOKENS["read"] == found.read_token
    assert TOKENS["read"] == asking("read", {"TELLWHY_READ_TOKEN_FILE": str(path)}).token


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"READ_TOKEN": "shortsecret"}, "TELLWHY_READ_TOKEN has 11 characters; the least is 16"),
        ({"READ_TOKEN": "a token with spaces"}, "has a space or a sign that is not ASCII"),
        ({"READ_TOKEN": "a" * 16, "READ_TOKEN_FILE": "/x"}, "are both set"),
        ({"READ_TOKEN_FILE": "/nowhere/token"}, "/nowhere/token, which cannot be read: No such"),
        ({"READ_TOKEN": "s" * 16, "ADMIN_TOKEN": "s" * 16}, "are the same"),
        ({"HOST": "0.0.0.0"}, "TELLWHY_INGEST_TOKEN and TELLWHY_READ_TOKEN are not set"),
        ({"HOST": "::", "READ_TOKEN": "s" * 16}, "TELLWHY_INGEST_TOKEN is not set"),
        ({"HOST": "example.org", "INGEST_TOKEN": "s" * 16}, "TELLWHY_READ_TOKEN is not set"),
    ],
)
def test_tokens_that_protect_nothing_are_refused_at_the_start(environ, says):
    """What happened, with the setting; what to do; and never the token."""
    with pytest.raises(SettingsError) as caught:
        settings_module.load({}, {f"TELLWHY_{name}": text for name, text in environ.items()})

    assert says in str(caught.value)
    assert not any(
        text in str(caught.value) for name, text in environ.items() if "TOKEN" == name[-5:]
    )


def test_other_addresses_are_open_to_those_with_tokens():
    """Two tokens are enough: to send and to read."""
    both = {"ingest_token": TOKENS["ingest"], "admin_token": TOKENS["admin"]}
    assert "0.0.0.0" == Settings(host="0.0.0.0", **both).host


def test_a_token_is_never_shown(running, caplog, tmp_path):
    """Not in a repr, not in a log, not in a command line, not in an audit row."""
    with caplog.at_level(logging.DEBUG):
        for role in TOKENS:
            send(f"{running.http_url}/v1/traces", traces([span()]), headers=shown(role))
            send(f"{running.http_url}/api/sql", QUESTION, headers=shown(role))
    done = subprocess.run(
        [sys.executable, "-m", "tellwhy_collector", "--ingest-token", TOKENS["ingest"]],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=False,
    )

    assert not any(token in caplog.text + repr(running.settings) for token in TOKENS.values())
    assert 2 == done.returncode
    assert "Set TELLWHY_INGEST_TOKEN, or name a file with --ingest-token-file." in done.stderr
    assert TOKENS["ingest"] not in done.stderr


def test_the_shell_shows_the_read_token(running, capfdbinary, monkeypatch):
    """`tellwhy sql` takes it from the environment, and says so when it lacks it."""
    monkeypatch.setenv("TELLWHY_COLLECTOR_URL", running.http_url)

    assert 1 == shell.run(["select 41 + 1"])
    assert b"Send the header `Authorization: Bearer` with the value of TELLWHY_READ_TOKEN" in (
        capfdbinary.readouterr().err
    )
    monkeypatch.setenv("TELLWHY_READ_TOKEN", TOKENS["read"])
    assert 0 == shell.run(["select 41 + 1 as n", "--format", "csv"])
    assert b"n\n42\n" == capfdbinary.readouterr().out


def test_a_short_token_stops_the_shell_with_a_sentence(monkeypatch, capfdbinary):
    """Exit 2, as for every command line that cannot work."""
    monkeypatch.setenv("TELLWHY_READ_TOKEN", "short")

    assert 2 == shell.run(["select 1"])
    assert (
        b"tellwhy sql: The token in TELLWHY_READ_TOKEN has 5 char" in capfdbinary.readouterr().err
    )


@pytest.mark.slow
def test_serve_refuses_an_open_address_without_tokens(tmp_path):
    """One sentence that says which variables to set, and exit 1; with them it starts."""
    around = {k: v for k, v in os.environ.items() if not k.startswith("TELLWHY_")}
    words = [sys.executable, "-m", "tellwhy_collector", "--host", "0.0.0.0"]
    words += ["--http-port", "0", "--grpc-port", "0", "--database", str(tmp_path / "x.duckdb")]
    done = subprocess.run(
        words, capture_output=True, text=True, env=around, timeout=60, check=False
    )

    assert (1, "") == (done.returncode, done.stdout)
    assert "tellwhy serve: host is '0.0.0.0', which other machines may reach" in done.stderr
    assert "TELLWHY_INGEST_TOKEN and TELLWHY_READ_TOKEN are not set" in done.stderr
    assert 1 == done.stderr.count("\n")

    around |= {f"TELLWHY_{role.upper()}_TOKEN": token for role, token in TOKENS.items()}
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=around
    ) as process:
        try:
            lines = [process.stdout.readline() for _ in range(5)]
            port = int(lines[2].rpartition(":")[2])
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            headers = {"Content-Type": "application/json", **shown("read")}
            connection.request("POST", "/api/sql", json.dumps(QUESTION), headers)
            assert 200 == connection.getresponse().status
            connection.close()
        finally:
            process.terminate()
            _, err = process.communicate(timeout=30)
    assert "without TLS" in err
    assert not any(token in err for token in TOKENS.values())
