"""The ledger of charges held against the requests: which charge can belong to which of them.

A charge belongs to one request of its user in whose lifetime it arrived, and each owns one at most.
What none can own is a *duplicate*. A request that says it was not charged can own one only where
the upstream's answer may have been lost on its way: such a charge is *unacknowledged*.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from harness.checks.case import Case
from harness.checks.selection import Span
from harness.contracts import Contract
from harness.frozen import Frozen
from harness.history.columns import column
from harness.history.events import Charged
from harness.history.requests import Request
from harness.history.view import FaultWindow
from harness.scenario.faults import KINDS
from harness.wire.learned import in_life

_SLACK_S = 0.3
"""How far a charge may seem to lie outside of its request's life."""


class Balance(Frozen, kw_only=True):
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


def charging(case: Case) -> tuple[str, ...]:
    """The streams whose requests are charged: as the warm-up showed, or the contract says."""
    history, contract = case.history, case.contract
    charged_s = sorted(charge.at_s for charge in history.all(Charged) if charge.at_s < 0)
    shown = [each.stream for each in history.warm_up if charged_s[in_life(charged_s, each)]]
    told = (column(history.sent, name) for name in ("stream", "method", "path"))
    routes = dict.fromkeys(zip(*told, strict=True))
    by_route = (s for s, method, path in routes if _is_charged(f"{method} {path}", contract))
    return tuple(dict.fromkeys((*shown, *by_route)))


def _is_charged(request: str, contract: Contract) -> bool:
    """Whether a request's route has an effect that happens at most once."""
    route = contract.route_of(request)
    return route is not None and route.effect is not None


def balance(
    case: Case, charges: Sequence[Charged], asked: Sequence[Request], span: Span
) -> Balance:
    """Hold charges against the requests that may be charged."""
    effect = case.contract.effect
    told = None if effect is None else effect.acknowledged_by
    answered = [r for r in asked if r.well]
    says = {r.id: r.field(told) for r in answered if told is not None}
    said = any(isinstance(value, bool) for value in says.values())
    owners = [r for r in answered if not said or says[r.id] is True]
    inside = [r for r in owners if _inside(r, span)]
    edge = [r for r in owners if not _inside(r, span) and (r.at_s in span or r.end_s in span)]
    open_ = edge + [r for r in asked if r.unanswered]
    denying = [r for r in answered if said and says[r.id] is False]
    faults = _faults(case)
    lost = [r for r in denying if _held_until_s(r, faults) is not None]
    likely = inside + open_
    acknowledged = Payers(case, likely, charges)
    explained = Payers(case, likely + lost, charges)
    return Balance(
        charges=len(charges),
        owned=len(inside),
        open=len(open_),
        duplicates=len(explained.unowned),
        missing=len(Payers(case, inside, charges).without) if said else 0,
        unacknowledged=len(acknowledged.unowned) - len(explained.unowned),
        said=said,
    )


def _inside(request: Request, span: Span) -> bool:
    return any(request.at_s in window and request.end_s in window for window in span.windows)


class Payers:
    """Requests that may be charged: a charge belongs to the one in whose life it lies that ends
    first, if it is of that user, or of a user whom no request names.
    """

    def __init__(self, case: Case, requests: Iterable[Request], charges: Iterable[Charged]) -> None:
        self._case = case
        by_user: dict[str | None, list[Request]] = defaultdict(list)
        for request in requests:
            by_user[request.user].append(request)
        faults = _faults(case)
        self._lives = {user: _Lives(own, faults) for user, own in by_user.items()}
        in_order = sorted(charges, key=lambda charge: charge.at_s)
        self.unowned = [charge for charge in in_order if not self._take(charge)]
        """The charges that none of them can own, in order."""

    def _take(self, charge: Charged) -> bool:
        at_s = charge.at_s
        slack_s = _SLACK_S + self._case.late_at_s(at_s)
        own = self._lives.get(charge.user_id)
        found = [
            (lives.ends_s[place], place, lives)
            for lives in (self._lives.values() if own is None else (own,))
            if (place := lives.first(at_s, slack_s)) is not None
        ]
        if not found:
            return False
        _, place, lives = min(found, key=lambda each: each[:2])
        lives.take(place)
        return True

    @property
    def without(self) -> list[Request]:
        """Those that own no charge, by their end."""
        found = (request for lives in self._lives.values() for request in lives.free)
        return sorted(found, key=lambda request: request.end_s)


class _Lives:
    """The requests of one user by when a charge may arrive at the latest; each is taken once."""

    def __init__(self, requests: Iterable[Request], faults: Sequence[FaultWindow]) -> None:
        ends = ((max(r.end_s, _held_until_s(r, faults) or 0.0), r.at_s, r) for r in requests)
        lives = sorted(ends, key=lambda each: each[:2])
        self._requests = [request for _, _, request in lives]
        self.ends_s = [end_s for end_s, _, _ in lives]
        self._begun_s = [sent_s for _, sent_s, _ in lives]
        self._earliest_s = list(accumulate(reversed(self._begun_s), min))[::-1]
        """When the first begins of those from each on."""
        self._next = list(range(len(lives) + 1))
        """Where the next free one may be, of each and of the end."""

    def first(self, at_s: float, slack_s: float) -> int | None:
        """The free one that ends first of those under way at an instant; None if there is none."""
        place = self._free(bisect_left(self.ends_s, at_s - slack_s))
        while place < len(self.ends_s) and self._earliest_s[place] <= at_s + slack_s:
            if self._begun_s[place] <= at_s + slack_s:
                return place
            place = self._free(place + 1)
        return None

    def take(self, place: int) -> None:
        """It is free no longer."""
        self._next[place] = place + 1

    def _free(self, place: int) -> int:
        while self._next[place] != place:
            self._next[place] = self._next[self._next[place]]  # half as far for the next one
            place = self._next[place]
        return place

    @property
    def free(self) -> Iterator[Request]:
        """Those that nobody has taken."""
        return (each for k, each in enumerate(self._requests) if self._next[k] == k)


def _held_until_s(request: Request, faults: Sequence[FaultWindow]) -> float | None:
    """When a charge of a request may arrive at the latest, if one of these faults may have held it
    or its answer back; None where none did.
    """
    start_s, end_s = request.at_s - _SLACK_S, request.end_s + _SLACK_S
    return max(
        (_last(each, request) for each in faults if each.meets(start_s, end_s)), default=None
    )


def _faults(case: Case) -> Sequence[FaultWindow]:
    """The faults that hit a ledger."""
    ledgers = set(case.contract.ledgers)
    return [fault for fault in case.history.faults if not ledgers.isdisjoint(fault.upstreams)]


def _last(fault: FaultWindow, request: Request) -> float:
    """When a charge that a fault met arrives at the latest."""
    held = KINDS[fault.name].holds_back and not math.isinf(fault.end_s)
    return max(request.end_s, fault.end_s) if held else request.end_s
