"""What was found of one upstream: figures with error bounds, or null with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field

from harness.frozen import Frozen
from harness.measure.experiment import KINDS
from harness.units import plural

RESOLUTION_S = 0.005
"""The simulation's clocks are exact; this is what a gateway's own code and rounding may add."""
MOVED_BY_CALLS = "a window that only calls move on, which no file can say"
_ANSWERED = ("400", "404", "429", "malformed")
"""Kinds that are answers, which a call need not ask for again."""


class Span(Frozen, kw_only=True):
    """A duration known to lie between two bounds, in seconds."""

    low_s: float
    high_s: float

    @property
    def middle_s(self) -> float:
        """The best single figure."""
        return (self.low_s + self.high_s) / 2

    @property
    def error_s(self) -> float:
        """How far off the figure may be."""
        return (self.high_s - self.low_s) / 2


class Breaker(Struct, kw_only=True):
    """What was found of a breaker; None is unknown."""

    rule: str | None = None
    """`in a row`, `in all`, `among`, `rate` or `none`."""
    per: Literal["upstream", "route", "unknown"] | None = None
    """Whose calls it counts; None where no other route was asked."""
    threshold: int | None = None
    share: Span | None = None
    """A share's bounds, not seconds."""
    window_s: Span | None = None
    """For `in all`: how long after the last failure a success makes all of them good."""
    window_calls: Span | None = None
    counts_all: bool = False
    """Whether no window ends: all results count since it last closed, as far as was tried."""
    least: Span | None = None
    slow_share: Span | None = None
    """A share of slow results that opens it, too."""
    wait: Span | None = None
    later_waits: tuple[Span, ...] = ()
    """How long it then stayed open after each failed trial, where that was longer."""
    late: bool = False
    """Whether a failure that comes in while it is open begins its wait anew."""
    begun_count: bool | None = False
    """Whether calls that are under way count as results; None: the machine was too late to tell."""
    trials: int | None = None
    everybody: bool = False
    """Whether all that came at once were let through while it was half open."""
    begins_anew: bool = False
    """Whether one failure more, when its wait is over, does not open it."""
    successes: int | None = None
    """How many successful trials close it."""
    trials_share: Span | None = None
    """The share of failures, of all trials judged together, that opens it again; not seconds."""
    trials_slow_share: Span | None = None
    """The same of good ones that are slow; of one trial, all of it."""


class Findings(Struct, kw_only=True):
    """What was found of one upstream."""

    upstream: str
    attempts: int | None = None
    most_attempts: int | None = None
    """The same where it isn't always as many: no call makes more."""
    timeout: Span | None = None
    longest_timeout: Span | None = None
    """The same where it isn't the same for all routes: no attempt lasts longer."""
    connect_timeout: Span | None = None
    repeats: tuple[str, ...] = ()
    """Refusals of the upstream's after which a call tries again all the same."""
    resends: bool = False
    """Whether its HTTP client sends again by itself what was cut; `attempts` leaves that out."""
    covers: str | None = None
    """What the timeout is a deadline for: `attempt`, or `silence` (each read by itself)."""
    backoffs: tuple[Span, ...] | None = None
    slow: Span | None = None
    """How late a good answer is slow to the breaker, in seconds."""
    slow_is: Literal["failure", "share"] | None = None
    """What slow ones are to it: failures, or counted by a share of their own."""
    retry_after: str | None = None
    """`ignored` or `honoured`."""
    counts: dict[str, str | None] = field(default_factory=dict)
    by: str | None = None
    breaker: Breaker = field(default_factory=Breaker)
    unknown: dict[str, str] = field(default_factory=dict)
    """Why something is null, by its key: `breaker.trials`."""
    evidence: list[str] = field(default_factory=list)

    def cannot_tell(self, key: str, why: str) -> None:
        """Note why something is null; the first reason stays."""
        self.unknown.setdefault(key, why)

    def settle(self) -> None:
        """Give no reason why something is null that isn't."""
        shown = self.as_json()
        for key in tuple(self.unknown):
            value: Any = shown
            for part in key.split("."):
                value = value.get(part) if isinstance(value, dict) else None
            if value is not None:
                del self.unknown[key]

    def saw(self, what: str) -> None:
        """Note what something rests on."""
        self.evidence.append(what)

    def note_attempts(self, retried: Mapping[str, int], *, at_once: bool) -> None:
        """How many attempts calls make, by the kinds of failure after which they try again.

        `at_once`: what was cut is followed by the next attempt without a wait; made after no other
        failure, or beyond those that are, that is the HTTP client's own (Java's, aiohttp's).
        """
        self.repeats = tuple(kind for kind in retried if kind in _ANSWERED)
        others = {kind: count for kind, count in retried.items() if kind != "cut"}
        usual = max(others.values(), default=1)
        if at_once and retried.get("cut", 1) > usual and set(others.values()) <= {usual}:
            self.attempts, self.resends = usual, True
            self.saw(
                f"{plural(usual, 'attempt')} of a call, and {retried['cut']} of one that is cut: "
                "what its connection lost its client sends again at once"
            )
        elif not retried:
            self.attempts = 1
            self.saw("one attempt a call, whatever it meets")
        elif len(set(retried.values())) == 1:
            self.attempts = next(iter(retried.values()))
            self.saw(f"{self.attempts} attempts of a call that meets {', '.join(retried)}")
        else:
            self.most_attempts = max(retried.values())
            self.cannot_tell("attempts", f"it depends on the failure: {retried}")

    def as_json(self) -> dict[str, Any]:
        """As `outage measure --format json` says it."""
        backoffs = None if self.backoffs is None else [_round(b.middle_s) for b in self.backoffs]
        return {
            "attempts": self.attempts,
            "timeout_s": _middle(self.timeout),
            "connect_timeout_s": _middle(self.connect_timeout),
            "timeout_covers": self.covers,
            "backoff_s": backoffs,
            "retry_after": self.retry_after,
            "slow_s": _middle(self.slow),
            "counts": {kind: self.counts.get(kind) for kind in KINDS},
            "by": self.by,
            "breaker": self._breaker_json(),
            "errors": self.errors(),
            "evidence": "; ".join(self.evidence),
        }

    def _breaker_json(self) -> dict[str, Any]:
        own = self.breaker
        said: dict[str, Any] = {}
        if own.per is not None:
            said["per"] = None if own.per == "unknown" else own.per
        if own.counts_all:
            said["counts_all"] = True
        if own.late:
            said["late_restarts"] = True
        return said | {
            "rule": own.rule,
            "threshold": own.threshold,
            "share": _middle(own.share),
            "slow_share": _middle(own.slow_share),
            "window_s": _middle(own.window_s),
            "window_calls": _whole(own.window_calls),
            "least": _whole(own.least),
            "wait_s": _middle(own.wait),
            "waits_s": [_round(wait.middle_s) for wait in own.later_waits] or None,
            "trials": own.trials,
            "successes": own.successes,
            "trials_share": _middle(own.trials_share),
        }

    def errors(self) -> dict[str, Any]:
        """How far off each figure may be, by its key; counts that are exact are left out."""
        own = self.breaker
        spans = {
            "timeout_s": self.timeout,
            "connect_timeout_s": self.connect_timeout,
            "slow_s": self.slow,
            "share": own.share,
            "slow_share": own.slow_share,
            "window_s": own.window_s,
            "wait_s": own.wait,
            "trials_share": own.trials_share,
        }
        found: dict[str, Any] = {
            key: _up(span.error_s) for key, span in spans.items() if span is not None
        }
        for key, whole in (("window_calls", own.window_calls), ("least", own.least)):
            if whole is not None and whole.low_s < whole.high_s:
                found[key] = int(whole.high_s) - (_whole(whole) or 0)
        if own.later_waits:
            found["waits_s"] = [_up(span.error_s) for span in own.later_waits]
        if self.backoffs:
            found["backoff_s"] = [_up(span.error_s) for span in self.backoffs]
        return found


def _round(value: float) -> float:
    return round(value, 4)


def _up(value: float) -> float:
    """Rounded so that no bound shrinks by it."""
    return round(value + 0.00005, 4) if value else 0.0


def _middle(span: Span | None) -> float | None:
    return None if span is None else _round(span.middle_s)


def _whole(span: Span | None) -> int | None:
    """The middle of a whole number's bounds."""
    return None if span is None else int(span.middle_s)
