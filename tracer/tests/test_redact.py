import time

import pytest

from tellwhy import _capture, _redact
from tellwhy._plain_json import text_of

SECRETS = [
    "sk-ant-api03-AbCdEf0123456789AbCdEf0123456789",
    "sk-proj-AbCdEf0123456789AbCdEf",
    "AKIAIOSFODNN7EXAMPLE",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "github_pat_11ABCDEFG0123456789abcdefghijklmnopqrstuvw",
    "glpat-abcdefghij0123456789",
    "xoxb-123456789012-abcdefghij",
    "hf_abcdefghijklmnopqrstuvwxyz012345",
    "sk_live_abcdefghijklmnop",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
    "4111 1111 1111 1111",
    "5500-0000-0000-0004",
    "378282246310005",
]


@pytest.fixture
def rules():
    yield _redact.set_rules
    _redact.set_rules(defaults=True, hook=None)


@pytest.mark.parametrize("secret", SECRETS)
def test_known_secrets_are_replaced_wherever_they_stand(secret):
    """In a sentence, in JSON text, in a list, as a value."""
    for value in (f"it is {secret}.", [secret], {"note": {"x": secret}}, f'{{"a": "{secret}"}}'):
        text = _capture.to_json(value)

        assert secret.splitlines()[0] not in text
        assert _redact.REPLACED in text


def test_a_secret_that_is_a_key_is_replaced():
    """A mapping by token or by card: the keys are data too, in values and in what came as JSON."""
    secret = SECRETS[0]

    for text in (_capture.to_json({secret: 1}), text_of([{"a": {f"used {secret}": "x"}}])):
        assert secret not in text
        assert _redact.REPLACED in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer [redacted]"),
        ("postgres://ana:pa55@db/x", "postgres://ana:[redacted]@db/x"),
        ("DB_PASSWORD=hunter22", "DB_PASSWORD=[redacted]"),
        ("export AWS_SECRET_ACCESS_KEY='abc/def/ghi'", "export AWS_SECRET_ACCESS_KEY='[redacted]'"),
        ('{"api_key": "abcdefg"}', '{"api_key": "[redacted]"}'),
        ('{\\"apiKey\\": \\"abcdefg\\"}', '{\\"apiKey\\": \\"[redacted]\\"}'),
        ("access_token: abcdefg", "access_token: [redacted]"),
    ],
)
def test_only_the_secret_part_of_a_text_is_replaced(text, expected):
    """What stands around it stays readable."""
    assert expected == _redact.text(text)


@pytest.mark.parametrize(
    "text",
    [
        "the task-runner-with-a-long-name 4.2",
        "sk-learn-pipeline-example",
        "order 1732300000000000000 at 2026-11-22T19:02:00",
        "0123456789012345",
        "next_page_token=abcdefgh",
        "basic information about tokens and passwords",
        "https://example.com:8080/path@2x.png",
        "uuid 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    ],
)
def test_what_is_no_secret_stays(text):
    """False alarms would hide evidence."""
    assert text == _redact.text(text)


def test_values_are_hidden_by_their_names():
    """Names that say so hide what stands under them, in every spelling."""
    value = {
        "password": "x",
        "stripe_api_key": "y",
        "clientSecret": "z",
        "Authorization": "w",
        "cvv": 123,
        "credentials": {"user": "u", "key": "k"},
        "max_tokens": 100,
        "token": "Hello",
        "password_reset_sent": True,
        "input_tokens": 5,
        "secret": None,
    }
    hidden = {name for name, item in _capture.to_plain(value).items() if item == _redact.REPLACED}
    expected = {"password", "stripe_api_key", "clientSecret", "Authorization", "cvv", "credentials"}

    assert expected == hidden


def test_a_tools_parameters_may_be_called_like_secrets():
    """A schema describes a password; it holds none."""
    schema = {"properties": {"password": {"type": "string"}}}

    assert schema == _capture.to_plain(schema)


def test_the_users_rule_runs_behind_ours(rules):
    """It gets the name and the text, and its answer is recorded."""
    seen = []

    def rule(name, text):
        seen.append((name, text))
        return text.replace("Ana", "A.")

    rules(defaults=True, hook=rule)

    assert {"who": "A. [redacted]"} == _capture.to_plain({"who": "Ana AKIAIOSFODNN7EXAMPLE"})
    assert [("", "who"), ("who", "Ana [redacted]")] == seen


def test_a_broken_rule_hides_everything(rules, lenient):
    """Unseen is safer than unredacted."""
    rules(defaults=True, hook=lambda name, text: 1 / 0)
    assert "[redaction failed]" == _redact.text("anything")

    rules(defaults=True, hook=lambda name, text: None)
    assert "[redaction failed]" == _redact.text("anything")


def test_the_default_rules_can_be_switched_off(rules):
    """For those who redact elsewhere."""
    rules(defaults=False, hook=None)

    assert {"password": SECRETS[0]} == _capture.to_plain({"password": SECRETS[0]})


@pytest.mark.parametrize(
    "piece",
    ["sk-", "eyJ-", "4", "4-", "a://a:", "password=x ", "-----BEGIN PRIVATE KEY-----", "bearer ",
     "asic ", "word ", "secret_", "xox"],
)  # fmt: skip
def test_a_long_text_takes_linear_time(piece):
    """No pattern goes quadratic on a text made of its own beginnings."""

    def seconds(size):
        text = (piece * (size // len(piece) + 1))[:size]
        _redact._clean.clear()
        _redact._changed.clear()
        started = time.process_time()
        _redact.text(text)
        return time.process_time() - started

    short = min(seconds(50_000) for _ in range(3))

    assert seconds(400_000) < max(short * 8 * 4, 0.5)


def test_words_of_the_program_are_looked_at_again_when_the_rules_change():
    """What is remembered of a tool's description holds for the rules of its time."""
    _redact.set_rules(defaults=True, hook=None)
    try:
        assert "text words" == _redact.constant("words", "text {}".format)
        assert "text words" == _redact.constant("words", "again {}".format)
        _redact.set_rules(defaults=False, hook=None)
        assert "again words" == _redact.constant("words", "again {}".format)
    finally:
        _redact.set_rules(defaults=True, hook=None)
