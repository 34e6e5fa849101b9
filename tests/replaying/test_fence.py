"""A replay reaches nobody: every connection is refused, whoever makes it."""

import socket
import threading
import urllib.request

import httpx

import tellwhy


def test_connections_of_a_run_are_refused_and_told(stage):
    """HTTP clients, urllib and bare sockets: the first one ends the replay."""
    url = stage.models.url
    port = stage.models.port

    def by_httpx(stage):
        return httpx.get(f"{url}/v1/models").status_code

    def by_urllib(stage):
        return urllib.request.urlopen(f"{url}/v1/models").status

    def by_socket(stage):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            return connection.fileno()

    played = [stage.play(lambda stage: 1, each) for each in (by_httpx, by_urllib, by_socket)]

    assert ["network"] * 3 == [each.verdict.first.kind for each in played]
    assert all(str(port) in each.verdict.first.what for each in played)
    assert all("test_fence.py" in each.verdict.first.place for each in played)
    assert [0] * 3 == [each.requests for each in played]


def test_a_connection_of_nobodys_run_is_refused_and_noted(stage):
    """An exporter in a thread of its own is no part of the run: it gets an error of the network."""
    said = []

    def connect():
        try:
            socket.create_connection(("127.0.0.1", stage.models.port))
        except OSError as error:
            said.append(type(error).__name__)

    _, path = stage.record(lambda stage: 1)
    with tellwhy.replaying(path) as verdict:
        thread = threading.Thread(target=connect)
        thread.start()
        thread.join()

    assert ["ConnectionRefusedError"] == said
    assert ["a connection to"] == [note[:15] for note in verdict.notes]


def test_network_is_there_again_after_a_replay(stage):
    """And inside one when it is allowed."""
    _, path = stage.record(lambda stage: 1)

    def ask(stage):
        return httpx.get(f"{stage.models.url}/nothing").status_code

    _, closed = stage.replay(ask, path)
    allowed, verdict = stage.replay(ask, path, allow_network=True)

    assert not closed.identical
    assert (allowed, True) == (
        httpx.get(f"{stage.models.url}/nothing").status_code,
        verdict.identical,
    )
