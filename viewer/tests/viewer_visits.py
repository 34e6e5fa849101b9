"""A browser tab that notes whatever must not happen."""

import re

from playwright.sync_api import Error as PlaywrightError
from viewer_processes import run_id

# Chromium drops every request, also on loopback, when any network interface of the machine changes
# (a container starts somewhere). That says nothing about the page.
DROPPED = "ERR_NETWORK_CHANGED"

# Streamlit looks for its server below a deep address first, then at the root.
PROBE = re.compile(r"/(sql|audit|runs|review|health|compare)/_stcore/(health|host-config)$")


class Visit:
    """One tab that notes whatever must not happen."""

    def __init__(self, browser, base, scheme="light", zone="Europe/Berlin"):
        self.base = base
        self.context = browser.new_context(
            viewport={"width": 1440, "height": 900},
            color_scheme=scheme,
            timezone_id=zone,
        )
        self.tab = self.context.new_page()
        self.outside: list[str] = []
        self.errors: list[str] = []
        self.dropped = False
        self.tab.on("request", self._asked)
        self.tab.on("requestfailed", self._failed)
        self.tab.on("console", self._said)
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))

    def _asked(self, request):
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.outside.append(request.url)

    def _failed(self, request):
        self.dropped = self.dropped or DROPPED in (request.failure or "")

    def _said(self, message):
        expected = PROBE.search(message.location.get("url", "")) or DROPPED in message.text
        if message.type == "error" and not expected:
            self.errors.append(f"{message.text} {message.location}")

    def open(self, path):
        """Go to *path*; again when the machine's network changed under the page's requests."""
        for _ in range(4):
            self.dropped = False
            try:
                self.tab.goto(self.base + path, wait_until="networkidle")
            except PlaywrightError as error:
                if DROPPED not in str(error):
                    raise
                continue
            if not self.dropped:
                break
        return self.tab

    def run(self, number, **query):
        """Open a run and wait until its skeleton is drawn."""
        more = "".join(f"&{name}={value}" for name, value in query.items())
        self.open(f"/?run={run_id(number)}{more}")
        self.tab.locator(".tw[data-ready=true]").wait_for()
        return self.tab

    @property
    def decision(self):
        """The decision that the address names."""
        found = re.search(r"decision=([^&]+)", self.tab.url)
        return found[1].replace("%3A", ":") if found else None
