"""Instants worth aiming at, easy to read."""

from __future__ import annotations


def step_up(seconds: float) -> float:
    """The next half second, so that drawn instants are easy to read."""
    return -(-seconds * 2 // 1) / 2
