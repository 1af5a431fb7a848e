"""What the faults of a scenario make of one attempt: how it ends, when, and whether work was done.

Every kind of fault is one of three: it answers otherwise, it answers later, or it cuts the attempt
short (at once, at the deadline, or when it is lifted). Claims: B1, B8; design, *Outage kinds*.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.contract.breaker import Outcome
from harness.routes import route_matches
from harness.scenario import faults as kinds
from harness.scenario.faults import FaultBase

_ANSWER_BYTES = 60
_HEADER_BYTES = 150
"""Sizes of a typical answer, for the faults that slow its bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """One attempt: what the breaker makes of it, when it ends, what the route has got."""

    outcome: Outcome
    end_s: float
    status: int | None = 200
    agreed: bool = True
    """Whether the answer's JSON is what was agreed."""
    json: Any = None
    """The answer's JSON where a fault replaces it."""
    executed: bool = True
    """Whether the upstream did the work (a charge)."""


@dataclass(slots=True)
class Armed:
    """A fault with its window, and how many calls it has met."""

    fault: FaultBase
    start_s: float
    end_s: float
    met: int = 0

    def hits(self, now_s: float, route: str, rng: random.Random) -> bool:
        """Whether it hits a call of a route, which it counts if so (`first`, `calls`, `share`)."""
        if not self.start_s <= now_s < self.end_s:
            return False
        if self.fault.on is not None and not route_matches(
            self.fault.on, route, route.partition(" ")[2]
        ):
            return False
        self.met += 1
        counted = self.fault.counted
        if counted is not None and self.met not in counted:
            return False
        if self.fault.one_in is not None and (self.met - 1) % self.fault.one_in:
            return False
        share = min(self.fault.share, getattr(self.fault, "toxicity", 1.0))
        return share >= 1 or rng.random() < share


class Effects:
    """The faults of one upstream in one run, with their counts."""

    def __init__(self, armed: Sequence[Armed], rng: random.Random) -> None:
        self._armed = armed
        self._rng = rng

    def idle(self, now_s: float) -> bool:
        """Whether no fault is in force."""
        return not any(armed.start_s <= now_s < armed.end_s for armed in self._armed)

    def attempt(
        self, now_s: float, route: str, deadline_s: float, usual_s: float, user: str | None
    ) -> Attempted:
        """One attempt that leaves now; `usual_s` is how long a healthy one takes."""
        hitting = [a for a in self._armed if a.hits(now_s, route, self._rng)]
        late_s = usual_s + sum(_slowness(a.fault, self._rng) for a in hitting)
        answer = Attempted(outcome=Outcome.SUCCESS, end_s=now_s + late_s)
        for armed in hitting:
            if (cut_s := _cut_s(armed, now_s, usual_s)) is not None:
                # Silence that is lifted in time is an answer after all; else the deadline decides.
                answer = _cut(armed.fault, cut_s, late_s)
                break
        else:
            for armed in hitting:
                if (other := _other_answer(armed.fault, route, answer.end_s, user)) is not None:
                    answer = other
                    break
        if answer.end_s - now_s >= deadline_s:
            return Attempted(
                outcome=Outcome.FAILURE,
                end_s=now_s + deadline_s,
                status=None,
                executed=answer.executed,
            )
        return answer


_AT_ONCE = (kinds.Refused, kinds.Empty, kinds.Kill, kinds.Disconnect)
_UNTIL_LIFTED = (kinds.Blackhole, kinds.RequestLost, kinds.ReplyLost)
_LATE_WHEN_LIFTED = (kinds.Stall, kinds.Pause)


def _cut_s(armed: Armed, now_s: float, usual_s: float) -> float | None:
    """When a fault ends the attempt; None if it leaves it alone."""
    fault = armed.fault
    if isinstance(fault, _AT_ONCE):
        return now_s + usual_s
    if isinstance(fault, kinds.Reset):
        return now_s + fault.timeout + usual_s
    if isinstance(fault, kinds.Timeout):
        lifted_s = armed.end_s + usual_s
        return min(lifted_s, now_s + fault.timeout + usual_s) if fault.timeout else lifted_s
    if isinstance(fault, _UNTIL_LIFTED):
        # A stub that was told to be silent stays so towards those whom it has met.
        return math.inf if fault.selective else armed.end_s + usual_s
    if isinstance(fault, _LATE_WHEN_LIFTED):
        return armed.end_s + usual_s
    if isinstance(fault, kinds.Unanswered):
        return _retransmitted_s(now_s, armed.end_s) + usual_s
    if isinstance(fault, kinds.LimitData) and fault.bytes < _HEADER_BYTES:
        return now_s + usual_s
    return None


def _cut(fault: FaultBase, cut_s: float, late_s: float) -> Attempted:
    if isinstance(fault, (*_LATE_WHEN_LIFTED, kinds.Unanswered)):
        return Attempted(outcome=Outcome.SUCCESS, end_s=cut_s + late_s)
    executed = isinstance(fault, kinds.ReplyLost)
    return Attempted(outcome=Outcome.FAILURE, end_s=cut_s, status=None, executed=executed)


def _retransmitted_s(start_s: float, lifted_s: float) -> float:
    """When a connect that got no answer is tried again after the lift: 1, 3, 7, 15... s."""
    wait_s = 1.0
    while start_s + wait_s < lifted_s:
        wait_s = 2 * wait_s + 1
    return start_s + wait_s


def _slowness(fault: FaultBase, rng: random.Random) -> float:
    """Seconds that a fault adds to an answer."""
    if isinstance(fault, kinds.Delay):
        return fault.delay
    if isinstance(fault, kinds.Latency):
        ways = 2 if fault.stream == "both" else 1
        return ways * max(0.0, fault.latency + rng.uniform(-fault.jitter, fault.jitter))
    if isinstance(fault, kinds.Bandwidth):
        return (_HEADER_BYTES + _ANSWER_BYTES) / max(1, fault.rate)
    if isinstance(fault, kinds.Slicer):
        return fault.delay * (_HEADER_BYTES + _ANSWER_BYTES) / fault.average_size
    if isinstance(fault, kinds.Drip):
        return fault.every * (_HEADER_BYTES if fault.part == "headers" else _ANSWER_BYTES)
    return 0.0


def _other_answer(fault: FaultBase, route: str, end_s: float, user: str | None) -> Attempted | None:
    """What the service says instead; None if the fault leaves the answer alone."""
    match fault:
        case kinds.Status():
            return _status(fault.status, end_s)
        case kinds.Truncate() | kinds.Undecodable():
            return Attempted(outcome=Outcome.FAILURE, end_s=end_s, status=None)
        case kinds.Malformed():
            return Attempted(outcome=Outcome.SUCCESS, end_s=end_s, agreed=False)
        case kinds.Json():
            return _status(fault.status, end_s, json=fault.json_)
        case kinds.Headers() if fault.status is not None:
            return _status(fault.status, end_s)
        case kinds.Revoke() if route == "POST /verify_token" and fault.user == user:
            return _status(200, end_s, json={"valid": False})
    return None


def _status(status: int, end_s: float, json: Any = None) -> Attempted:
    """B1: 500 and more is a failure, 429 neutral, all else a success."""
    failed = Outcome.FAILURE if status >= 500 else Outcome.SUCCESS
    return Attempted(
        outcome=Outcome.NEUTRAL if status == 429 else failed,
        end_s=end_s,
        status=status,
        json=json,
        executed=False,
    )
