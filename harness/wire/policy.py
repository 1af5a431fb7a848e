"""The rules of a breaker as the acceptor takes them: the declared ones, or those of a rival.

A policy is made of objects of `harness.policy`, which alone know what they are called. `declared`
makes it of a target's settings; every other one differs from that in one thing, which `says` puts
into words.
"""

from __future__ import annotations

import math

from msgspec import field
from msgspec.structs import replace

from harness.frozen import Frozen
from harness.policy.counting import Counted, Counting
from harness.policy.rules import Rule
from harness.policy.settings import ServiceSettings
from harness.policy.trials import Trials
from harness.policy.unknown import Anytime
from harness.policy.waits import EITHER_S, Wait


class Policy(Frozen, kw_only=True):
    """One breaker's rules."""

    says: str = "the declared breaker"
    """What a gateway with it does, to follow "it behaves as one that"."""
    breaks: tuple[str, ...] = ()
    """The promises that it breaks, where it isn't the declared one."""
    opens: Rule
    """What opens it."""
    wait: Wait
    """How long it stays open, give or take `either_s`."""
    either_s: float = EITHER_S
    trials: Trials
    """Who may pass while it is half open, and what closes it."""
    counting: Counting = field(default_factory=Counting)
    """What each attempt is to it."""
    rechecks: bool = True
    """Whether it is asked again before a retry (B6)."""
    past: frozenset[str] = frozenset()
    """Routes of the upstream whose calls it is never asked about."""
    sticks: frozenset[str] = frozenset()
    """Endings of a probe that it never hears of: the slot stays taken."""
    probed: tuple[tuple[str, Counted], ...] = ()
    """Endings of a probe that count otherwise than they do for other attempts."""
    slot_s: float = math.inf
    """About how long a trial keeps its place, from its start, whatever has become of it."""
    stragglers: str = "nothing"
    """What a result from before the trip does: `nothing`, `restarts` the wait, `closes` it."""
    clears: bool = True
    """Whether its rule begins anew when it closes."""
    forgives: bool = True
    """Whether it waits as the first time again once it has closed."""
    restarted_by_rejections: bool = False
    """Whether each request that it turns away begins the wait anew."""
    overruled: bool = False
    """Whether a request that it turns away while half open opens it again."""
    from_start: bool = False
    """Whether the wait is counted from the start of the attempt that tripped it."""


def declared(settings: ServiceSettings) -> Policy:
    """The breaker that a target declares."""
    return Policy(
        opens=settings.breaker.opens,
        wait=settings.breaker.wait,
        trials=settings.breaker.trials,
        stragglers="restarts" if settings.breaker.restarted else "nothing",
        counting=settings.counting,
        rechecks=settings.rechecks,
    )


def any_threshold(settings: ServiceSettings) -> Policy:
    """The declared breaker, but for how many failures open it: any number, or none.

    For what can be said of an opening where nothing was seen.
    """
    return replace(declared(settings), says="opens when it likes", opens=Anytime())
