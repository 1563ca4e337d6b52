"""A headless browser that reaches nothing but files and the test's own server.

Without Chromium the tests that need it are skipped; with CHATCIJFERS_NEEDS_BROWSER=1 they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Route,
    sync_playwright,
)

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# What WCAG 2.2 AA asks for.
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WIDE = (1400, 1000)
NARROW = (390, 844)


@dataclass
class Visit:
    """A page with all that it asked for, and what it complained about.

    `requests` are the addresses that were asked for, `blocked` those of other hosts, which got no
    answer, and `complaints` the errors and warnings of the console, and what was raised.
    """

    page: Page
    requests: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def accessibility_violations(self) -> list[str]:
        """Have axe hold the page against WCAG 2.2 AA, and give what it finds."""
        options = {"runOnly": {"type": "tag", "values": STANDARDS}}
        found = Axe().run(self.page, options=options).response["violations"]
        return [
            f"{one['id']}: {node['target']} {node.get('failureSummary', '')}"
            for one in found
            for node in one["nodes"]
        ]

    def is_too_wide(self) -> bool:
        """Tell whether the page has to be pushed sideways to be read."""
        return self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )


def find_chromium() -> str:
    """Find Chromium; without one, skip the test, or fail it if a browser has to be there."""
    for program in PROGRAMS:
        if path := shutil.which(program):
            return path
    reason = f"there is no browser here: none of {', '.join(PROGRAMS)}"
    if os.environ.get("CHATCIJFERS_NEEDS_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start a headless Chromium."""
    program = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(
    browser: Browser, size: tuple[int, int] = WIDE, own_host: str = "", **options: object
) -> Iterator[Visit]:
    """Open a page that reaches files and `own_host` (`127.0.0.1:PORT`) and nothing else."""
    context: BrowserContext = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, **options
    )
    try:
        seen = Visit(context.new_page())
        context.route("**/*", lambda route: _let_through(route, seen, own_host))
        seen.page.on("console", lambda message: _listen(message, seen))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        yield seen
    finally:
        context.close()


def _let_through(route: Route, seen: Visit, own_host: str) -> None:
    address = urlsplit(route.request.url)
    seen.requests.append(route.request.url)
    if address.scheme in ("file", "data", "blob") or address.netloc == own_host:
        route.continue_()
    else:
        seen.blocked.append(route.request.url)
        route.abort()


def _listen(message: ConsoleMessage, seen: Visit) -> None:
    if message.type in ("error", "warning"):
        seen.complaints.append(message.text)


def links(page: Page) -> list[str]:
    """List the addresses that a page links to, as the browser resolves them."""
    return page.eval_on_selector_all("a[href]", "found => found.map(one => one.href)")


def take_picture(page: Page, path: Path) -> None:
    """Write a picture of the whole page."""
    page.screenshot(path=path, full_page=True)
