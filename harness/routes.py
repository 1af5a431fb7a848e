"""Routes as authors write them, matched against calls."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(4096)  # asked for each call, of which there are few kinds
def route_matches(route: str, called_route: str, path: str) -> bool:
    """Whether a route as authors write it (`GET /stock`, `*` for one segment) covers a call.

    A route covers the paths below it, so `GET /stock` covers `GET /stock/7`.
    """
    method, _, pattern = route.partition(" ")
    if method != called_route.partition(" ")[0]:
        return False
    wanted = _segments(pattern)
    given = _segments(path.partition("?")[0])
    pairs = zip(wanted, given, strict=False)
    return len(given) >= len(wanted) and all(w in ("*", g) for w, g in pairs)


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]
