"""Makes the README's picture of a report, light and dark: `python docs/picture.py [CHROMIUM]`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
SCENARIO = "auth_503_50s"
SIZE = {"width": 1200, "height": 1000}


def main() -> None:
    """Play one outage against the naive gateway, and photograph its page."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["run", SCENARIO, "--engine", "sim", "--target", "naive", "--report", folder]
        subprocess.run([sys.executable, "-m", "harness", *words], cwd=HERE.parent, check=False)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=next(iter(sys.argv[1:]), None))
            for scheme, name in (("light", "report.png"), ("dark", "report-dark.png")):
                page = browser.new_page(viewport=SIZE, color_scheme=scheme)
                page.goto(f"{(Path(folder) / 'report.html').as_uri()}#/{SCENARIO}")
                page.locator("canvas").first.wait_for()
                page.wait_for_timeout(500)
                page.screenshot(path=HERE / name)
            browser.close()


if __name__ == "__main__":
    main()
