"""Every kind of secret in every disguise, and what is no secret at all."""

import json
import random

import planted
import pytest

from tellwhy import _capture, _redact
from tellwhy._plain_json import text_of

SECRETS = planted.secrets(seed=4)


@pytest.mark.parametrize("secret", SECRETS, ids=lambda each: each.kind)
def test_a_secret_is_found_in_every_disguise(secret):
    """Alone, in sentences, in JSON once and twice, behind escapes, in base64; as value and as key."""
    for how, text in planted.disguises(secret).items():
        for value in (text, [text], {"x": text}, {text: 1}, {"a": {"b": [{"c": (text,)}]}}):
            recorded = _capture.to_json(value)

            assert [] == planted.leaks(recorded.encode(), [secret]), (how, recorded)
            assert _redact.REPLACED in recorded, how
        assert [] == planted.leaks(text_of([{"content": text}]).encode(), [secret]), how


@pytest.mark.parametrize("seed", range(20))
def test_no_kind_is_found_by_chance_only(seed):
    """Twenty other secrets of each kind: all found."""
    for secret in planted.secrets(seed=100 + seed):
        assert [] == planted.leaks(_redact.text(f"see {secret.text}.").encode(), [secret])


def test_a_text_that_is_cut_ends_with_no_half_of_a_secret():
    """Wherever the bound falls, whatever was shortened in front of it."""
    secret = SECRETS[0]
    text = " ".join([secret.text] * 200)
    for limit in range(100, 400, 7):
        assert [] == planted.leaks(_capture.bounded(text, limit).encode(), [secret])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([["Cookie", "a=b1"], ["Accept", "x/y"]], [["Cookie", "[redacted]"], ["Accept", "x/y"]]),
        (["--password", "hunter2", "-v"], ["--password", "[redacted]", "-v"]),
        ({"name": "authorization", "value": "x1"}, {"name": "authorization", "value": "[redacted]"}),
        ({"required": ["password", "email"]}, {"required": ["password", "email"]}),
        ({"card": 4111111111111111}, {"card": "[redacted]"}),
        ({"at": 1732300000000000000, "ms": 1732300000123}, {"at": 1732300000000000000, "ms": 1732300000123}),
        ('{"cvv": 123, "n": 5}', '{"cvv": "[redacted]", "n": 5}'),
        ('{"credentials": {"id": "a"}, "n": 5}', '{"credentials": "[redacted]", "n": 5}'),
        ('{"password": {"type": "string"}}', '{"password": {"type": "string"}}'),
    ],
)  # fmt: skip
def test_names_hide_values_in_every_shape(value, expected):
    """Pairs, options of commands, name and value side by side, numbers, JSON as text."""
    assert expected == json.loads(_capture.to_json(value))
    assert [expected] == json.loads(text_of([value]))


@pytest.mark.parametrize(
    "text",
    [
        "def login(user, password=None, *, token: str = '') -> None",
        "password = getpass.getpass()",
        "api_key=os.environ['OPENAI_API_KEY']",
        "export TOKEN=$GITHUB_TOKEN",
        "The password: required. The token: optional.",
        "max_tokens=4096, prompt_tokens: 12, tokens: {'input': 3}",
        '{"max_tokens": 100, "token_type": "bearer", "expires_in": 3600}',
        "basic responsibilities and bearer authentication",
        "commit 3f786850e387550fdaab836ed7e6dc881de23001",
        "toolu_01A09q90qw90lq917835lq9 msg_01XFDUDYJgAACzvnptvVoYEL",
        "chatcmpl-BxK3bO8vJzYt1Yp0d5h2sN4m6Q7rT req_011CQ4wXGQ5eyXJ8iYmMRrTz",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "2026-11-22T19:02:00.123456789Z 20261122190200 1732300000000",
        "isbn 9783161484100 ean 4006381333931 phone +49 30 901820",
        "http://127.0.0.1:8080/a@2x?b=c https://user@example.com/x",
        "<div class=\"sk-toggleable__content\" id='sk-container-id-1'>",
        "src/MyApp/Controllers/UserController/Get1",
        "secret santa: everybody brings one; keys: left, right",
        "arn:aws:iam::123456789012:role/service-role/my-role-1a2b3c4d",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text):
    """Code, prose, ids, hashes, dates and numbers."""
    assert text == _redact.text(text)


def test_numbers_are_seldom_taken_for_cards():
    """Timestamps never; of random numbers with 16 digits one in fifty, with any other count fewer."""
    numbers = random.Random(1)
    times = [numbers.randrange(10**9, 2 * 10**9) for _ in range(3000)]
    for unit in (1, 10**3, 10**6, 10**9):
        assert not any(_redact.is_card(at * unit + numbers.randrange(unit)) for at in times)
    for size in (13, 17, 18, 19):
        assert not any(
            _redact.is_card(numbers.randrange(10 ** (size - 1), 10**size)) for _ in range(3000)
        )
    taken = sum(_redact.is_card(numbers.randrange(10**15, 10**16)) for _ in range(20_000))
    assert taken < 20_000 * 0.03


def test_e_mail_addresses_and_telephones_are_replaced_on_demand():
    """Not by default: agents that write mail would be unreadable."""
    text = "Ask ana.maria+x@mail.example.com or call +49 30 901820-12, (555) 010-4477."
    assert text == _redact.text(text)
    try:
        _redact.set_rules(defaults=True, hook=None, emails=True, phones=True)
        assert "Ask [redacted] or call [redacted], [redacted]." == _redact.text(text)
        _redact.set_rules(defaults=False, hook=None, emails=True)
        assert text.replace("ana.maria+x@mail.example.com", "[redacted]") == _redact.text(text)
    finally:
        _redact.set_rules(defaults=True, hook=None)


def test_secrets_of_the_environment_are_found_without_any_shape():
    """What a variable that is named so holds is replaced wherever it stands; plain words are not."""
    environ = {
        "SHOP_PASSWORD": 'blue "horse" 9 staple',
        "LEGACY_TOKEN": "postgres",
        "SSH_PRIVATE_KEY": "/home/ana/.ssh/id_1",
        "HOME": "/home/ana9",
    }
    text = f"say {json.dumps(environ['SHOP_PASSWORD'])} and postgres and /home/ana/.ssh/id_1"
    try:
        _redact.set_rules(defaults=True, hook=None, environ=environ)
        assert 'say "[redacted]" and postgres and /home/ana/.ssh/id_1' == _redact.text(text)
    finally:
        _redact.set_rules(defaults=True, hook=None)
