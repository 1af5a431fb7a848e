"""Which rival rules explain what the declared ones don't: a failure's likely cause, in words.

Each rival differs from the declared breaker in one thing. All of them are held against the same
events; one that explains every event, where the declared breaker didn't, may be what the gateway
does. One or two are named; more than that, or none, and nothing is said.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations, islice

from msgspec.structs import replace

from harness.contracts.promises import COUNTS, OPENS, PROBES, RECHECKS, STRAGGLERS
from harness.frozen import Frozen
from harness.policy.counting import Counted, Result
from harness.policy.settings import ServiceSettings
from harness.policy.trials import EVERYBODY, NOBODY, CountsAgain, Credulous, EachAlone, Oblivious
from harness.policy.waits import Afterwards, Constant, Growing, Multiplied, Wait
from harness.units import format_duration
from harness.wire.policy import Policy, declared
from harness.wire.states import Reading

_MOST_NAMED = 2
_MOST_STATUSES = 6
"""Of so many kinds of error, at the most, every choice is tried."""
_MOST_PROBES = 12
MOST_ROUTES = 6
"""Of more of them none is looked at by itself."""
_PROBED_LATE_S = 1.0
"""So late after the wait somebody may come who shows that it is over."""
_FACTORS = (2.0, 1.5, 3.0)
"""By which waits are known to grow."""
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
_CLOSED, _AGAIN = "is closed by a probe that is", "opens again after a probe that is"
_FAILED = ("error", "silence", "refused", "hang-up", "broken")


class Cause(Frozen, kw_only=True):
    """What explains everything."""

    what: str
    """What a gateway with it does, to follow "it behaves as one that"."""
    breaks: tuple[str, ...]
    """The promises that such a gateway breaks."""
    events: int
    """How many events it explains: all."""
    reading: Reading | None = None
    """What its breaker makes of them, where it is one."""

    @property
    def says(self) -> str:
        """One sentence: `it behaves as one that counts calls, not attempts: all 84 events fit`."""
        return f"it behaves as one that {self.what}: all {self.events} events fit"


class Evidence(Frozen, kw_only=True):
    """What the choice of rivals hangs on."""

    waits_s: Sequence[float] = ()
    """How long it was seen to stay open, where that can be told."""
    reopened: bool = False
    """Whether a probe of it failed."""
    slots_s: Sequence[float] = ()
    """How long after the attempt before it one came that should not, or late."""
    slow_s: Sequence[float] = ()
    """How long slow successes took."""
    errors: Sequence[int] = ()
    """Statuses of 500 and more that were seen."""
    faults: Sequence[str] = ()
    """Kinds of fault that attempts met."""
    routes: Sequence[str] = ()
    """The routes that were called, where there are a few."""


def named(families: Iterable[Iterator[Cause]]) -> tuple[Cause, ...] | None:
    """Of each family the first that explains everything; None where too many do."""
    found: list[Cause] = []
    for family in families:
        found += islice(family, 1)
        if len(found) > _MOST_NAMED:
            return None
    return tuple(found)


def fitting(
    family: Sequence[Policy], explains: Callable[[Policy], Reading | None]
) -> Iterator[Cause]:
    """The rivals of a family that explain everything: `explains` gives what they make of it."""
    for policy in family:
        found = explains(policy)
        if found is not None:
            what, breaks = policy.says, policy.breaks
            yield Cause(what=what, breaks=breaks, events=found.events, reading=found)


def families(settings: ServiceSettings, evidence: Evidence) -> Iterator[tuple[Policy, ...]]:
    """Rivals of the declared breaker by what they have in common, the likeliest first.

    Of one family the first that fits is named, so those that say most come first.
    """
    base = declared(settings)
    rivals = base.opens.rivals(settings.attempts)
    yield tuple(_rival(base, says, OPENS, opens=rule) for says, rule in rivals)
    yield tuple(_waits(base, settings.wait_s, evidence.waits_s))
    other_waits = _other_waits(base, settings.wait_s, evidence)
    slots_s = [s for s in evidence.slots_s if abs(s - settings.wait_s) > _PROBED_LATE_S]
    let_go = "lets the next one try again at once after a probe that is"
    let_go_by = _probed(base, let_go, _FAILED, Result.NEUTRAL)
    yield (*other_waits, *_probes(base), *let_go_by, *_slots(base, slots_s))
    for one in _rules(base):
        yield (one,)
    yield (
        _rival(base, "closes when its probe fails", PROBES, trials=Credulous()),
        *_probed(base, _CLOSED, _FAILED, _SUCCESS),
    )
    if base.opens.heavy:  # what else may be otherwise would take minutes
        return
    for family in base.opens.variants():
        yield tuple(_rival(base, says, OPENS, opens=rule) for says, rule in family)
    yield from _counts(base, evidence)
    yield tuple(_past(base, evidence.routes))
    yield tuple(_sticking(base))


def _rival(base: Policy, says: str, *breaks: str, **changes: object) -> Policy:
    return replace(base, says=says, breaks=breaks, **changes)


def _counting(base: Policy, says: str, **changes: object) -> Policy:
    """A rival that counts otherwise."""
    counting = replace(base.counting, **changes)
    return _rival(base, says, COUNTS, counting=counting)


def _waits(base: Policy, own_s: float, waits_s: Sequence[float]) -> Iterator[Policy]:
    for wait_s in waits_s:
        either_s = _either_s(base, wait_s, own_s)
        if either_s is not None:
            says = f"waits about {format_duration(round(wait_s))} before it probes, not "
            says += base.wait.says
            yield _rival(base, says, PROBES, wait=Constant(wait_s), either_s=either_s)
    yield _rival(base, "never probes", PROBES, wait=Constant(math.inf))


def _either_s(base: Policy, wait_s: float, own_s: float) -> float | None:
    """How far from a wait that was seen its end may be, so that it isn't the declared one's; None
    where it may be that.
    """
    apart_s = round(abs(wait_s - own_s) - base.either_s, 6)
    return min(max(base.either_s, _PROBED_LATE_S), apart_s) if apart_s >= base.either_s else None


def _other_waits(base: Policy, own_s: float, evidence: Evidence) -> Iterator[Policy]:
    """Waits that differ from time to time where one is declared, and one where they should."""
    if base.wait.wait_s(2) != own_s:
        says = f"waits {format_duration(own_s)} each time, not {base.wait.says}"
        yield _rival(base, says, PROBES, wait=Constant(own_s))
        return
    waits_s = evidence.waits_s
    longest = (math.inf, *(wait_s for wait_s in waits_s if wait_s > own_s))
    for most_s in longest:
        waits: tuple[Wait, ...] = (
            *(Growing(own_s, factor, most_s) for factor in _FACTORS),
            Multiplied(own_s, most_s),
        )
        for wait in waits:
            says = f"waits longer each time that it opens ({wait.says})"
            yield _rival(base, says, PROBES, wait=wait)
            says += ", also when it has closed in between"
            yield _rival(base, says, PROBES, wait=wait, forgives=False)
    for later_s in waits_s if evidence.reopened else ():
        either_s = _either_s(base, later_s, own_s)
        if either_s is None:
            continue
        says = f"waits about {format_duration(round(later_s))} after a failed probe, not "
        says += base.wait.says
        yield _rival(base, says, PROBES, wait=Afterwards(own_s, later_s), either_s=either_s)


def _slots(base: Policy, slots_s: Sequence[float]) -> Iterator[Policy]:
    for slot_s in slots_s:
        says = f"lets another through {_within(slot_s)} of its probe, though that is under way"
        yield _rival(base, says, PROBES, slot_s=slot_s)
    for slot_s in slots_s:
        yield from _sticking(base, slot_s)


def _probes(base: Policy) -> Iterator[Policy]:
    for number in range(2, _MOST_PROBES + 1):
        says = f"lets {number} through while half open"
        yield _rival(base, says, PROBES, trials=EachAlone(at_once=number))
    yield _rival(base, "lets everybody through while half open", PROBES, trials=EVERYBODY)
    says = "closes when its wait is over, without a probe"
    yield _rival(base, says, PROBES, trials=NOBODY)


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
    yield _rival(base, "goes on as if a failed probe had not been", PROBES, trials=Oblivious())
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


def _past(base: Policy, routes: Sequence[str]) -> Iterator[Policy]:
    """Calls that don't ask: those of one route, or by one method."""
    for route in routes:
        says = f"makes its calls of {route} without asking its breaker"
        yield _rival(base, says, RECHECKS, past=frozenset({route}))
    methods = dict.fromkeys(route.partition(" ")[0] for route in routes)
    for method in methods if len(methods) > 1 else ():
        own = frozenset(route for route in routes if route.startswith(f"{method} "))
        says = f"makes its calls by {method} without asking its breaker"
        yield _rival(base, says, RECHECKS, past=own)


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
    own = (one for route in evidence.routes for one in uncounted(f"failed calls of {route}", route))
    yield (*uncounted("answers of 5xx", "error"), *some, *own)
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
        *_probed(base, _AGAIN, ("refusal",), _FAILURE),
    )
    yield (
        other("counts answers of 429 as failures", "limit", _FAILURE),
        other("takes an answer of 429 for a success", "limit", _SUCCESS),
        *_probed(base, _AGAIN, ("limit",), _FAILURE),
        *_probed(base, _CLOSED, ("limit",), _SUCCESS),
    )
    yield (
        other("counts answers that make no sense as failures", "nonsense", _FAILURE),
        *_probed(base, _AGAIN, ("nonsense",), _FAILURE),
    )
    yield tuple(
        _counting(base, "counts slow answers as failures", slow_s=slow_s, apart=False)
        for slow_s in (0.5, 1.0, 2.0, 3.0, 5.0, 10.0)
        if any(took_s > slow_s for took_s in evidence.slow_s)
    )  # fmt: skip


def _probed(base: Policy, says: str, endings: Sequence[str], becomes: Counted) -> Iterator[Policy]:
    """Rivals to which probes that end so, one kind alone or all that break off, are otherwise."""
    for ending in endings:
        says_so = f"{says} {_PROBED[ending]}"
        yield _rival(base, says_so, PROBES, probed=((ending, becomes),))
    if "broken" in endings:
        says_so = f"{says} {_PROBED['hang-up']} or {_PROBED['broken']}"
        both = (("hang-up", becomes), ("broken", becomes))
        yield _rival(base, says_so, PROBES, probed=both)


def _sticking(base: Policy, slot_s: float = math.inf) -> Iterator[Policy]:
    for ending, words in _PROBED.items():
        says = f"never hears of a probe that is {words}"
        if math.isfinite(slot_s):
            says += f", and lets another through {_within(slot_s)} of it"
        yield _rival(base, says, PROBES, sticks=frozenset({ending}), slot_s=slot_s)


def _within(value_s: float) -> str:
    return f"within {format_duration(round(value_s, 1))}"
