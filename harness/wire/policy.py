"""The rules of a breaker as the acceptor takes them: the declared ones, or those of a rival.

A rule is data: how many failures open it, how long it waits and from when, what counts, who may
probe, what closes it. `declared` makes the contract's breaker (B1 to B6) of a target's settings;
every other policy differs from that in one thing, which `says` puts into words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from harness.policy.rules import Rule
from harness.settings import ServiceSettings
from harness.wire.attempts import Result

EITHER_S = 0.25
"""Around the end of the recovery wait either answer is right (B4), in seconds."""

Counted = Result | None
"""What an attempt is to a breaker; None stands for one that isn't counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One breaker's rules."""

    says: str = "the declared breaker"
    """What a gateway with it does, to follow "it behaves as one that"."""
    claims: tuple[str, ...] = ()
    """What it breaks, where it isn't the declared one."""
    rule: Rule | None = None
    """What opens it, where that isn't failures in a row; then the next two mean nothing."""
    least: int
    """So many failures in a row may open it..."""
    most: float
    """... and so many do; infinite for never."""
    wait_s: float
    """How long it stays open at the least, give or take `either_s`."""
    wait_most_s: float
    """How long at the most before the next request is its probe; infinite for never."""
    either_s: float = EITHER_S
    by_call: bool = False
    """Whether a call counts once, with its last attempt, rather than each of its attempts."""
    rechecks: bool = True
    """Whether it is asked again before a retry (B6)."""
    resets: bool = True
    """Whether a success ends the run of failures (B1)."""
    counts: tuple[tuple[str, Counted], ...] = ()
    """What counts otherwise than B1 says: endings (see `outcomes`), and what each is instead."""
    slow_s: float = math.inf
    """How long a success may take and still be one."""
    probes: float = 1
    """How many may be under way while it is half open (B4)."""
    successes: int = 1
    """How many successful probes close it."""
    failed_probe: str = "opens"
    """What a failed probe does: `opens` it for a full wait, `closes` it, or `nothing`."""
    sticks: frozenset[str] = frozenset()
    """Endings of a probe that it never hears of: the slot stays taken."""
    stragglers: str = "nothing"
    """What a result from before the trip does: `nothing`, `restarts` the wait, `closes` it."""
    clears: bool = True
    """Whether the run of failures begins anew when it closes."""
    restarted_by_rejections: bool = False
    """Whether each request that it turns away begins the wait anew."""
    overruled: bool = False
    """Whether a request that it turns away while half open opens it again."""
    from_start: bool = False
    """Whether the wait is counted from the start of the call that tripped it."""
    forgets_s: float = math.inf
    """How old a failure may be and still count (B2: however old)."""


def declared(settings: ServiceSettings) -> Policy:
    """The contract's breaker with a target's own numbers."""
    return Policy(
        least=settings.threshold,
        most=settings.threshold,
        wait_s=settings.wait_s,
        wait_most_s=settings.wait_s,
        by_call=settings.per_call,
        rule=settings.rate,
        probes=settings.trials,
    )


def any_threshold(settings: ServiceSettings) -> Policy:
    """The declared breaker, but for how many failures open it: any number, or none.

    For what can be said of an opening where nothing was seen.
    """
    likes = "opens when it likes"
    return replace(declared(settings), says=likes, rule=None, least=1, most=math.inf)
