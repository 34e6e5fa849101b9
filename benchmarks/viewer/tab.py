"""One tab of a real browser that notes when what a reviewer waits for is on the screen."""

from __future__ import annotations

import random
import statistics
from typing import Any

from stage import run_id

PATIENCE_MS = 300_000

WATCH = """
window.bench = { from: 0, ready: null, card: null, clicks: [], tasks: [] };
new PerformanceObserver((l) => bench.tasks.push(...l.getEntries().map((e) => e.duration)))
  .observe({ type: "longtask", buffered: true });
bench.root = () => {
  for (const one of document.querySelectorAll("*")) {
    const root = one.shadowRoot && one.shadowRoot.querySelector(".tw");
    if (root && root.querySelector(".tl")) return root;
  }
  return null;
};
bench.watch = () => {
  const root = bench.root();
  const here = root && root.querySelector(".card[data-decision]");
  const now = performance.now() - bench.from;
  if (bench.ready == null && root && root.dataset.ready === "true") bench.ready = now;
  if (here) bench.card = now;
  else requestAnimationFrame(bench.watch);
};
/* A click on a decision: until its number stands on the card, and until the card is filled. */
bench.click = (row) => new Promise((done) => {
  const root = bench.root(), n = row.querySelector(".n").textContent, from = performance.now();
  let seen = 0;
  const look = () => {
    const num = root.querySelector(".card .num");
    if (!seen && num && num.textContent === n) seen = performance.now() - from;
    if (seen && root.querySelector(".card").dataset.decision) {
      bench.clicks.push([seen, performance.now() - from]);
      done();
    } else requestAnimationFrame(look);
  };
  row.click();
  requestAnimationFrame(look);
});
/* Somewhere else in the list each time, so that nothing was fetched before. */
bench.walk = async (clicks, pause, seed) => {
  for (let i = 0; i < clicks; i++) {
    const box = bench.root().querySelector(".list");
    seed = (seed * 16807) % 2147483647;
    box.scrollTop = (seed / 2147483647) * (box.scrollHeight - box.clientHeight);
    await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
    const rows = [...box.querySelectorAll(".row[aria-selected=false]")];
    await bench.click(rows[seed % rows.length]);
    await new Promise((go) => setTimeout(go, pause * (0.5 + seed / 2147483647)));
  }
};
requestAnimationFrame(bench.watch);
"""
"""Runs before the page's own scripts; times are milliseconds from the start of the navigation."""


def median(values: list[float]) -> float:
    """The middle one, to a tenth."""
    return round(statistics.median(values), 1)


def p95(values: list[float]) -> float:
    """So much or less takes all but one in twenty, to a tenth."""
    return round(sorted(values)[min(len(values) - 1, int(len(values) * 0.95))], 1)


class Tab:
    """A tab in a browser of its own kind of user: cookies and cache are nobody else's."""

    def __init__(self, browser: Any, url: str) -> None:
        self.url = url
        self.context = browser.new_context(viewport={"width": 1440, "height": 900})
        self.open()

    def open(self) -> None:
        """Begin with an empty tab; what the browser has cached stays."""
        self.tab = self.context.new_page()
        self.tab.set_default_timeout(PATIENCE_MS)
        self.tab.add_init_script(WATCH)
        self.sent: dict[str, int] = {"websocket": 0}
        self._types: dict[str, str] = {}
        self.wire = self.context.new_cdp_session(self.tab)
        # Processor time of the tab's own thread: others at work do not lengthen it.
        self.wire.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
        for name in ("Network", "Performance", "HeapProfiler"):
            self.wire.send(f"{name}.enable")
        self.wire.on("Network.responseReceived", self._received)
        self.wire.on("Network.loadingFinished", self._finished)
        self.wire.on("Network.webSocketFrameReceived", self._framed)

    def _received(self, told: dict[str, Any]) -> None:
        path = told["response"]["url"].removeprefix(self.url).split("?")[0]
        kind = "decision" if "/decisions/" in path else "run" if "/api/runs/" in path else "app"
        self._types[told["requestId"]] = kind

    def _finished(self, told: dict[str, Any]) -> None:
        kind = self._types.get(told["requestId"], "app")
        self.sent[kind] = self.sent.get(kind, 0) + int(told["encodedDataLength"])

    def _framed(self, told: dict[str, Any]) -> None:
        self.sent["websocket"] += len(told["response"]["payloadData"]) * 3 // 4  # base64

    def run(self, number: int, **query: str) -> dict[str, float]:
        """Open a run by its address; when its timeline stood there, and its first decision. ms."""
        more = "".join(f"&{name}={value}" for name, value in query.items())
        self.tab.goto(f"{self.url}/?run={run_id(number)}{more}", wait_until="commit")
        return self.drawn()

    def drawn(self) -> dict[str, float]:
        """When the timeline stood there and the first decision, once both do. ms."""
        self.tab.locator(".card[data-decision]").wait_for()
        self.tab.wait_for_timeout(50)
        found: dict[str, float] = self.tab.evaluate("({ ready: bench.ready, card: bench.card })")
        return found

    def list_with(self, number: int) -> None:
        """Show the list of runs with this one in it."""
        self.tab.goto(f"{self.url}/?q={run_id(number)}")
        row = self.tab.locator(f"a.go[data-run='{run_id(number)}']")
        row.wait_for()
        self.tab.wait_for_load_state("networkidle")

    def from_list(self, number: int) -> dict[str, float]:
        """Open the run by a click in the list that `list_with` shows."""
        self.tab.evaluate(
            "() => addEventListener('click', () => {"
            " bench.from = performance.now(); bench.ready = bench.card = null;"
            " requestAnimationFrame(bench.watch); }, { capture: true, once: true })"
        )
        self.tab.locator(f"a.go[data-run='{run_id(number)}']").click()
        return self.drawn()

    def walk(self, clicks: int, pause_ms: float) -> None:
        """Begin to click on decisions here and there; `clicks` waits for the end."""
        seed = random.Random(clicks).randrange(1, 2**31 - 1)
        self.tab.evaluate(
            "([n, pause, seed]) => { bench.clicks = []; bench.done = bench.walk(n, pause, seed); }",
            [clicks, pause_ms, seed],
        )

    def clicks(self) -> list[list[float]]:
        """Of each click: ms until its number stood on the card, and until the card was filled."""
        found: list[list[float]] = self.tab.evaluate("bench.done.then(() => bench.clicks)")
        return found

    def heap_mb(self) -> float:
        """What the tab's scripts hold after a collection. MB."""
        self.wire.send("HeapProfiler.collectGarbage")
        return round(self._metric("JSHeapUsedSize") / 1e6, 1)

    def processor_s(self) -> float:
        """Processor time that the tab's main thread has used. Seconds."""
        return self._metric("TaskDuration")

    def _metric(self, name: str) -> float:
        metrics = self.wire.send("Performance.getMetrics")["metrics"]
        found: float = next(one["value"] for one in metrics if one["name"] == name)
        return found

    def longest_task_ms(self) -> float:
        """The longest time in which the tab took no input since this was last asked. ms."""
        found: list[float] = self.tab.evaluate("() => bench.tasks.splice(0)")
        return round(max(found, default=0.0), 1)
