"""Secrets of every kind that the rules name: made up anew for each run, in the shape of real ones.

None stands in this file as a text, so that no scanner of repositories takes it for a leak.
"""

import base64
import json
import random
import string
from dataclasses import dataclass, field
from urllib.parse import quote

LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


@dataclass
class Planted:
    """One secret, as it stands in a text, and what must not be found of it."""

    kind: str
    text: str
    needles: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.needles = self.needles or pieces(self.text)


def pieces(secret: str) -> list[str]:
    """The beginning behind a prefix, the middle and the end: half a secret is a leak too."""
    size = max(10, len(secret) // 4)
    middle = (len(secret) - size) // 2
    return [secret[-size:], secret[middle : middle + size], secret]


class Maker:
    """Makes random secrets from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def some(self, size: int, letters: str = LETTERS) -> str:
        """So many random letters; the first is a digit, as some letter of a key is."""
        return self.random.choice(string.digits) + "".join(
            self.random.choice(letters) for _ in range(size - 1)
        )

    def card(self, begin: str, size: int) -> str:
        """A number with Luhn's checksum."""
        digits = begin + "".join(
            self.random.choice(string.digits) for _ in range(size - len(begin) - 1)
        )
        doubled = [int(each) * 2 for each in digits[::-2]]
        total = sum(each - 9 if each > 9 else each for each in doubled)
        total += sum(int(each) for each in digits[-2::-2])
        return digits + str(-total % 10)

    def jwt(self) -> str:
        """Header, payload and signature."""
        parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": self.some(12)}]
        encoded = [base64.urlsafe_b64encode(json.dumps(each).encode()).decode() for each in parts]
        return ".".join([*(each.rstrip("=") for each in encoded), self.some(43)])

    def pem(self, kind: str) -> str:
        """A private key block of three lines."""
        lines = [self.some(64) for _ in range(3)]
        return "\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----"])


def with_prefix(make: Maker) -> dict[str, str]:
    """Keys that their issuers gave a beginning."""
    word = LETTERS + "_-"
    return {
        "anthropic": "-".join(["sk", "ant", "api03", make.some(93, word) + "AA"]),
        "anthropic_admin": "-".join(["sk", "ant", "admin01", make.some(93, word)]),
        "openai": "sk" + "-" + make.some(48),
        "openai_project": "-".join(["sk", "proj", make.some(120, word)]),
        "openai_service": "-".join(["sk", "svcacct", make.some(120, word)]),
        "openrouter": "-".join(["sk", "or", "v1", make.some(64, HEX)]),
        "aws_access_key": "AK" + "IA" + make.some(16, string.ascii_uppercase + "234567"),
        "aws_session_key": "AS" + "IA" + make.some(16, string.ascii_uppercase + "234567"),
        "google": "AI" + "za" + make.some(35, word),
        "google_oauth": "ya" + "29." + make.some(60, word),
        "github": "gh" + "p_" + make.some(36),
        "github_server": "gh" + "s_" + make.some(36),
        "github_fine": "github" + "_pat_" + make.some(22) + "_" + make.some(59),
        "gitlab": "gl" + "pat-" + make.some(20, word),
        "slack_bot": "xox" + "b-" + "-".join([make.some(12, "123"), make.some(24)]),
        "slack_app": "-".join(
            ["xap" + "p", "1", make.some(11, string.ascii_uppercase), make.some(40, HEX)]
        ),
        "stripe": "sk" + "_live_" + make.some(24),
        "stripe_restricted": "rk" + "_live_" + make.some(24),
        "hugging_face": "h" + "f_" + make.some(34),
        "npm": "np" + "m_" + make.some(36),
        "pypi": "py" + "pi-" + make.some(150, word),
        "sendgrid": "S" + "G." + make.some(22, word) + "." + make.some(43, word),
        "twilio": "S" + "K" + make.some(32, HEX),
        "groq": "gs" + "k_" + make.some(52),
        "azure_openai": make.some(52)
        + "JQQ"
        + "J99BB"
        + make.some(8)
        + "XJ3w3AAABACOG"
        + make.some(4),
        "azure_secret": make.some(3) + "8Q" + "~" + make.some(34, word),
        "digitalocean": "dop" + "_v1_" + make.some(64, HEX),
        "databricks": "da" + "pi" + make.some(32, HEX),
        "langsmith": "ls" + "v2_pt_" + make.some(32, HEX) + "_" + make.some(10, HEX),
        "linear": "lin" + "_api_" + make.some(40),
        "shopify": "shp" + "at_" + make.some(32, HEX),
    }


def in_words(make: Maker) -> list[Planted]:
    """Secrets that show by what stands around them."""
    aws, word, phrase = (
        make.some(40, LETTERS + "/+"),
        make.some(14),
        f"{make.some(9)} battery {make.some(9)}",
    )
    basic = base64.b64encode(f"ana:{make.some(16)}".encode()).decode()
    storage = base64.b64encode(make.random.randbytes(64)).decode()
    hexed = make.some(32, HEX)
    named = {
        "aws_secret": (f"aws_secret_access_key = {aws}", aws),
        "aws_secret_json": (json.dumps({"SecretAccessKey": aws}), aws),
        "database": (f"postgresql://app:{word}@db.internal:5432/shop", word),
        "address": (f"https://ana:{word}x@registry.example/simple", f"{word}x"),
        "bearer": (f"Authorization: Bearer {word}{word}", word),
        "basic": (f"Authorization: Basic {basic}", basic),
        "cookie": (f"Cookie: session={word}c; theme=dark", f"{word}c"),
        "set_cookie": (f"Set-Cookie: sid={word}d; Path=/; HttpOnly", f"{word}d"),
        "env": (f"DB_PASSWORD={word}e", f"{word}e"),
        "quoted": (f"password = '{phrase}'", phrase),
        "json": (json.dumps({"user": "ana", "clientSecret": phrase[::-1]}), phrase[::-1]),
        "json_twice": (json.dumps(json.dumps({"api_key": f"{word} f\n"})), f"{word} f"),
        "query": (f"https://api.example/v1?user=1&access_token={word}g&x=2", f"{word}g"),
        "azure_storage": (f"DefaultEndpointsProtocol=https;AccountKey={storage};X=1", storage[:60]),
        "azure_sas": (f"https://a.example/b?sv=2024&sig={word}h%2F{word}%3D&se=1", f"{word}h"),
        "pair": (repr([("password", f"{word}j")]), f"{word}j"),
        "element": (f"<db><password>{word}k</password></db>", f"{word}k"),
        "walrus": (f"password := {word}l", f"{word}l"),
        "told": (f"The password is {word}m and so on", f"{word}m"),
        "token_as_user": (f"https://{word}n{word}@git.example/shop", f"{word}n{word}"),
        "netrc": (f"machine git.example login ana password {word}o", f"{word}o"),
        "curl": (f"curl -u ana:{word}p https://api.example", f"{word}p"),
        "hash": (f"ana:$apr1${word[:8]}$" + make.some(22), word[:8] + "$"),
        "session_key": (json.dumps({"sessionKey": f"{word}q"}), f"{word}q"),
        "docker": (json.dumps({"auths": {"r": {"auth": basic}}}), basic),
        "mailgun": ("ke" + "y-" + hexed, hexed),
        "percent": (quote(json.dumps({"password": f"{word}r"})), f"{word}r"),
        "html": (f"&quot;password&quot;: &quot;{word}s&quot;", f"{word}s"),
        "command": (f"login --user ana --password {word}i --quiet", f"{word}i"),
    }
    return [Planted(kind, text, [needle]) for kind, (text, needle) in named.items()]


def cards(make: Maker) -> list[Planted]:
    """Card numbers as people write them."""
    plain = {
        "visa": make.card("4", 16),
        "mastercard": make.card("52", 16),
        "amex": make.card("37", 15),
    }
    found = [Planted(kind, number, [number]) for kind, number in plain.items()]
    for gap in " -_":
        number = make.card("45", 16)
        written = gap.join(number[at : at + 4] for at in range(0, 16, 4))
        found.append(Planted(f"visa by {gap!r}", f"{written} 12/29", [written]))
    return found


def secrets(seed: int) -> list[Planted]:
    """One of each kind."""
    make = Maker(seed)
    found = [Planted(kind, text) for kind, text in with_prefix(make).items()]
    found.append(Planted("jwt", make.jwt()))
    for kind in ("RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PRIVATE KEY"):
        pem = make.pem(kind)
        found.append(Planted(kind, pem, pem.split("\n")[1:4]))
    return found + in_words(make) + cards(make)


def disguises(planted: Planted) -> dict[str, str]:
    """The same secret as texts carry it."""
    text = planted.text
    found = {
        "alone": text,
        "in a sentence": f"It is {text} as far as I know.",
        "in JSON": json.dumps({"note": text, "n": [1, {"deep": text}]}),
        "in JSON in JSON": json.dumps({"body": json.dumps({"note": f"line\n{text}"})}),
        "behind an escape": f"first\\n{text}\\tlast",
        "in base64": base64.b64encode(f"the key: {text}\n".encode()).decode(),
        "in a data address": "data:text/plain;base64," + base64.b64encode(text.encode()).decode(),
    }
    letter = next((each for each in text if each.isascii() and each.isalpha()), "")
    if letter:
        found["spelt by numbers"] = json.dumps(text).replace(letter, f"\\u{ord(letter):04x}", 1)
    return found


def leaks(data: bytes, planted: list[Planted]) -> list[str]:
    """Kinds of which a needle stands in *data*, as it is or as JSON or base64 would hold it."""
    found = []
    for each in planted:
        for needle in each.needles:
            forms = {needle, json.dumps(needle)[1:-1], base64.b64encode(needle.encode()).decode()}
            if any(form.encode() in data for form in forms):
                found.append(f"{each.kind}: {needle}")
    return found
