"""Who may pass while a breaker is half open, and what their results make of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class Trials(Protocol):
    """Who may pass while half open, and what closes or opens a breaker then."""

    def room(self, under_way: int, results: tuple[bool, ...]) -> bool:
        """Whether one more may pass, of how many are under way and what is in so far."""
        ...

    def verdict(self, results: tuple[bool, ...]) -> bool | None:
        """Of the trials' results so far (whether each failed): True opens it again, False closes
        it, None leaves it half open.
        """
        ...


@dataclass(frozen=True, slots=True)
class EachAlone:
    """Each trial is judged alone: a failure opens it again, so many successes close it."""

    at_once: float = 1
    """How many may be under way at once; infinite for everybody."""
    successes: int = 1

    def room(self, under_way: int, results: tuple[bool, ...]) -> bool:
        """Never more than may be under way, nor than could matter."""
        most = max(self.at_once, self.successes)
        return under_way < self.at_once and under_way + len(results) < most

    def verdict(self, results: tuple[bool, ...]) -> bool | None:
        """The first failure opens it; enough successes close it."""
        if any(results):
            return True
        return False if len(results) >= self.successes else None


@dataclass(frozen=True, slots=True)
class ByShare:
    """So many trials are judged together, by the share of failures among them."""

    trials: int
    share: float
    """Over 0, up to 1: failures by trials, at which it opens again."""

    def room(self, under_way: int, results: tuple[bool, ...]) -> bool:
        """So many in all, at once or not."""
        return under_way + len(results) < self.trials

    def verdict(self, results: tuple[bool, ...]) -> bool | None:
        """Nothing before all of them are in."""
        if len(results) < self.trials:
            return None
        return sum(results) >= self.share * len(results) - 1e-9


EVERYBODY = EachAlone(at_once=math.inf)
"""Everybody passes until one result is in."""
