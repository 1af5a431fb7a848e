"""Texts from elsewhere, made fit for Markdown: nothing in them is taken for markup."""

from __future__ import annotations

import re

from harness.report.secrets import clean

_LONGEST_TEXT = 400
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")


def markdown(text: str) -> str:
    """On one line, without secrets, nothing in it taken for markup."""
    flat = " ".join(clean(text).split())
    cut = flat if len(flat) <= _LONGEST_TEXT else flat[: _LONGEST_TEXT - 3] + "..."
    return _SPECIAL.sub(r"\\\1", cut)
