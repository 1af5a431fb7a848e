"""The page's style and script, read from the package; nothing is fetched or built."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Literal

Page = Literal["report", "live", "pair"]

_SCRIPTS = (
    "data.js",
    "words.js",
    "elements.js",
    "theme.js",
    "view.js",
    "marks.js",
    "pen.js",
    "lanes.js",
    "timeline.js",
    "request.js",
    "tables.js",
    "scenario.js",
    "overview.js",
    "routing.js",
)
"""In order: what one file names, an earlier one says."""
_MORE = {"report": (), "live": ("live.js",), "pair": ("pair.js",)}
"""What a page that follows a run, or one of two runs, has beside that."""
_LAST = "main.js"
_STYLES = ("vendor/uPlot.min.css", "page.css")
_LIBRARY = "vendor/uPlot.iife.min.js"
_LICENCE = "vendor/uPlot.LICENSE"


@cache
def read(name: str) -> str:
    """One file of this package."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


@cache
def script(page: Page = "report") -> str:
    """The library and the page's own script, in one scope of its own."""
    own = "\n".join(read(name) for name in (*_SCRIPTS, *_MORE[page], _LAST))
    licence = read(_LICENCE).replace("*/", "* /")
    return f'/*! uPlot\n{licence}*/\n{read(_LIBRARY)}\n(() => {{\n"use strict";\n{own}\n}})();\n'


@cache
def style() -> str:
    """All rules."""
    return "\n".join(read(name) for name in _STYLES)


def policy(page: Page = "report") -> str:
    """A content security policy: this style and this script may run, and nothing may be fetched.

    A page that follows a run may fetch from where it came from, and take in what the harness wrote.
    """
    rules = {
        "default-src": "'none'",
        "script-src": _hash(script(page)),
        "style-src": _hash(style()),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        **({"connect-src": "'self'", "trusted-types": "live"} if page == "live" else {}),
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
