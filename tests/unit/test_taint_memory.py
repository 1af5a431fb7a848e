"""Secrets of past plays take no room."""

from __future__ import annotations

import tracemalloc

from harness.taint import Taint


def memory_after(plays: int) -> int:
    for number in range(plays):
        secrets = [f"a-token-of-play-{number:06}-{user}" for user in range(3)]
        Taint(secrets).text(secrets[0])
    return tracemalloc.get_traced_memory()[0]


def test_what_a_play_looked_for_is_forgotten_after_it() -> None:
    """At the same distance from the last time that something was forgotten."""
    tracemalloc.start()
    try:
        before = memory_after(64)
        assert memory_after(128) - before < 150_000
    finally:
        tracemalloc.stop()
