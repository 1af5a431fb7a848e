"""Which rival rules explain what the declared ones don't: a failure's likely cause, in words.

Each rival differs from the declared breaker in one thing. All of them are held against the same
events; one that explains every event, where the declared breaker didn't, may be what the gateway
does. One or two are named; more than that, or none, and nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.settings import ServiceSettings
from harness.units import format_duration
from harness.wire.policy import Policy, declared
from harness.wire.states import Reading

_MOST_NAMED = 2

Try = Callable[[Policy], Reading | None]
"""The reading of a rival that explains everything; None for one that doesn't."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A rival that explains everything."""

    reading: Reading

    @property
    def says(self) -> str:
        """One sentence: `it behaves as one that counts calls, not attempts: all 84 events fit`."""
        fit = f"all {self.reading.events} events fit"
        return f"it behaves as one that {self.reading.policy.says}: {fit}"

    @property
    def claims(self) -> tuple[str, ...]:
        """What such a breaker breaks."""
        return self.reading.policy.claims


def causes(settings: ServiceSettings, try_out: Try, waits_s: Sequence[float]) -> tuple[Cause, ...]:
    """The rivals that explain everything; none where too many do.

    `waits_s`: how long it was seen to stay open, where that can be told.
    """
    found: list[Cause] = []
    for family in _families(settings, waits_s):
        fitting = next(filter(None, map(try_out, family)), None)
        if fitting is not None:
            found.append(Cause(reading=fitting))
    return tuple(found) if len(found) <= _MOST_NAMED else ()


def rivals(settings: ServiceSettings, waits_s: Sequence[float]) -> Iterator[Policy]:
    """All rivals of the declared breaker, the likeliest first."""
    for family in _families(settings, waits_s):
        yield from family


def _families(settings: ServiceSettings, waits_s: Sequence[float]) -> Iterator[tuple[Policy, ...]]:
    """Rivals by what they have in common: of one family the first that fits is named."""
    base = declared(settings)
    yield tuple(_thresholds(base, settings))
    yield tuple(_waits(base, waits_s))
    for one in _rules(base):
        yield (one,)


def _thresholds(base: Policy, settings: ServiceSettings) -> Iterator[Policy]:
    n = settings.threshold
    candidates = [n + 1, n - 1, settings.attempts, *(k for k in range(1, 2 * n + 1))]
    tried = {n}
    for number in candidates:
        if number < 1 or number in tried:
            continue
        tried.add(number)
        yield replace(
            base,
            least=number,
            most=number,
            says=f"opens after {number} failures in a row, not {n}",
            claims=("B2",),
        )
    yield replace(base, most=float("inf"), least=10**9, says="never opens", claims=("B2",))


def _waits(base: Policy, waits_s: Sequence[float]) -> Iterator[Policy]:
    for wait_s in waits_s:
        if abs(wait_s - base.wait_s) > base.either_s:
            yield replace(
                base,
                wait_s=wait_s,
                wait_most_s=wait_s,
                either_s=max(base.either_s, 1.0),
                says=f"waits about {format_duration(round(wait_s))} before it probes, "
                f"not {format_duration(base.wait_s)}",
                claims=("B4",),
            )


def _rules(base: Policy) -> Iterator[Policy]:
    """One deviation each, in words that follow "it behaves as one that"."""

    def one(says: str, *claims: str, **changes: object) -> Policy:
        return replace(base, says=says, claims=claims, **changes)  # type: ignore[arg-type]

    if base.by_call:
        yield one("counts attempts, not calls", "B1", by_call=False)
    else:
        yield one("counts calls, not attempts", "B1", by_call=True)
    yield one("doesn't ask its breaker again before a retry", "B6", rechecks=False)
    yield one("isn't reset by a success", "B1", resets=False)
    yield one("counts answers of 4xx as failures", "B1", refusals_count=True)
    yield one("counts answers that make no sense as failures", "B1", nonsense_counts=True)
    yield one("counts answers of 429 as failures", "B1", limits_count=True)
    yield one("takes an answer of 429 for a success", "B1", limits_succeed=True)
    yield one("doesn't count answers of 5xx", "B1", errors_count=False)
    yield one("doesn't count attempts that time out", "B1", silence_counts=False)
    yield one("doesn't count attempts that are refused or cut short", "B1", cuts_count=False)
    yield one("lets everybody through while half open", "B4", probes=float("inf"))
    yield one("lets two through while half open", "B4", probes=2)
    yield one("closes when its probe fails", "B4", failed_probe="closes")
    yield one("goes on as if a failed probe had not been", "B4", failed_probe="nothing")
    yield one("never hears of a probe that is answered 4xx", "B4", refused_probe="sticks")
    yield one("begins its wait anew with each late failure", "B5", stragglers="restarts")
    yield one("is closed by a late success", "B5", stragglers="closes")
    yield one("keeps its count when it closes", "B2", clears=False)
    yield one("needs two successes to close", "B4", successes=2)
    yield one("begins its wait anew with each request that it turns away", "B4",
              restarted_by_rejections=True)  # fmt: skip
    yield one("counts its wait from the start of the attempt that tripped it", "B4",
              from_start=True)  # fmt: skip
    for age_s in (10.0, 30.0, 60.0):
        yield one(f"forgets failures after {format_duration(age_s)} or less", "B2", forgets_s=age_s)
