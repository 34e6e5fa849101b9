"""What a reviewer waits for: runs of several lengths in a real browser, from a real collector.

    python benchmarks/viewer/measure.py [--steps 40,5000,100000] [--runs 1000000] [--reviewers 10]

The runs come as OTLP through `tellwhy serve`, `tellwhy view` stands before it, and Chromium opens
them; all of it shares this machine's processors. Of repeated measurements the best is stated beside
the median: others may be at work on the machine, and ``load`` says how many were.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import sync_playwright
from serving import Door, Serving, memory_mb, processor_s
from stage import LONG, Looking, fill, fill_list
from tab import Tab, median, p95

from tellwhy_viewer import queries

CHROMIUM = os.environ.get("TELLWHY_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
ROUNDS = 5
CLICKS = 20
PAUSE_MS = 300
REVIEWER_PAUSE_MS = 2_000
"""Between two clicks of one of many reviewers, on average."""
TEXT_BYTES = 1_000_000
PAGE = 50
"""Runs on one page of the list."""
Line = dict[str, Any]


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window."""
    if CHROMIUM is None:
        raise SystemExit("No Chromium: apt-get install chromium, or set TELLWHY_CHROMIUM.")
    quiet = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet.split())
        yield opened
        opened.close()


class Stage(NamedTuple):
    """What stands behind the browser."""

    viewer: Looking
    collector: Serving

    def processors(self, tab: Tab) -> list[float]:
        """Processor time used so far by the tab's main thread and the two processes. Seconds."""
        return [tab.processor_s(), processor_s(self.viewer.pid), processor_s(self.collector.pid)]


PARTS = ("tab", "viewer", "collector")
"""Whose time `Stage.processors` gives, in order."""


def load() -> float:
    """Processes that want a processor, on average over a minute."""
    return round(os.getloadavg()[0], 1)


def one_run(browser: Any, at: Stage, number: int, steps: int, rounds: int) -> Line:
    """Opening one run by its address and out of the list, and walking through it."""
    tab = Tab(browser, at.viewer.url)
    opened, clicked, used = [], [], []
    tab.run(number)  # what a first visit fetches is cached from here on
    for _ in range(rounds):
        tab.tab.close()
        tab.open()
        opened.append(tab.run(number))
    sent, heap_mb = dict(tab.sent), tab.heap_mb()
    tab.walk(CLICKS, PAUSE_MS)
    clicks = tab.clicks()
    for _ in range(rounds):
        tab.tab.close()
        tab.open()
        tab.list_with(number)
        before = at.processors(tab)
        clicked.append(tab.from_list(number))
        used.append([now - then for now, then in zip(at.processors(tab), before, strict=True)])
    tab.context.close()
    told: Line = {"what": "run", "steps": steps, "load": load()}
    for name, found in (("address", opened), ("list", clicked)):
        for part, words in (("ready", "timeline"), ("card", "decision")):
            times = [one[part] for one in found]
            told[f"{name}_{words}_best_ms"] = round(min(times))
            told[f"{name}_{words}_median_ms"] = round(median(times))
    told |= walked(clicks)
    for name, seconds in zip(PARTS, zip(*used, strict=True), strict=True):
        told[f"list_{name}_cpu_ms"] = round(1000 * sum(seconds) / rounds)
    return told | {
        "run_bytes": sent["run"],
        "decision_bytes": sent["decision"],
        "websocket_bytes": sent["websocket"],
        "tab_heap_mb": heap_mb,
    }


def walked(clicks: list[list[float]]) -> Line:
    """What clicks on decisions took: until they were chosen, until their card was filled."""
    chosen, filled = [one[0] for one in clicks], [one[1] for one in clicks]
    return {
        "click_median_ms": median(chosen),
        "click_p95_ms": p95(chosen),
        "card_median_ms": median(filled),
        "card_p95_ms": p95(filled),
    }


def long_texts(browser: Any, viewer: Looking, size: int) -> Line:
    """A decision with a message and a result of *size* bytes: at first, and when they are opened."""
    tab = Tab(browser, viewer.url)
    tab.run(LONG)
    tab.tab.keyboard.press("j")
    tab.tab.locator(".card .res").get_by_text("Show all").wait_for()
    told: Line = {"what": "long_text", "text_bytes": size, "load": load()}
    told["first_bytes"] = tab.sent["run"] + tab.sent["decision"]
    tab.longest_task_ms()
    for name, opening in (("result", ".card .res .more button"), ("message", "f")):
        before, started = tab.sent["run"], time.perf_counter()
        if len(opening) == 1:
            tab.tab.keyboard.press(opening)
            tab.tab.locator("dialog.reader .more button").first.click()
        else:
            tab.tab.locator(opening).first.click()
        rest = tab.tab.get_by_text("Show more (")
        rest.wait_for()
        told[f"{name}_open_ms"] = round((time.perf_counter() - started) * 1000)
        while rest.count():
            left = rest.inner_text()
            rest.click()
            tab.tab.get_by_text(left).wait_for(state="detached")
            tab.tab.wait_for_timeout(200)
        told[f"{name}_bytes"] = tab.sent["run"] - before
        told[f"{name}_longest_task_ms"] = tab.longest_task_ms()
        tab.tab.keyboard.press("Escape")
    told["tab_heap_mb"] = tab.heap_mb()
    tab.context.close()
    return told


def many(tabs: list[Tab], at: Stage, number: int, clicks: int) -> Line:
    """Several reviewers at once, each clicking here and there in a tab of their own."""
    before_mb = memory_mb(at.viewer.pid)
    for tab in tabs:
        tab.run(number)
    with_tabs_mb = memory_mb(at.viewer.pid)
    before, started = at.processors(tabs[0])[1:], time.monotonic()
    for tab in tabs:
        tab.walk(clicks, REVIEWER_PAUSE_MS)
    found = [click for tab in tabs for click in tab.clicks()]
    took_s = time.monotonic() - started
    viewer_s, collector_s = (
        now - then for now, then in zip(at.processors(tabs[0])[1:], before, strict=True)
    )
    return {
        "what": "reviewers",
        "reviewers": len(tabs),
        "load": load(),
        "clicks": len(found),
        **walked(found),
        "viewer_cpus": round(viewer_s / took_s, 2),
        "collector_cpus": round(collector_s / took_s, 2),
        "viewer_mb": with_tabs_mb,
        "viewer_mb_a_tab": round((with_tabs_mb - before_mb) / len(tabs), 1),
    }


def the_list(browser: Any, viewer: Looking, door: Door, runs: int, rounds: int) -> Line:
    """The list of so many runs: its first page on the screen, and pages as SQL."""
    tab = Tab(browser, viewer.url)
    shown = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        tab.tab.goto(viewer.url)
        tab.tab.locator("a.go[data-run]").nth(PAGE - 1).wait_for()
        shown.append((time.perf_counter() - started) * 1000)
    tab.context.close()
    told: Line = {"what": "list", "runs": runs, "load": load()}
    told |= {"shown_best_ms": round(min(shown)), "shown_median_ms": round(median(shown[1:]))}
    pages = min(1_000, runs // PAGE - 1)
    sql = "SELECT start_ns, run_id FROM runs ORDER BY start_ns DESC, run_id DESC LIMIT 1 OFFSET $1"
    for name, place in (("first", None), (f"page_{pages}", pages * PAGE - 1)):
        after = door.ask(sql, [place])[0] if place else (None, None)
        given = {"before_ns": after[0], "before_id": after[1], "limit": PAGE + 1}
        asked = [given.get(one) for one in queries.RUNS.params]
        times = []
        for _ in range(2 * rounds):
            started = time.perf_counter()
            door.ask(queries.RUNS.sql, asked)
            times.append((time.perf_counter() - started) * 1000)
        told |= {f"{name}_best_ms": round(min(times), 1), f"{name}_median_ms": median(times)}
    return told


def tell(line: Line) -> None:
    """One line of JSON."""
    print(json.dumps({"benchmark": "measure", **line}), flush=True)


def main(words: list[str]) -> None:
    """Print a line for each run, one for long texts, one for many reviewers, one for the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", default="40,5000", help="lengths of runs, with commas between")
    parser.add_argument("--runs", type=int, default=10_000, help="length of the list; 0 for none")
    parser.add_argument("--reviewers", type=int, default=10, help="how many at once")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each is opened")
    parser.add_argument("--folder", type=Path, help="keep the databases here, and use them again")
    given = parser.parse_args(words)
    sizes = [int(size) for size in given.steps.split(",")]
    with tempfile.TemporaryDirectory() as temporary, chromium() as browser:
        folder = given.folder or Path(temporary)
        database = folder / "runs.duckdb"
        if not database.exists():
            fill(database, sizes, TEXT_BYTES)
        with Serving(database) as collector, Looking(collector.url) as viewer:
            at = Stage(viewer, collector)
            for number, steps in enumerate(sizes, 1):
                tell(one_run(browser, at, number, steps, given.rounds))
            tell(long_texts(browser, viewer, TEXT_BYTES))
            usual = min(len(sizes), 2)
            tabs = [Tab(browser, viewer.url) for _ in range(given.reviewers)]
            line = many(tabs, at, usual, 4 * given.rounds)
            tell(line | {"steps": sizes[usual - 1]})
            for tab in tabs:
                tab.context.close()
        if given.runs:
            listed = folder / "list.duckdb"
            runs = given.runs if listed.exists() else fill_list(listed, given.runs)
            with Serving(listed) as collector, Looking(collector.url) as viewer:
                tell(the_list(browser, viewer, Door(collector.url), runs, given.rounds))


if __name__ == "__main__":
    main(sys.argv[1:])
