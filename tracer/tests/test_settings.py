import dataclasses

import pytest

from tellwhy import _settings
from tellwhy._settings import Settings, from_environment, traces_url


def test_without_variables_the_defaults_hold():
    """An empty environment gives the collector that `tellwhy up` starts."""
    settings = from_environment({})

    assert Settings() == settings
    assert "http://127.0.0.1:4318/v1/traces" == traces_url(settings)


def test_every_setting_can_be_set_by_its_own_name():
    """Settings.max_queue_spans is TELLWHY_MAX_QUEUE_SPANS, and so for all."""
    words = {"bool": "true", "int": "7", "float": "0.25", "Mapping[str, str]": "a=b"}
    special = {
        "endpoint": "http://c:1",
        "content": "none",
        "compression": "gzip",
        "durability": "disk",
        "pending": "never",
        "inherit_trace": "all",
    }
    for field in dataclasses.fields(Settings):
        text = special.get(field.name) or words.get(str(field.type), "word")
        changed = from_environment({f"TELLWHY_{field.name.upper()}": text})

        assert str(getattr(changed, field.name)).lower().startswith(text.lower()[:4]) or (
            field.name == "headers" and {"a": "b"} == changed.headers
        )


def test_the_endpoint_is_found_in_the_order_of_the_contract():
    """Ours before OpenTelemetry's traces address, before its base address."""
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://base:4318/"}
    assert "http://base:4318/v1/traces" == traces_url(from_environment(environ))

    environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = "http://traces:4318/v1/traces"
    assert "http://traces:4318/v1/traces" == traces_url(from_environment(environ))

    environ["TELLWHY_ENDPOINT"] = "http://ours:4318"
    assert "http://ours:4318/v1/traces" == traces_url(from_environment(environ))


def test_credentials_of_another_receiver_are_not_sent_to_ours():
    """OTEL_EXPORTER_OTLP_HEADERS belong to OTEL_EXPORTER_OTLP_ENDPOINT."""
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://theirs:4318",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b,other=c",
    }
    assert {"x-key": "a b", "other": "c"} == from_environment(environ).headers

    environ["TELLWHY_ENDPOINT"] = "http://ours:4318"
    assert {} == from_environment(environ).headers


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TELLWHY_MAX_QUEUE_SPANS", "many", "'many'"),
        ("TELLWHY_MAX_QUEUE_SPANS", "-1", "greater than 0"),
        ("TELLWHY_CONTENT", "some", "full or none"),
        ("TELLWHY_DISABLED", "perhaps", "true or false"),
        ("TELLWHY_ENDPOINT", "localhost:4318", "http://127.0.0.1:4318"),
        ("TELLWHY_ENDPOINT", "http://host:port", "Port"),
        ("TELLWHY_EXIT_TIMEOUT_S", "inf", "seconds"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "deflate", "none or gzip"),
        ("TELLWHY_HEADERS", "secret", "name=value"),
    ],
)
def test_a_bad_value_costs_one_line_and_gives_the_default(caplog, name, value, words):
    """The line names the variable and what it takes; the agent starts all the same."""
    assert Settings() == from_environment({name: value})
    assert 1 == len(caplog.records)
    assert name in caplog.text
    assert words in caplog.text
    assert "The default is used" in caplog.text


def test_headers_are_never_written_to_the_log(caplog):
    """A header that cannot be read may be a key."""
    from_environment({"TELLWHY_HEADERS": "sk-verysecret"})

    assert "verysecret" not in caplog.text


def test_the_grpc_port_is_pointed_out(caplog):
    """Port 4317 does not speak HTTP: said once, and tried all the same."""
    settings = from_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://host:4317"})

    assert "http://host:4317" == settings.endpoint
    assert "4318" in caplog.text


def test_settings_can_be_changed_for_a_while():
    """After the block everything is as before."""
    before = _settings.current()
    with _settings.changed(content="none", endpoint="http://127.0.0.1:9"):
        assert not _settings.current().captures_content
        assert _settings.endpoint_is_chosen()

    assert before == _settings.current()
    assert not _settings.endpoint_is_chosen()


def test_the_program_is_named_after_its_file(monkeypatch):
    """Python agent.py is `agent`, python -m shop is `shop`."""
    monkeypatch.setattr("sys.argv", ["/srv/agent.py"])
    assert "agent" == _settings.program_name()

    monkeypatch.setattr("sys.argv", ["/srv/shop/__main__.py"])
    assert "shop" == _settings.program_name()

    monkeypatch.setattr("sys.argv", ["-c"])
    assert "python" == _settings.program_name()
