"""Routes as authors write them: what was meant by one that is none, or that no call could match."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from harness.scenario.spelling import nearest

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")

_PLACEHOLDER = re.compile(r"\{[^/]*\}|<[^/]*>|\[[^/]*\]")
"""How routers write "anything here": FastAPI, Flask and others, also as a part of a segment."""
_WHOLE = re.compile(rf"{_PLACEHOLDER.pattern}|:[A-Za-z_]\w*|\$[A-Za-z_]\w*|\*\*")
"""The same for whole segments, where Express and the like write `:name`."""


def meant_route(text: str) -> str:
    """`; did you mean 'GET /stock'?` for a route that was nearly one, or an empty text."""
    words = text.split()
    if not words or len(words) > 2:
        return ""
    written, path = (words[0], words[1]) if len(words) == 2 else ("", words[0])
    if not written and "/" not in path:
        return ""
    method = nearest(written.upper(), METHODS) if written else "GET"
    if "://" in path:
        parts = urlsplit(path)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
    path = path if path.startswith("/") else f"/{path}"
    return "" if method is None else f"; did you mean '{method} {path}'?"


def unmatchable(route: str) -> str | None:
    """Why no call could ever match a route, and what to write instead; None where one could.

    `*` stands for one segment, and a route covers the paths below it, which `**` at its end says.
    """
    method, _, path = route.partition(" ")
    plain, mark, _ = path.partition("?")
    if mark or "#" in path:
        plain = plain.partition("#")[0]
        return (
            f"calls are told apart by their path alone: write '{method} {plain}', without "
            f"{'a query' if mark else 'a fragment'}"
        )
    segments = path.split("/")
    if segments[-1] == "**":  # whatever lies below, as without it
        segments.pop()
    if "**" in segments:
        return "** stands at a route's end, for whatever lies below; * is any one segment"
    wild = next((each for each in segments if each != "*" and _starred(each) == "*"), None)
    if wild is None:
        return None
    meant = f"{method} {'/'.join(_starred(each) for each in segments)}"
    if _WHOLE.fullmatch(wild):
        return f"{wild} is no placeholder here: write '{meant}', where * is any one segment"
    return f"{wild} matches only itself: write '{meant}', where * is any one segment"


def _starred(segment: str) -> str:
    placed = "*" in segment or _WHOLE.fullmatch(segment) or _PLACEHOLDER.search(segment)
    return "*" if placed else segment
