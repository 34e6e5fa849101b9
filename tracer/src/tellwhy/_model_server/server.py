"""A server that runs in a thread, and the log of what it was asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from tellwhy._model_server.causal import Causal, Rule
from tellwhy._model_server.http import Listener
from tellwhy._model_server.script import Memory

SECRET_HEADERS = frozenset({"authorization", "x-api-key"})
"""Never kept in the log, not even fake keys."""


@dataclass(frozen=True, slots=True)
class WireRequest:
    """One request as it came in."""

    number: int
    """1 for the first since the start or the last `ModelServer.reset`."""
    time_ns: int
    method: str
    path: str
    headers: dict[str, str]
    """Lower-case names, without credentials."""
    body: Any
    """The JSON body, or the text of a body that is not JSON."""


class ModelServer:
    """A running scripted model server; ends with its ``with`` block or `close`."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[WireRequest] = []
        """What was asked, oldest first."""
        self.memory = Memory()
        self.prepare: Callable[[str, dict[str, Any]], dict[str, Any]] = lambda _path, body: body
        """Gets the path and body of a request, gives back the body to answer; may add a script."""
        self.closing = threading.Event()
        self._server = Listener(self, port)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        """``base_url`` of an Anthropic client; an OpenAI client wants ``url + "/v1"``."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="model-server"
        )
        self._thread.daemon = True
        self._thread.start()

    def reset(self) -> None:
        """Forget the log, the counted attempts and the held conversations."""
        with self.memory.lock:
            self.requests.clear()
            self.memory.attempts.clear()
            self.memory.answered.clear()
            self.memory.responses.clear()
            self.memory.threads.clear()

    def close(self) -> None:
        """Stop listening and end every connection; a second call does nothing."""
        if self.closing.is_set():
            return
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self._thread.join(timeout=2)

    def log(self, method: str, path: str, headers: dict[str, str], body: Any) -> None:
        """Add one request to `requests`."""
        kept = {name: value for name, value in headers.items() if name not in SECRET_HEADERS}
        with self.memory.lock:
            number = len(self.requests) + 1
            self.requests.append(WireRequest(number, time.time_ns(), method, path, kept, body))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(
    port: int = 0, *, rule: Rule | None = None, noise: float = 0.0, seed: int = 0
) -> ModelServer:
    """Start a model server on 127.0.0.1; port 0 picks a free one.

    Args:
        port: Where to listen.
        rule: Says what is answered; without one, scripts in prompts do.
        noise: How often something else than the rule says is chosen. 0 to 1.
        seed: Of the noise.

    Returns:
        A server that already answers. Use it as a context manager, or call `ModelServer.close`.

    Raises:
        ValueError: *noise* is no rate.
    """
    choose = None if rule is None else Causal(rule, noise, seed).step
    server = ModelServer(port)
    server.memory.choose = choose
    return server
