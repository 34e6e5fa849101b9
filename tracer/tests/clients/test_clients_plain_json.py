"""The quick way to JSON text gives what the careful way gives."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellwhy import _capture, _redact, _settings
from tellwhy import _plain_json as plain_json

SECRETS = [
    "my key is sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789",
    "password:\n\nhunter2222",
    'api_key = "abcdef123456"',
    "card 4111 1111 1111 1111",
    "postgres://user:hunter2@host/db",
    "x" * 300 + " token ghp_abcdefghijklmnopqrstuvwxyz0123456789",
]
WORDS = ["plain", "a key point", "token", "2026-11-22", "1234567", 'é\n"quoted" \\ \0', "x" * 400]
TEXTS = st.sampled_from([*SECRETS, *WORDS]) | st.text(max_size=30)
NAMES = st.sampled_from(["text", "password", "max_tokens", "token", "data", "type", "api_key", "a"])
VALUES = st.recursive(
    TEXTS | st.integers() | st.floats() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_same_as_the_careful_way(value):
    """Whatever JSON it is, with secrets or without: both ways give the same text."""
    assert plain_json.text_of(value) == _capture.to_json(value)


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_are_hidden(secret):
    """A secret is found in any place, and also when a clean history is already known."""
    messages = [{"role": "user", "parts": [{"type": "text", "content": "y" * 500}]}]
    plain_json.text_of(messages)
    messages += [{"role": "user", "parts": [{"type": "text", "content": secret}]}]
    assert "redacted" in plain_json.text_of(messages)
    assert secret not in json.loads(plain_json.text_of(messages))[1]["parts"][0]["content"]


def test_too_much_is_cut(monkeypatch):
    """Past the limit the text is cut, and says so."""
    monkeypatch.setattr(_settings._Held, "current", _settings.Settings(max_value_bytes=1000))
    text = plain_json.text_of([{"content": "z" * 5000}])
    assert len(text) < 1500
    assert "more characters" in text


def test_the_users_rule_sees_every_text(monkeypatch):
    """With a rule of the user's the quick way is closed, whatever was clean before."""
    value = {"content": "w" * 500, "short": "w"}
    plain_json.text_of(value)
    monkeypatch.setattr(_redact._Rules, "hook", lambda name, text: f"{name}!" if name else text)
    assert plain_json.text_of(value) == '{"content":"content!","short":"short!"}'


def test_base64_is_measured():
    """A long base64 text in an unknown place is a blob here too."""
    picture = "iVBORw0KGgo" + "A" * 1001
    assert json.loads(plain_json.text_of({"x": picture}))["x"]["type"] == "blob"
