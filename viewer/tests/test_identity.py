"""Who may come in, under which name and for how long; no provider, no browser."""

import pytest

pytest.importorskip("authlib", reason="no authlib: pip install 'tellwhy-viewer[login]'")

from tellwhy_viewer import entrance, identity
from tellwhy_viewer.identity import NobodyIn, Refused
from tellwhy_viewer.settings import BadSetting, Settings, load

NOW = 1_800_000_000
ERIKA = {
    "is_logged_in": True,
    "iss": "https://id.example",
    "sub": "u-1",
    "iat": NOW,
    "nonce": "n1",
    "email": "Erika@Example.org",
    "email_verified": True,
    "groups": ["auditors", "staff"],
    "is_auditor": True,
}
SET = {
    "TELLWHY_LOGIN_ISSUER": "https://id.example",
    "TELLWHY_LOGIN_CLIENT_ID": "viewer",
    "TELLWHY_LOGIN_CLIENT_SECRET": "the-secret-of-the-client",
    "TELLWHY_LOGIN_ALLOW": "@example.org",
}


def login(**more):
    return load(SET | {f"TELLWHY_{name.upper()}": value for name, value in more.items()})


def read(said=ERIKA, now=NOW, **more):
    return identity.read(said, login(**more), now=now)


@pytest.mark.parametrize(
    "allow",
    [
        "*",
        "erika@example.org",
        "max@example.org, ERIKA@example.org",
        "@example.org",
        "groups=auditors",
        "is_auditor=true",
        "sub=u-1",
    ],
)
def test_whom_a_rule_names_comes_in(allow):
    """Addresses and domains in any case, claims as they are, one of a list."""
    found = read(login_allow=allow)

    assert ("Erika@Example.org", NOW + 12 * 3600) == (found.name, found.until)


@pytest.mark.parametrize(
    "allow",
    ["max@example.org", "@ample.org", "@org", "@sub.example.org", "groups=audit", "sub=U-1"],
)
def test_nobody_else_does(allow):
    """Nothing is a part of something, and the refusal says as whom."""
    with pytest.raises(Refused, match=r"logged in as erika@example\.org.*TELLWHY_LOGIN_ALLOW"):
        read(login_allow=allow)


@pytest.mark.parametrize("verified", [False, None, "false", 0, 1, [True]])
def test_an_address_that_is_not_verified_opens_nothing(verified):
    """Anybody could have written it; a claim that the provider made up still does."""
    said = ERIKA | {"email_verified": verified}
    with pytest.raises(Refused, match=r"has verified the address Erika@Example\.org"):
        read(said)

    assert "u-1" == read(said, login_allow="groups=staff").name


def test_two_signs_in_an_address_make_no_domain():
    """What stands behind the last one would not be where the mail goes."""
    with pytest.raises(Refused):
        read(ERIKA | {"email": "max@evil.example@example.org"})


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "Nobody is logged in"),
        ({"is_logged_in": False}, "Nobody is logged in"),
        (ERIKA | {"is_logged_in": False}, "Nobody is logged in"),
        (ERIKA | {"sub": ""}, "Nobody is logged in"),
        (ERIKA | {"iat": None}, "does not say when"),
        (ERIKA | {"iat": True}, "does not say when"),
        (ERIKA | {"iat": NOW - 12 * 3600}, "has ended"),
    ],
)
def test_without_a_login_that_holds_nobody_is_in(said, why):
    """Also with a signed cookie that Streamlit would take for a month."""
    with pytest.raises(NobodyIn, match=why):
        read(said, login_allow="*")


def test_a_login_that_was_ended_stays_ended_and_others_go_on():
    """The same person in the same second is another login by its nonce."""
    said = ERIKA | {"nonce": "ended"}
    identity.end(said, login(), now=NOW)
    with pytest.raises(NobodyIn, match="has ended"):
        read(said)

    assert read(ERIKA | {"nonce": "next"})


def test_the_name_is_one_line_of_the_claim_that_was_chosen():
    """Without what a header or a ledger would stumble over; sub where nothing is left."""
    said = ERIKA | {"name": "Erika\r\nX-Evil: 1\x00 \u202eM."}

    assert "ErikaX-Evil: 1 M." == read(said, login_name_claim="name").name
    assert "u-1" == read(ERIKA, login_name_claim="nickname").name
    assert 200 == len(read(ERIKA | {"name": "a" * 900}, login_name_claim="name").name)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"login_client_id": ""}, "without login_client_id"),
        ({"login_client_secret": ""}, "without login_client_secret"),
        ({"login_allow": ""}, r"without login_allow.*\* for everybody"),
        ({"login_allow": "example.org"}, "has 'example.org'"),
        ({"login_allow": "email=erika@example.org"}, "must be verified"),
        ({"login_issuer": "http://id.example"}, "Use https"),
        ({"login_issuer": "id.example"}, "write it like https"),
        ({"viewer_url": "http://why.example"}, "a proxy in front"),
        ({"viewer_url": "https://why.example/why"}, "without a path"),
        ({"viewer_host": "0.0.0.0"}, "viewer_url is 'http://0.0.0.0:8501'"),
        ({"viewer_port": "0"}, "with a port"),
        ({"login_cookie_secret": "short"}, "has 5 characters"),
        ({"login_max_age_h": "0"}, "more than 0 hours"),
        ({"viewer_user_header": "X-User"}, "both set"),
    ],
)
def test_a_login_that_would_not_hold_is_refused_at_the_start(more, says):
    """With the setting and what to do; the secret is in no sentence."""
    with pytest.raises(BadSetting, match=says) as caught:
        login(**more)

    assert SET["TELLWHY_LOGIN_CLIENT_SECRET"] not in str(caught.value)


def test_without_the_package_the_start_says_how_to_get_it(monkeypatch):
    """Not the first person who clicks."""
    monkeypatch.setattr("tellwhy_viewer.settings.find_spec", lambda name: None)
    with pytest.raises(BadSetting, match=r"pip install 'tellwhy-viewer\[login\]'"):
        login()


def test_other_machines_may_reach_a_viewer_with_a_login_over_tls():
    """The proxy speaks TLS, the viewer asks who it is."""
    chosen = login(viewer_host="0.0.0.0", viewer_url="https://Why.example/")

    assert "https://why.example" == chosen.address


def test_streamlit_gets_the_provider_and_a_secret_of_its_own(tmp_path):
    """In memory; a file may hold each secret, and none is in a repr."""
    (tmp_path / "secret").write_text("from-a-file-from-a-file-from-a-file\n")
    chosen = login(login_client_secret="", login_client_secret_file=str(tmp_path / "secret"))
    told = entrance.secrets_of(chosen)["auth"]

    assert "from-a-file-from-a-file-from-a-file" == told["client_secret"]
    assert "from-a-file" not in repr(chosen)
    assert "http://127.0.0.1:8501/oauth2callback" == told["redirect_uri"]
    assert "https://id.example/.well-known/openid-configuration" == told["server_metadata_url"]
    assert len(told["cookie_secret"]) >= 60
    assert told["cookie_secret"] != entrance.secrets_of(chosen)["auth"]["cookie_secret"]
    assert entrance.secrets_of(Settings()) is None


@pytest.mark.parametrize(
    ("kept", "goes"),
    [
        ("%2F%3Frun%3D1%26decision%3D2", "/?run=1&decision=2"),
        ("%2F%2Fevil.example", "/"),
        ("%2F%5Cevil.example", "/"),
        ("https%3A%2F%2Fevil.example", "/"),
        ("%2F%0D%0ASet-Cookie%3A%20x", "/"),
        ("", "/"),
    ],
)
def test_after_a_login_one_goes_to_a_page_of_ours_or_home(kept, goes):
    """Whoever planted the cookie leads nobody away."""
    entered = [(b"set-cookie", b"_streamlit_user=signed; Path=/")]
    cookies = f"other=1; tellwhy_wanted={kept}"

    assert goes == entrance.back("code=c&state=s", cookies, entered)


def test_a_login_that_failed_says_so_and_a_logout_does_not():
    """Streamlit leads both home without a word."""
    gone = [(b"set-cookie", b'_streamlit_user=""; Max-Age=0')]

    assert "/?login=failed" == entrance.back("error=access_denied&state=s", "", gone)
    assert "/?login=failed" == entrance.back("state=", "", [])
    assert "/" == entrance.back("", "", [])


def test_only_pages_that_a_person_opened_are_remembered():
    """Not what a page fetches, not the login itself, nothing endless."""
    page = {"sec-fetch-dest": "document"}

    assert entrance.keep("/sql", "ask=runs", page).startswith("tellwhy_wanted=%2Fsql%3Fask%3Druns;")
    assert "" == entrance.keep("/sql", "", {"sec-fetch-dest": "empty"})
    assert "" == entrance.keep("/auth/login", "", page)
    assert "" == entrance.keep("/", "login=failed", page)
    assert "" == entrance.keep("/", "a" * 3000, page)


def test_over_tls_every_cookie_is_for_tls_alone():
    """Streamlit leaves the word out for the sake of plain loopback."""
    found = entrance.closed([(b"set-cookie", b"a=1; Path=/"), (b"set-cookie", b"b=2; Secure")])

    assert [b"a=1; Path=/; Secure", b"b=2; Secure"] == [value for _, value in found]
