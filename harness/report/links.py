"""Where the page shows a thing: an address beside the other reports, `report.html#/name?t=12.1`."""

from __future__ import annotations

from urllib.parse import quote

PAGE = "report.html"
"""The page's file in a report folder."""


def page_link(scenario: str, at_s: float | None = None) -> str:
    """The address of a scenario in the page, at an instant if one is given.

    What no address can hold (half of a surrogate pair, of a file's name) is a question mark there.
    """
    at = "" if at_s is None else f"?t={max(0.0, at_s):.4g}"
    return f"{PAGE}#/{quote(scenario, safe='', errors='replace')}{at}"
