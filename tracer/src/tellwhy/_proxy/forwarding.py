"""Hands requests on to the real address, and notes model calls as the client hook would."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from tellwhy._clients import plain
from tellwhy._clients.call import Call
from tellwhy._clients.routes import goes_to_model, of_path
from tellwhy._proxy.server import NOT_HANDED_ON, Answered, Asked, Broken, error

ADDRESSES = {
    "anthropic": ("ANTHROPIC_BASE_URL", "https://api.anthropic.com", ""),
    "openai": ("OPENAI_BASE_URL", "https://api.openai.com/v1", "/v1"),
}
"""Side -> the variable that says where its requests go, where they go without it, and the end of the
base address that a program repeats in front of its paths."""

TIMEOUT_S = 600.0
PIECE_BYTES = 65_536


class Forwarding:
    """Answers with what the real address answers."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Take the variables of whoever starts the program."""
        self._bases = {
            side: (environ.get(variable) or default).rstrip("/").removesuffix(end)
            for side, (variable, default, end) in ADDRESSES.items()
        }
        self._trust = ssl.create_default_context()
        self.model_calls = 0
        """Requests to models that went through."""

    def answer(self, asked: Asked) -> Answered:
        """What comes back, as it comes.

        Raises:
            Broken: Never; a provider that cannot be reached is a 502.
        """
        url = self._bases[asked.side] + asked.target
        call = self._call(asked, url)
        try:
            connection, response = self._sent(asked, url)
        except (OSError, http.client.HTTPException) as failed:
            if call is not None:
                call.attempt_failed(failed)
                call.failed(failed)
            return error(502, "api_error", f"{urlsplit(url).netloc} cannot be reached: {failed}")
        headers = response.getheaders()
        if call is None:
            return Answered(response.status, headers, _passing(connection, response, None))
        if response.status >= 400:
            content = response.read()
            connection.close()
            shown = plain.Response(response.status, plain.Headers(headers), content)
            call.attempt_answered(shown, "", streamed=False)
            call.returned()
            return Answered(response.status, headers, [content])
        shown = plain.Response(response.status, plain.Headers(headers))
        call.attempt_answered(shown, "", streamed=True)
        return Answered(response.status, headers, _passing(connection, response, call))

    def _call(self, asked: Asked, url: str) -> Call | None:
        """The step of a model call; None for any other request."""
        spoken = of_path(asked.path)
        if spoken is None or not goes_to_model(asked.method, asked.path.encode()):
            return None
        self.model_calls += 1
        call = Call(spoken)
        call.attempt(plain.Request(url, asked.headers, asked.body))
        return call

    def _sent(
        self, asked: Asked, url: str
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        parts = urlsplit(url)
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(
                parts.netloc, timeout=TIMEOUT_S, context=self._trust
            )
        else:
            connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_S)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            connection.putrequest(asked.method, target, skip_accept_encoding=True)
            for name, value in asked.headers:
                if name.lower() not in NOT_HANDED_ON:
                    connection.putheader(name, value)
            # Packed bytes would have to be unpacked to be read; a stream is small.
            connection.putheader("accept-encoding", "identity")
            if asked.body or asked.method == "POST":
                connection.putheader("content-length", str(len(asked.body)))
            connection.endheaders(asked.body)
            return connection, connection.getresponse()
        except BaseException:
            connection.close()
            raise


def _passing(
    connection: http.client.HTTPConnection, response: http.client.HTTPResponse, call: Call | None
) -> Iterator[bytes]:
    """The body as it comes; the step ends when it has, or when the program leaves."""
    failed: BaseException | None = None
    try:
        while piece := response.read1(PIECE_BYTES):
            if call is not None:
                call.chunk(piece)
            yield piece
    except (OSError, http.client.HTTPException) as problem:
        failed = problem
        raise Broken from problem
    finally:
        if call is not None:
            call.stream_ended(failed)
        connection.close()
