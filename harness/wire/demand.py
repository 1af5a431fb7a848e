"""One request's need of one upstream, what came of it, and what of that its breaker met."""

from __future__ import annotations

from typing import Literal

from harness.frozen import Frozen
from harness.history.requests import Request
from harness.wire.attempts import Attempt

AT_ONCE_S = 0.2
"""Whoever took longer for no known reason may have asked the breaker at any time in between."""
NEARLY = 0.9
"""Of a wait that was declared: enough to say that it was waited for."""

Outcome = Literal["made", "turned away", "unseen", "unknown"]


class Demand(Frozen, kw_only=True):
    """One request's need of one upstream."""

    request: Request
    outcome: Outcome
    """`made`: it has attempts. `turned away`: it asked, and has none. `unseen`: it asked where
    nothing can be seen. `unknown`: it may not have asked at all."""
    asked_s: float
    """When it can have asked first."""
    asked_by_s: float
    """When it must have asked, if it did."""
    attempts: tuple[Attempt, ...] = ()
    loose: bool = False
    """Whether, of what nobody saw, it can't be told when it was: it may have waited elsewhere."""


class Asked(Frozen, kw_only=True):
    """A request that asked the breaker and made no attempt that anybody saw.

    `sure`: it was turned away. Else it may as well have made one that failed, unseen.
    """

    asked_s: float
    by_s: float
    request: int
    sure: bool = True
