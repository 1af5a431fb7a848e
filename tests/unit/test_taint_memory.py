"""Secrets of past plays take no room, and those that aren't there hardly any time."""

from __future__ import annotations

import re
import tracemalloc

import pytest

from harness.taint import REDACTED, Taint


def memory_after(plays: int) -> int:
    for number in range(plays):
        secrets = [f"a-token-of-play-{number:06}-{user}" for user in range(3)]
        Taint(secrets).text(secrets[0])
    return tracemalloc.get_traced_memory()[0]


def test_what_a_play_looked_for_is_forgotten_after_it() -> None:
    """What `re` keeps of its own accord is little: it only knows what was found."""
    tracemalloc.start()
    try:
        before = memory_after(64)
        assert memory_after(128) - before < 150_000
    finally:
        tracemalloc.stop()


def test_no_pattern_is_made_of_what_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    compiled = re.compile
    monkeypatch.setattr(re, "compile", lambda text: asked.append(text) or compiled(text))
    taint = Taint(["a token/of ada", "a token of bob"])
    assert taint.text("nobody's line") == "nobody's line"
    assert asked == []
    assert taint.text("ada has a%20token/of%20ada here") == f"ada has {REDACTED} here"
    assert len(asked) == 1
    assert "bob" not in asked[0]
