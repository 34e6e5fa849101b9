"""A real collector with real runs, the viewer as a process, a browser, a beacon that must stay silent."""

import http.server
import os
import shutil
import signal
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import viewer_stories as stories
from viewer_posting import HOUR_NS, NOW_NS, post
from viewer_processes import Process

from tellwhy_viewer import settings

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # So do shells start what runs in the background; programs that tests start would ignore it too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

CHROMIUM = os.environ.get("TELLWHY_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="session")
def start_collector(tmp_path_factory):
    """Start a collector with an empty database; all are ended at the end."""
    running = []

    def start() -> str:
        database = tmp_path_factory.mktemp("collector") / "runs.duckdb"
        words = ["tellwhy_collector", "--database", str(database)]
        running.append(Process([*words, "--http-port", "0", "--grpc-port", "0"], "  SQL"))
        return running[-1].address("  OTLP/HTTP")

    yield start
    for process in running:
        process.stop()


@pytest.fixture(scope="session")
def beacon():
    """A server that only counts: whatever reaches it leaked."""
    hits: list[str] = []

    class Count(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            hits.append(self.path)
            self.send_response(204)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Count)
    server.hits = hits
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def full(start_collector, beacon):
    """The address of a collector that holds every story."""
    url = start_collector()
    post(url, stories.refund(NOW_NS - HOUR_NS))
    post(url, stories.long(NOW_NS - 5 * HOUR_NS))
    post(url, stories.going(NOW_NS - 20 * 10**9))
    post(url, stories.broken(NOW_NS - 2 * HOUR_NS))
    post(url, stories.hostile(NOW_NS - 30 * HOUR_NS, beacon.url))
    for number in range(100, 160):
        post(url, stories.broken(NOW_NS - number * 10**9 - 3 * HOUR_NS, number))
    return url


@pytest.fixture(scope="session")
def empty(start_collector):
    """The address of a collector without a run."""
    return start_collector()


@pytest.fixture
def looking_at():
    """Point this process's pages at a collector; afterwards they forget it."""

    def point(url: str) -> None:
        settings.use(settings.Settings(collector_url=url))

    yield point
    settings.use(settings.Settings())


@pytest.fixture(scope="session")
def start_viewer():
    """Start a viewer on a free port; all are ended at the end."""
    running = []

    def start(collector_url: str) -> str:
        words = ["tellwhy_viewer", "--port", "0", "--collector-url", collector_url]
        running.append(Process(words, "  http"))
        return running[-1].address("  http")

    yield start
    for process in running:
        process.stop()


@pytest.fixture(scope="session")
def viewer(start_viewer, full):
    """The address of a viewer over every story."""
    return start_viewer(full)


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium, headless, for one file: its event loop would stand in other tests' way."""
    if CHROMIUM is None:
        pytest.skip("no Chromium: apt-get install chromium, or set TELLWHY_CHROMIUM to its path")
    from playwright.sync_api import sync_playwright

    quiet = "--disable-background-networking --disable-component-update --disable-sync"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", *quiet.split()]
        )
        yield opened
        opened.close()
