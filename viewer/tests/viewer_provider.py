"""An OpenID Connect provider on loopback: discovery, authorize, token, keys, end of session."""

import base64
import hashlib
import html
import http.server
import json
import secrets
import threading
import time
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

ID, SECRET = "tellwhy-viewer-of-the-tests", "client-secret-of-the-tests-0123456789"
PEOPLE = {
    "erika": {"email": "erika@example.org", "email_verified": True, "name": "Erika Mustermann"},
    "max": {"email": "max@elsewhere.example", "email_verified": True, "name": "Max Beispiel"},
    "grace": {"email": "grace@example.org", "email_verified": False, "groups": ["auditors"]},
}
"""Who has an account, with what the provider says of each."""

PAGE = "<!doctype html><title>Provider</title><h1>Who are you?</h1>"


class Provider:
    """Codes and tokens as RFC 6749, OpenID Connect Core 1.0 and RFC 7636 (S256) have them."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig"}, private=True)
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.seconds_ago = 0
        """How long ago people logged in at the provider, for logins that have run out."""
        self.forged = False
        """Sign with a key that nobody published."""
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self) -> None:
        """End it."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def metadata(self) -> dict:
        """What discovery tells."""
        places = {"authorization": "authorize", "token": "token", "end_session": "leave"}
        return {
            "issuer": self.url,
            **{f"{name}_endpoint": f"{self.url}/{path}" for name, path in places.items()},
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def choose(self, asked: dict[str, str]) -> str:
        """The page on which somebody chooses an account."""
        links = []
        for person in PEOPLE:
            code = secrets.token_urlsafe(16)
            self.codes[code] = {**asked, "sub": person}
            back = urlencode({"code": code, "state": asked["state"]})
            links.append((f"{asked['redirect_uri']}?{back}", person))
        refusal = urlencode({"error": "access_denied", "state": asked["state"]})
        links.append((f"{asked['redirect_uri']}?{refusal}", "nobody"))
        return PAGE + "".join(f'<p><a href="{html.escape(to)}">{who}</a>' for to, who in links)

    def tokens(self, form: dict[str, str], basic: str) -> tuple[int, dict]:
        """What a code is worth to the client that proves who it is; a code is worth it once."""
        asked = self.codes.pop(form.get("code", ""), None)
        shown = base64.b64decode(basic).decode() if basic else ""
        if shown != f"{ID}:{SECRET}":
            return 401, {"error": "invalid_client"}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or asked["code_challenge"] != proof
            or asked["redirect_uri"] != form["redirect_uri"]
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.url, "aud": ID, "sub": asked["sub"], "nonce": asked["nonce"]}
        claims |= {"iat": now - self.seconds_ago, "exp": now + 300, **PEOPLE[asked["sub"]]}
        key = RSAKey.generate_key(2048, private=True) if self.forged else self.key
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)
        return 200, {"access_token": "a" * 20, "token_type": "Bearer", "id_token": signed}


def _handler(provider: Provider) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            provider.asked.append(parts.path)
            if parts.path == "/.well-known/openid-configuration":
                self.answer(200, provider.metadata())
            elif parts.path == "/keys":
                self.answer(200, KeySet([provider.key]).as_dict(private=False))
            elif parts.path == "/authorize":
                self.answer(200, provider.choose(asked))
            elif parts.path == "/leave":
                self.send_response(302)
                self.send_header("location", asked["post_logout_redirect_uri"])
                self.end_headers()
            else:
                self.answer(404, {})

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            basic = self.headers.get("authorization", "").removeprefix("Basic ")
            self.answer(*provider.tokens(form, basic))

        def answer(self, status, told):
            text = told if isinstance(told, str) else json.dumps(told)
            kind = "text/html" if isinstance(told, str) else "application/json"
            self.send_response(status)
            self.send_header("content-type", kind)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    return Handler
