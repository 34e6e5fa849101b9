"""A collector that really stops and comes back, as each page shows it."""

import socket

import pytest
from viewer_posting import HOUR_NS, NOW_NS, post
from viewer_processes import Process, run_id
from viewer_stories import refund
from viewer_visits import Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_every_page_says_that_the_collector_stopped_and_comes_back(browser, start_viewer, tmp_path):
    """Each names the address and the command; a click on "Try again" shows the page once it runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    words = ["tellwhy_collector", "--database", str(tmp_path / "runs.duckdb")]
    words += ["--http-port", port, "--grpc-port", "0"]
    running = Process(words, "  SQL")
    url = f"http://127.0.0.1:{port}"
    try:
        post(url, refund(NOW_NS - HOUR_NS))
        visit = Visit(browser, start_viewer(url))
        tab = visit.run(1)
        running.stop()

        for path in ("/", "/review", f"/compare?a={run_id(1)}&b={run_id(1)}", "/health", "/sql"):
            visit.open(path)
            tab.get_by_role("heading", name="The collector does not answer").wait_for()
            tab.get_by_text(url).first.wait_for()
            tab.get_by_text("tellwhy serve").first.wait_for()
        visit.open(f"/?run={run_id(1)}")
        tab.locator(".trouble").wait_for()
        assert url in tab.locator(".trouble").inner_text()
        visit.open("/audit")
        tab.get_by_role("heading", name="The collector does not answer").wait_for()

        running = Process(words, "  SQL")
        tab.get_by_role("button", name="Try again").click()
        tab.get_by_text("times in Europe/Berlin").wait_for()
        visit.context.close()
    finally:
        running.stop()
