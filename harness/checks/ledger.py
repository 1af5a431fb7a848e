"""The ledger of charges held against the requests: which charge can belong to which of them.

A charge belongs to one request of its user in whose lifetime it arrived, and each owns one at most.
What none can own is a *duplicate*. A request that says it was not charged can own one only where
the upstream's answer may have been lost on its way: such a charge is *unacknowledged*.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from harness.checks.case import Case
from harness.checks.selection import Span
from harness.contracts import Contract
from harness.history.events import Charged
from harness.history.view import FaultWindow, History, Request
from harness.scenario.faults import KINDS
from harness.wire.learned import in_life

SLACK_S = 0.05
"""How far a charge may seem to lie outside of its request's life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Charges beside the answers that own up to them."""

    charges: int
    owned: int
    """Requests answered well and charged, whose whole life lies in the window."""
    open: int
    """Requests that may own a charge: on the window's edge, or in flight when the run ended."""
    duplicates: int
    """Charges that no request can own."""
    missing: int
    """Requests said to be charged that the ledger doesn't show."""
    unacknowledged: int
    """Charges that only a request can own which says that it wasn't charged."""
    said: bool
    """Whether the target says which requests it charged."""


@dataclass(frozen=True, slots=True)
class _Life:
    """When a charge of a request can have arrived."""

    user: str | None
    start_s: float
    end_s: float


def charging(case: Case) -> tuple[str, ...]:
    """The streams whose requests are charged: as the warm-up showed, or the contract says."""
    history, contract = case.history, case.contract
    charged_s = sorted(charge.at_s for charge in history.all(Charged) if charge.at_s < 0)
    shown = [each.sent.stream for each in history.warm_up if charged_s[in_life(charged_s, each)]]
    sent = (each.sent for each in (*history.warm_up, *history.requests))
    routes = dict.fromkeys((each.stream, f"{each.method} {each.path}") for each in sent)
    by_route = (stream for stream, route in routes if _is_charged(route, contract))
    return tuple(dict.fromkeys((*shown, *by_route)))


def _is_charged(request: str, contract: Contract) -> bool:
    """Whether a request's route has an effect that happens at most once."""
    route = contract.route_of(request)
    return route is not None and route.effect is not None


def account(
    case: Case, charges: Sequence[Charged], asked: Sequence[Request], span: Span
) -> Account:
    """Hold charges against the requests that may be charged."""
    effect = case.contract.effect
    told = None if effect is None else effect.acknowledged_by
    answered = [r for r in asked if r.well]
    says = {r.sent.id: r.field(told) for r in answered if told is not None}
    said = any(isinstance(value, bool) for value in says.values())
    owners = [r for r in answered if not said or says[r.sent.id] is True]
    inside = [r for r in owners if _inside(r, span)]
    edge = [r for r in owners if not _inside(r, span) and (r.sent.at_s in span or r.end_s in span)]
    open_ = edge + [r for r in asked if r.answered is None]
    denying = [r for r in answered if said and says[r.sent.id] is False]
    ledgers = set(case.contract.ledgers)
    late_s = {r.sent.id: arrives_by_s(r, case.history, ledgers) for r in denying}
    lost = [_life(r, at_s) for r in denying if (at_s := late_s[r.sent.id]) is not None]
    sure = [_life(request) for request in inside]
    likely = sure + [_life(request) for request in open_]
    acknowledged = _matched(charges, likely)
    explained = _matched(charges, likely + lost)
    return Account(
        charges=len(charges),
        owned=len(inside),
        open=len(open_),
        duplicates=len(charges) - explained,
        missing=len(inside) - _matched(charges, sure) if said else 0,
        unacknowledged=explained - acknowledged,
        said=said,
    )


def _inside(request: Request, span: Span) -> bool:
    return any(request.sent.at_s in window and request.end_s in window for window in span.windows)


def _life(request: Request, end_s: float | None = None) -> _Life:
    until_s = request.end_s if end_s is None else end_s
    return _Life(request.sent.user, request.sent.at_s - SLACK_S, until_s + SLACK_S)


def arrives_by_s(request: Request, history: History, ledgers: Collection[str]) -> float | None:
    """When a charge of a request may arrive at the latest, if a fault may have held it or its
    answer back; None where none did.
    """
    met = [
        fault
        for fault in history.faults
        if not set(ledgers).isdisjoint(fault.upstreams)
        and fault.start_s <= request.end_s + SLACK_S
        and request.sent.at_s - SLACK_S <= fault.end_s
    ]
    return max((_last(fault, request) for fault in met), default=None)


def _last(fault: FaultWindow, request: Request) -> float:
    """When a charge that a fault met arrives at the latest."""
    held = KINDS[fault.name].holds_back and not math.isinf(fault.end_s)
    return max(request.end_s, fault.end_s) if held else request.end_s


def _matched(charges: Sequence[Charged], lives: Sequence[_Life]) -> int:
    """How many charges can each have a life of its own: the one that ends first, at each charge."""
    by_end = sorted(lives, key=lambda life: life.end_s)
    waiting = sorted(enumerate(by_end), key=lambda each: each[1].start_s, reverse=True)
    free: dict[str | None, list[tuple[float, int]]] = {life.user: [] for life in lives}
    """Lives that have begun, by user: a heap, so that it costs little to find what ends first."""
    count = 0
    for charge in sorted(charges, key=lambda charge: charge.at_s):
        while waiting and waiting[-1][1].start_s <= charge.at_s:
            index, life = waiting.pop()
            heappush(free[life.user], (life.end_s, index))
        own = [free[charge.user_id]] if charge.user_id in free else list(free.values())
        for each in own:
            while each and each[0][0] < charge.at_s:
                heappop(each)
        first = min((each for each in own if each), default=None)
        if first is not None:
            heappop(first)
            count += 1
    return count
