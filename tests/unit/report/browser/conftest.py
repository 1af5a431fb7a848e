"""A real Chromium, and pages written for it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
"""Started as root on a machine without a display, and without asking anybody for anything."""
_PATIENCE_MS = 60_000
"""What must come is waited for so long: beside tests that keep time, processors are seldom free."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser; without one a skip, or a failure if OUTAGE_REQUIRE says so.

    For one module at a time: as long as it runs, no other test may run an event loop.
    """
    from playwright.sync_api import Error, expect, sync_playwright

    expect.set_options(timeout=_PATIENCE_MS)

    found = next(filter(None, map(shutil.which, _NAMES)), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=list(_QUIET))
        except Error as error:
            why = f"no Chromium starts: {error.message.splitlines()[0]}"
            if "browser" in os.environ.get("OUTAGE_REQUIRE", "").split(","):
                pytest.fail(f"OUTAGE_REQUIRE names browser, but {why}")
            pytest.skip(f"{why} (`apt-get install chromium`, or `playwright install chromium`)")
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page, offline; at the end nothing may have been said on its console, or fetched."""
    contexts, said, fetched = [], [], []

    def go(path: Path, address: str = "", *, width: int = 1600, **more: Any) -> Any:
        size = {"width": width, "height": 844 if width < 700 else 1000}
        context = chromium.new_context(viewport=size, offline=True, **more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(error.stack))
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: fetched.append(request.url))
        page.goto(f"{path.as_uri()}{address}")
        return page

    yield go
    for context in contexts:
        context.close()
    assert said == []
    assert [url for url in fetched if not url.startswith(("file:", "data:"))] == []
