"""`tellwhy claude-code env`: the right variables in the form that was asked for."""

import json
import shlex

import pytest

from tellwhy._cli import claude_code


@pytest.fixture
def printed(monkeypatch, capsys):
    """`printed(*words, **variables)` gives what the command prints."""

    def run(*words, **variables):
        for name, text in variables.items():
            monkeypatch.setenv(name, text)
        assert 0 == claude_code.run(["env", *words])
        return capsys.readouterr().out

    return run


def test_the_shell_form_can_be_evaluated(printed):
    """Every line is an export with a quoted value."""
    lines = printed(TELLWHY_ENDPOINT="http://127.0.0.1:4318").splitlines()

    words = [shlex.split(line) for line in lines]
    assert {"export"} == {first for first, _ in words}
    found = dict(pair.split("=", 1) for _, pair in words)
    assert ("1", "http/protobuf", "http://127.0.0.1:4318") == (
        found["CLAUDE_CODE_ENHANCED_TELEMETRY_BETA"],
        found["OTEL_EXPORTER_OTLP_PROTOCOL"],
        found["OTEL_EXPORTER_OTLP_ENDPOINT"],
    )
    assert "OTEL_LOG_RAW_API_BODIES" not in found


def test_the_settings_form_is_a_block_of_claude_codes_file(printed):
    """The same pairs below ``env``."""
    assert json.loads(printed("--settings")) == {"env": json.loads(printed("--json"))}


def test_token_and_certificates_come_from_the_settings(printed):
    """A header's value is encoded as OpenTelemetry has it; `/v1/traces` is Claude Code's to add."""
    found = json.loads(
        printed(
            "--json",
            TELLWHY_ENDPOINT="https://traces.example/v1/traces",
            TELLWHY_HEADERS="authorization=Bearer%20abc",
            TELLWHY_COLLECTOR_CA="/etc/ca.pem",
        )
    )

    assert ("https://traces.example", "authorization=Bearer%20abc", "/etc/ca.pem") == (
        found["OTEL_EXPORTER_OTLP_ENDPOINT"],
        found["OTEL_EXPORTER_OTLP_HEADERS"],
        found["NODE_EXTRA_CA_CERTS"],
    )


@pytest.mark.parametrize(
    ("words", "variables", "expected"),
    [
        ([], {}, "1111"),
        ([], {"TELLWHY_CONTENT": "none"}, "0000"),
        (["--content", "none"], {}, "0000"),
        (["--content", "prompts,results"], {}, "1001"),
        (["--content", "all"], {"TELLWHY_CONTENT": "none"}, "1111"),
    ],
)
def test_content_is_a_choice(printed, words, variables, expected):
    """What is not to be recorded is said outright, against a settings.json that says otherwise."""
    found = json.loads(printed("--json", *words, **variables))

    assert expected == "".join(found[name] for name in claude_code.CONTENT.values())


def test_an_unknown_sort_of_content_is_refused(capsys):
    """The message lists the known ones."""
    with pytest.raises(SystemExit):
        claude_code.run(["env", "--content", "thoughts"])
    assert "prompts, answers, arguments, results" in capsys.readouterr().err


def test_variables_that_are_set_already_stay():
    """Who wraps Claude Code does not overrule what it was told."""
    found = claude_code.environment_of({"OTEL_LOG_USER_PROMPTS": "0"})

    assert "OTEL_LOG_USER_PROMPTS" not in found
    assert "1" == found["CLAUDE_CODE_ENABLE_TELEMETRY"]
