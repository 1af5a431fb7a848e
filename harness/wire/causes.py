"""Which rival rules explain what the declared ones don't: a failure's likely cause, in words.

Each rival differs from the declared breaker in one thing. All of them are held against the same
events; one that explains every event, where the declared breaker didn't, may be what the gateway
does. One or two are named; more than that, or none, and nothing is said.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice

from harness.contracts.promises import COUNTS, OPENS, PROBES, RECHECKS, STRAGGLERS
from harness.policy.counting import Counted, Result
from harness.policy.settings import ServiceSettings
from harness.policy.trials import EVERYBODY, CountsAgain, Credulous, EachAlone, Oblivious
from harness.policy.waits import Constant
from harness.units import format_duration
from harness.wire.policy import Policy, declared

_MOST_NAMED = 2
_MOST_STATUSES = 6
"""Of so many kinds of error, at the most, every choice is tried."""
_MOST_PROBES = 12
_PROBED_LATE_S = 1.0
"""So late after the wait somebody may come who shows that it is over."""
_SUCCESS, _FAILURE, _NOTHING = Result.SUCCESS, Result.FAILURE, None
_PROBED = {
    "refusal": "answered 4xx",
    "limit": "answered 429",
    "nonsense": "answered without sense",
    "error": "answered 5xx",
    "silence": "not answered in time",
    "refused": "refused a connection",
    "hang-up": "hung up on",
    "broken": "answered by a body that breaks off",
}
"""What becomes of a probe, to follow "never hears of a probe that is"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What explains everything."""

    what: str
    """What a gateway with it does, to follow "it behaves as one that"."""
    breaks: tuple[str, ...]
    """The promises that such a gateway breaks."""
    events: int
    """How many events it explains: all."""
    policy: Policy | None = None
    """The rules of its breaker, where it has one as declared but for these."""

    @property
    def says(self) -> str:
        """One sentence: `it behaves as one that counts calls, not attempts: all 84 events fit`."""
        return f"it behaves as one that {self.what}: all {self.events} events fit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the choice of rivals hangs on."""

    waits_s: Sequence[float] = ()
    """How long it was seen to stay open, where that can be told."""
    slow_s: Sequence[float] = ()
    """How long slow successes took."""
    errors: Sequence[int] = ()
    """Statuses of 500 and more that were seen."""
    faults: Sequence[str] = ()
    """Kinds of fault that attempts met."""


def named(families: Iterable[Iterator[Cause]]) -> tuple[Cause, ...] | None:
    """Of each family the first that explains everything; None where too many do."""
    found: list[Cause] = []
    for family in families:
        found += islice(family, 1)
        if len(found) > _MOST_NAMED:
            return None
    return tuple(found)


def fitting(family: Sequence[Policy], explains: Callable[[Policy], int | None]) -> Iterator[Cause]:
    """The rivals of a family that explain everything: `explains` gives how many events."""
    for policy in family:
        events = explains(policy)
        if events is not None:
            yield Cause(what=policy.says, breaks=policy.breaks, events=events, policy=policy)


def families(settings: ServiceSettings, evidence: Evidence) -> Iterator[tuple[Policy, ...]]:
    """Rivals of the declared breaker by what they have in common, the likeliest first.

    Of one family the first that fits is named, so those that say most come first.
    """
    base = declared(settings)
    rivals = base.opens.rivals(settings.attempts)
    yield tuple(_rival(base, says, OPENS, opens=rule) for says, rule in rivals)
    yield tuple(_waits(base, settings.wait_s, evidence.waits_s))
    yield tuple(_probes(base))
    if base.opens.heavy:  # what else may be otherwise would take minutes
        yield from ((one,) for one in (*_by(base), *_asking_once(base)))
        return
    for one in _rules(base):
        yield (one,)
    for family in base.opens.variants():
        yield tuple(_rival(base, says, OPENS, opens=rule) for says, rule in family)
    yield from _counts(base, evidence)
    yield tuple(_sticking(base))


def _rival(base: Policy, says: str, *breaks: str, **changes: object) -> Policy:
    return replace(base, says=says, breaks=breaks, **changes)  # type: ignore[arg-type]


def _counting(base: Policy, says: str, **changes: object) -> Policy:
    """A rival that counts otherwise."""
    counting = replace(base.counting, **changes)  # type: ignore[arg-type]
    return _rival(base, says, COUNTS, counting=counting)


def _waits(base: Policy, own_s: float, waits_s: Sequence[float]) -> Iterator[Policy]:
    for wait_s in waits_s:
        either_s = max(base.either_s, _PROBED_LATE_S)
        if abs(wait_s - own_s) > base.either_s + either_s:
            says = f"waits about {format_duration(round(wait_s))} before it probes, not "
            says += base.wait.says
            yield _rival(base, says, PROBES, wait=Constant(wait_s), either_s=either_s)
    yield _rival(base, "never probes", PROBES, wait=Constant(math.inf))


def _probes(base: Policy) -> Iterator[Policy]:
    for number in range(2, _MOST_PROBES + 1):
        says = f"lets {number} through while half open"
        yield _rival(base, says, PROBES, trials=EachAlone(at_once=number))
    yield _rival(base, "lets everybody through while half open", PROBES, trials=EVERYBODY)


def _by(base: Policy) -> Iterator[Policy]:
    if base.counting.by_call:
        yield _counting(base, "counts attempts, not calls", by_call=False)
    else:
        yield _counting(base, "counts calls, not attempts", by_call=True)


def _asking_once(base: Policy) -> Iterator[Policy]:
    if base.rechecks:
        yield _rival(base, "doesn't ask its breaker again before a retry", RECHECKS, rechecks=False)


def _rules(base: Policy) -> Iterator[Policy]:
    """One deviation each, in words that follow "it behaves as one that"."""
    yield from _by(base)
    yield from _asking_once(base)
    yield _rival(base, "closes when its probe fails", PROBES, trials=Credulous())
    says = "goes on as if a failed probe had not been"
    yield _rival(base, says, PROBES, trials=Oblivious())
    if (number := base.opens.failures) > 1:
        says = f"takes {number} failures to open again while half open"
        yield _rival(base, says, PROBES, trials=CountsAgain(number))
    yield _rival(
        base,
        "begins its wait anew with each late failure",
        STRAGGLERS,
        stragglers="restarts",
    )
    yield _rival(base, "is closed by a late success", STRAGGLERS, stragglers="closes")
    yield _rival(base, "keeps its count when it closes", OPENS, clears=False)
    yield _rival(base, "needs two successes to close", PROBES, trials=EachAlone(successes=2))
    says = "begins its wait anew with each request that it turns away"
    yield _rival(base, says, PROBES, restarted_by_rejections=True)
    says = "opens again when it turns somebody away during its probe"
    yield _rival(base, says, PROBES, overruled=True)
    says = "counts its wait from the start of the attempt that tripped it"
    yield _rival(base, says, PROBES, from_start=True)


def _counts(base: Policy, evidence: Evidence) -> Iterator[tuple[Policy, ...]]:
    """What counts otherwise than B1 says."""

    def uncounted(words: str, *endings: str) -> Iterator[Policy]:
        for becomes in (_NOTHING, _SUCCESS):
            otherwise: tuple[tuple[str, Counted], ...] = tuple((one, becomes) for one in endings)
            yield _counting(base, f"doesn't count {words}", otherwise=otherwise)

    def other(words: str, ending: str, becomes: Counted) -> Policy:
        return _counting(base, words, otherwise=((ending, becomes),))

    statuses = tuple(map(str, evidence.errors[:_MOST_STATUSES]))
    some = (
        one
        for size in range(1, len(statuses))
        for chosen in combinations(statuses, size)
        for one in uncounted("some answers of 5xx", *chosen)
    )
    yield (*uncounted("answers of 5xx", "error"), *some)
    yield tuple(uncounted("attempts that time out", "silence"))
    faults = evidence.faults if len(evidence.faults) > 1 else ()
    yield (
        *uncounted("attempts that are refused or cut short", "refused", "hang-up", "broken"),
        *uncounted("connections that are refused", "refused"),
        *uncounted("connections that are closed without an answer", "hang-up"),
        *uncounted("answers that break off", "broken"),
        *(one for name in faults for one in uncounted(f"what fails by {name}", name)),
    )
    yield (
        other("counts answers of 4xx as failures", "refusal", _FAILURE),
        other("takes an answer of 4xx for neither a success nor a failure", "refusal", _NOTHING),
    )
    yield (
        other("counts answers of 429 as failures", "limit", _FAILURE),
        other("takes an answer of 429 for a success", "limit", _SUCCESS),
    )
    yield (other("counts answers that make no sense as failures", "nonsense", _FAILURE),)
    yield tuple(
        _counting(base, f"counts answers over {slow_s:g}s as failures", slow_s=slow_s)
        for slow_s in (0.5, 1.0, 2.0, 3.0, 5.0, 10.0)
        if any(took_s > slow_s for took_s in evidence.slow_s)
    )  # fmt: skip


def _sticking(base: Policy) -> Iterator[Policy]:
    for ending, words in _PROBED.items():
        says = f"never hears of a probe that is {words}"
        yield _rival(base, says, PROBES, sticks=frozenset({ending}))
