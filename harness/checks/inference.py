"""A breaker's states, inferred from what crosses the wire.

A breaker lives in the target, out of sight. What shows: attempts at the upstream (`attempts.py`),
and requests that were answered at once without one, which are rejections. It opened between the
last attempt and the first rejection, at the failure that tripped it; the first attempt after that
is its probe; it closed if the probe succeeded and the next request was not rejected.

The target's status endpoint and log are further evidence: they narrow an instant where the wire
leaves room, and are reported as a conflict where they contradict it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.checks.attempts import (
    Attempt,
    attempts_at,
    implied_attempts,
    implied_retries,
    kept_alive_attempts,
)
from harness.checks.demands import demands_on, is_rejection
from harness.history.view import History, Request
from harness.scenario.faults import KINDS
from harness.settings import ServiceSettings
from harness.units import Window
from harness.verdict import Transition

_TIE_S = 0.05
"""How far apart a gateway's own order of events and the wire's may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """An attempt that an open breaker let through, and how it ended."""

    attempt: Attempt
    together: int
    """Attempts made while it was in flight, itself included: 1 is right (B4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """What the wire says of one breaker."""

    upstream: str
    transitions: tuple[Transition, ...] = ()
    open_windows: tuple[Window, ...] = ()
    probes: tuple[Probe, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    demands: tuple[Request, ...] = ()
    rejected: tuple[Request, ...] = ()
    late: tuple[Attempt, ...] = ()
    """Attempts made while it was open that are no probes: retries that should not be (B6)."""
    unknown: tuple[Request, ...] = ()
    """Requests of which nothing can tell whether they were rejected."""
    conflicts: tuple[str, ...] = ()

    @property
    def opened(self) -> Transition | None:
        """Its first opening."""
        return next((t for t in self.transitions if t.state == "open"), None)

    @property
    def closed(self) -> Transition | None:
        """Its last closing, if it stayed closed."""
        last = self.transitions[-1] if self.transitions else None
        return last if last is not None and last.state == "closed" else None


def infer(history: History, upstream: str, settings: ServiceSettings) -> Inference:
    """The states of one upstream's breaker over a run."""
    return _Reader(history, upstream, settings).read()


class _Reader:
    """Walks through attempts and demands in time, one state after another."""

    def __init__(self, history: History, upstream: str, settings: ServiceSettings) -> None:
        self.history = history
        self.upstream = upstream
        self.settings = settings
        self.demands = demands_on(history, upstream)
        seen = [self._given_up(attempt) for attempt in attempts_at(history, upstream)]
        implied = implied_attempts(history, upstream, self.demands, settings)
        kept = kept_alive_attempts(history, upstream, self.demands, seen, settings)
        self.attempts = tuple(sorted((*seen, *implied, *kept), key=lambda a: a.start_s))
        self.starts = [attempt.start_s for attempt in self.attempts]
        own = [
            (r, is_rejection(history, upstream, r, self.attempts, self.starts, settings))
            for r in self.demands
        ]
        self.rejected = tuple(r for r, rejected in own if rejected)
        self.unknown = tuple(r for r, rejected in own if rejected is None)
        self.transitions: list[Transition] = []
        self.windows: list[Window] = []
        self.probes: list[Probe] = []
        self.late: list[Attempt] = []
        self.conflicts: list[str] = []

    def _given_up(self, attempt: Attempt) -> Attempt:
        """An attempt whose end nothing saw: at its deadline, or when a lift hung up on it.

        Real Toxiproxy tells of connections only that it accepted them.
        """
        if attempt.source == "proxy" or not math.isinf(attempt.end_s):
            return attempt
        lifts = [f.end_s for f in self.history.faults if f.end_s > attempt.start_s]
        end_s = min([attempt.start_s + self.settings.timeout_s, *lifts])
        return replace(attempt, end_s=end_s) if end_s <= self.history.end_s else attempt

    def read(self) -> Inference:
        since_s = 0.0
        while (first := self._first_rejection(since_s)) is not None:
            opened = self._opening(since_s, first)
            self.transitions.append(opened)
            closed_s = self._while_open(opened, first)
            if closed_s is None:
                break
            since_s = closed_s
        if not self.transitions and self.unknown:
            self._read_status()
        return Inference(
            upstream=self.upstream,
            transitions=tuple(self.transitions),
            open_windows=tuple(self.windows),
            probes=tuple(self.probes),
            attempts=self.attempts,
            demands=self.demands,
            rejected=self.rejected,
            late=tuple(self.late),
            unknown=self.unknown,
            conflicts=tuple(self.conflicts),
        )

    def _first_rejection(self, since_s: float) -> Request | None:
        return next((r for r in self.rejected if r.sent.at_s >= since_s), None)

    # Opening

    def _opening(self, since_s: float, first: Request) -> Transition:
        """The trip: a failure after the last attempt that was let through, before `first`."""
        unknown = [r.sent.at_s for r in self.unknown if since_s <= r.sent.at_s < first.sent.at_s]
        before = [a for a in self.attempts if since_s <= a.start_s <= first.sent.at_s + _TIE_S]
        reported = self._reported_between(
            "open",
            since_s,
            unknown[0] if unknown else before[-1].start_s if before else since_s,
            first.end_s,
        )
        if unknown:
            return self._opening_unseen(since_s, first, reported)
        low_s = max((a.start_s for a in before), default=since_s)
        high_s = first.end_s
        trip_s, sure = self._trip(since_s, low_s, high_s)
        evidence = "first rejection and the failures before it"
        if reported is not None:
            self._compare("open", reported, low_s, high_s)
            if not sure and low_s - _TIE_S <= reported[1] and reported[0] <= high_s + _TIE_S:
                low_s, high_s = max(low_s, reported[0]), min(high_s, reported[1])
                trip_s = min(max(trip_s, low_s), max(high_s, low_s))
                evidence += ", narrowed by the status endpoint"
        error_s = _TIE_S if sure else max(high_s - trip_s, trip_s - low_s, _TIE_S)
        return Transition(state="open", at_s=trip_s, error_s=error_s, evidence=evidence)

    def _trip(self, since_s: float, low_s: float, high_s: float) -> tuple[float, bool]:
        """The failure that tripped it, and whether no other one could have been."""
        failures = sorted(
            (a for a in self.attempts if since_s <= a.start_s and a.end_s <= high_s + _TIE_S),
            key=lambda a: a.end_s,
        )
        candidates = [a.end_s for a in failures if a.ok is False and a.end_s >= low_s - _TIE_S]
        retries = implied_retries(self.history, self.upstream, self.demands, self.settings)
        own = [a for a in retries if since_s <= a.start_s <= high_s + _TIE_S]
        by_end = sorted((*failures, *own), key=lambda a: a.end_s)
        nth_s = _nth_in_a_row(by_end, self.settings.threshold)
        if nth_s is not None and low_s - _TIE_S <= nth_s <= high_s + _TIE_S:
            return nth_s, True
        if not candidates:
            return min(low_s, high_s), False
        after = [end_s for end_s in candidates if end_s >= low_s]
        chosen_s = after[0] if after else candidates[-1]
        return chosen_s, len({round(end_s, 1) for end_s in candidates}) == 1

    def _opening_unseen(
        self, since_s: float, first: Request, reported: tuple[float, float] | None
    ) -> Transition:
        """Where rejections can't be told from failures: by status endpoint, log, or W before."""
        if reported is not None:
            at_s = reported[1]
            return Transition(
                state="open",
                at_s=at_s,
                error_s=max(at_s - reported[0], _TIE_S),
                evidence="status endpoint (nothing on the wire tells while the port refuses)",
            )
        logged = self._logged_opening(since_s, first.end_s)
        if logged is not None:
            return Transition(state="open", at_s=logged, error_s=0.1, evidence="the target's log")
        probe = next((a for a in self.attempts if a.start_s > first.sent.at_s + _TIE_S), None)
        if probe is None:
            return Transition(
                state="open",
                at_s=first.sent.at_s,
                error_s=first.sent.at_s - since_s,
                evidence="the first rejection that could be told from a failure",
            )
        earlier = [r.sent.at_s for r in self.rejected if r.sent.at_s < probe.start_s - _TIE_S]
        gap_s = probe.start_s - earlier[-1] if earlier else 1.0
        middle_s = probe.start_s - self.settings.wait_s - gap_s / 2
        return Transition(
            state="open",
            at_s=max(since_s, middle_s),
            error_s=gap_s / 2 + _TIE_S,
            evidence=f"{self.settings.wait_s:g} s before the probe",
        )

    # While open

    def _while_open(self, opened: Transition, first: Request) -> float | None:
        """Follow probes until one closes the breaker; the instant, or None if it never closes."""
        open_s, shown_s = opened.at_s, min(first.planned_s, first.sent.at_s)
        shown_s = max(shown_s, opened.at_s - _TIE_S)
        after_s = max(opened.at_s, first.sent.at_s) + _TIE_S
        while True:
            probe = self._next_probe(after_s)
            if probe is None:
                self.windows.append(Window(shown_s, max(self.history.end_s, shown_s + 0.001)))
                return None
            if probe.start_s > shown_s:
                self.windows.append(Window(shown_s, max(probe.start_s - _TIE_S, shown_s + 0.001)))
            self._probe(probe)
            end_s = probe.end_s
            if math.isinf(end_s):
                return None
            following = self._next_demand(end_s + _TIE_S)
            turned_away = following in self.rejected if following is not None else False
            if probe.ok and not turned_away:
                evidence = "the probe succeeded and later requests were let through"
                self._add("closed", end_s, evidence)
                return end_s + _TIE_S
            if probe.ok is False:
                self._add("open", end_s, "the probe failed")
            open_s = shown_s = end_s
            after_s = open_s + _TIE_S
            if following is None:
                return None

    def _next_probe(self, after_s: float) -> Attempt | None:
        for index in range(bisect_left(self.starts, after_s), len(self.attempts)):
            attempt = self.attempts[index]
            if self._was_held_up(attempt):
                continue
            if self._is_retry(attempt):
                self.late.append(attempt)
            else:
                return attempt
        return None

    def _was_held_up(self, attempt: Attempt) -> bool:
        """Whether it was made before the trip, and a fault kept it on its way until it was lifted.

        What is stalled, or connects in vain, comes through then, even if nobody waits for it any
        more. It can't have been made later if all requests since the trip were turned away.
        """
        opened_s = next(t.at_s for t in reversed(self.transitions) if t.state == "open")
        lifted = any(
            KINDS[fault.name].silent
            and fault.start_s < opened_s
            and min(fault.end_s, fault.planned.end_s) <= attempt.start_s
            for fault in self.history.faults
            if self.upstream in fault.upstreams
        )
        return lifted and not any(
            opened_s + _TIE_S < r.sent.at_s <= attempt.start_s + _TIE_S
            and r.end_s >= attempt.start_s - _TIE_S
            and r not in self.rejected
            for r in self.demands
        )

    def _is_retry(self, attempt: Attempt) -> bool:
        """Whether it follows an earlier failed attempt by just a backoff."""
        backoffs = [self.settings.backoff_s(k) for k in range(1, max(self.settings.attempts, 2))]
        return any(
            earlier.ok is False
            and earlier.start_s < attempt.start_s
            and any(abs(attempt.start_s - earlier.end_s - b) < 2 * _TIE_S for b in backoffs)
            for earlier in self.attempts
        ) and not self._starts_a_demand(attempt)

    def _starts_a_demand(self, attempt: Attempt) -> bool:
        """Whether a request left just then that was not rejected: its own first attempt."""
        return any(
            abs(r.sent.at_s - attempt.start_s) < 2 * _TIE_S and r not in self.rejected
            for r in self.demands
        )

    def _probe(self, probe: Attempt) -> None:
        together = [
            a
            for a in self.attempts
            if probe.start_s - _TIE_S <= a.start_s <= max(probe.end_s, probe.start_s + _TIE_S)
            and not (a is not probe and a.start_s >= probe.end_s - 0.001)
        ]
        self.probes.append(Probe(attempt=probe, together=len(together)))
        self._add("half_open", probe.start_s, "first attempt since it opened")

    def _next_demand(self, after_s: float) -> Request | None:
        return next((r for r in self.demands if r.sent.at_s >= after_s), None)

    def _add(self, state: str, at_s: float, evidence: str) -> None:
        self.transitions.append(
            Transition(state=state, at_s=at_s, error_s=_TIE_S, evidence=evidence)
        )

    # Further evidence

    def _read_status(self) -> None:
        """States by the status endpoint alone, where no rejection can be told from a failure."""
        began_s = self.unknown[0].sent.at_s
        open_since_s: float | None = None
        for event in self.history.reported(self.upstream):
            if event.at_s < began_s or not (self.transitions or event.state == "open"):
                continue
            self.transitions.append(
                Transition(
                    state=event.state,
                    at_s=(event.since_s + event.at_s) / 2,
                    error_s=(event.at_s - event.since_s) / 2 + _TIE_S,
                    evidence="status endpoint (nothing on the wire tells while the port refuses)",
                )
            )
            if event.state == "open":
                open_since_s = event.at_s
            elif open_since_s is not None and event.since_s > open_since_s:
                self.windows.append(Window(open_since_s, event.since_s))
                open_since_s = None
        if open_since_s is not None and self.history.end_s > open_since_s:
            self.windows.append(Window(open_since_s, self.history.end_s))

    def _reported_between(
        self, state: str, since_s: float, low_s: float, high_s: float
    ) -> tuple[float, float] | None:
        """The interval in which the status endpoint says the state began, nearest to the wire's."""
        found = [
            (event.since_s, event.at_s)
            for event in self.history.reported(self.upstream)
            if event.state == state and event.at_s >= since_s
        ]
        return min(found, key=lambda pair: abs(pair[1] - low_s), default=None)

    def _compare(
        self, state: str, reported: tuple[float, float], low_s: float, high_s: float
    ) -> None:
        slack_s = 0.5
        if reported[0] > high_s + slack_s or reported[1] < low_s - slack_s:
            self.conflicts.append(
                f"the status endpoint shows {self.upstream} {state} since {reported[1]:.2f} s, "
                f"the wire since {low_s:.2f} s to {high_s:.2f} s"
            )

    def _logged_opening(self, since_s: float, until_s: float) -> float | None:
        faulted = {name for fault in self.history.faults for name in fault.upstreams}
        if faulted != {self.upstream}:
            return None  # the pattern does not say whose breaker it was
        return next(
            (
                event.at_s
                for event in self.history.logs
                if "opened" in event.marks and since_s <= event.at_s <= until_s
            ),
            None,
        )


def _nth_in_a_row(by_end: Sequence[Attempt], threshold: int) -> float | None:
    """When the N-th failure in a row ended (B1, B2); None where there are fewer."""
    run = 0
    for attempt in by_end:
        if attempt.ok:
            run = 0
        elif attempt.ok is False:
            run += 1
            if run == threshold:
                return attempt.end_s
    return None
