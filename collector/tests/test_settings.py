import argparse
from dataclasses import fields
from pathlib import Path

import pytest

from tellwhy_collector import settings
from tellwhy_collector.errors import SettingsError
from tellwhy_collector.flags import add_arguments
from tellwhy_collector.settings import Settings


def test_arguments_go_before_the_environment_and_it_before_the_defaults():
    """The nearest to the operator's hand wins."""
    environ = {"TELLWHY_HTTP_PORT": "1001", "TELLWHY_GRPC_PORT": "1002"}

    found = settings.load({"http_port": "1003", "grpc_port": None}, environ)

    assert (1003, 1002, "127.0.0.1") == (found.http_port, found.grpc_port, found.host)


def test_a_variable_set_to_nothing_is_not_set():
    """As OpenTelemetry's own variables; docker-compose writes them like that."""
    assert Settings() == settings.load({}, {"TELLWHY_HTTP_PORT": ""})


SECRETS = {"ingest_token", "read_token", "review_token", "admin_token"}


def test_every_setting_has_a_flag_and_a_sentence():
    """Nothing can be set that `--help` does not tell of; of a secret it tells the file's flag."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    text = parser.format_help()

    for item in fields(Settings):
        assert settings.flag(item.name) in text
        assert item.metadata.get("secret", False) == (item.name in SECRETS)
        assert item.metadata["sentence"].endswith(".")


def test_flags_of_every_kind_are_read():
    """Paths, numbers, fractions and words arrive as what they are."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    words = ["--database", "x.duckdb", "--max-query-s", "2.5", "--recent-spans", "7"]

    found = settings.load(vars(parser.parse_args([*words, "--guarded-by", "a proxy"])), {})

    assert (Path("x.duckdb"), 2.5, 7, "a proxy") == (
        found.database,
        found.max_query_s,
        found.recent_spans,
        found.guarded_by,
    )


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("http_port", "web", "TELLWHY_HTTP_PORT is 'web'; write a whole number."),
        ("http_port", "-1", "http_port is -1; the least that works is 0"),
        ("grpc_port", "70000", "grpc_port is 70000; ports end at 65535"),
        ("max_query_s", "long", "TELLWHY_MAX_QUERY_S is 'long'; write a number."),
        ("guarded_by", "true", "guarded_by is 'true', which names nothing."),
        ("guarded_by", " False", "guarded_by is ' False', which names nothing."),
        ("max_queue_bytes", "2048", "max_queue_bytes is 2,048, less than one request may be"),
        ("host", "0.0.0.0", "host is '0.0.0.0', which other machines may reach"),
        ("host", "example.org", "host is 'example.org', which other machines may reach"),
    ],
)
def test_a_value_that_cannot_work_is_named_with_its_setting(name, text, says):
    """What happened, with the value; what to do."""
    with pytest.raises(SettingsError, match=says.replace(".", r"\.")):
        settings.load({}, {settings.variable(name): text})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "::1"])
def test_loopback_needs_no_leave(host):
    """Only this machine reaches it."""
    assert host == Settings(host=host).host


def test_other_addresses_need_an_explicit_word():
    """Whoever leaves tokens out says what guards the port instead."""
    assert "0.0.0.0" == Settings(host="0.0.0.0", guarded_by="a proxy with a login").host
