"""Statuses as files have them: one, or all of a class."""

from __future__ import annotations

import re


def statuses_of(said: object) -> tuple[int, int] | None:
    """The first and last that `401`, `"401"` or `4xx` stands for; None for what is no status."""
    if isinstance(said, int) and not isinstance(said, bool) and 100 <= said <= 599:
        return said, said
    if isinstance(said, str) and re.fullmatch(r"[1-5](xx|[0-9]{2})", said):
        return int(said.replace("x", "0")), int(said.replace("x", "9"))
    return None
