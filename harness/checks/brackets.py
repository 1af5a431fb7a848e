"""When a scenario expects its breakers to change, as ranges of seconds: what a picture brackets.

Instants come as the author wrote them, or from the contract's arithmetic with the target's own
settings; a tolerance widens either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.checks.case import Case
from harness.contract import Moment, Prediction
from harness.frozen import Frozen
from harness.scenario.expectations.breaker import ExpectBreaker
from harness.scenario.expectations.values import Contract, Instant
from harness.units import Around, Range


class Bracket(Frozen, kw_only=True):
    """An instant that the scenario expects of a breaker: one of several ranges."""

    what: str
    """`opens`, `probes` or `closes`."""
    ranges: tuple[Range, ...]
    """In seconds, with the tolerance that the scenario grants."""
    sure: bool
    """Whether it has to happen, rather than may."""


class Brackets(Frozen, kw_only=True):
    """All that a scenario expects of one breaker's instants."""

    expected: tuple[Bracket, ...] = ()
    never: tuple[str, ...] = ()
    """What is expected not to happen: `opens`, `closes`."""


def brackets_of(case: Case) -> dict[str, Brackets]:
    """By upstream, what the scenario's expectations say of its breaker's instants."""
    found: dict[str, Brackets] = {}
    for wanted in case.scenario.expect:
        if isinstance(wanted, ExpectBreaker):
            before = found.get(wanted.breaker, Brackets())
            own = _of_one(wanted, case)
            found[wanted.breaker] = Brackets(
                expected=tuple(dict.fromkeys((*before.expected, *own.expected))),
                never=tuple(dict.fromkeys((*before.never, *own.never))),
            )
    return found


def _of_one(wanted: ExpectBreaker, case: Case) -> Brackets:
    expected: list[Bracket] = []
    never: list[str] = []
    for what in ("opens", "probes", "closes"):
        value = getattr(wanted, what)
        if value == "never":
            never.append(what)
        elif value is not None:
            for moment, tolerance_s in _allowed(what, value, case, wanted.breaker):
                ranges = tuple(
                    Range(r.low - tolerance_s, r.high + tolerance_s) for r in moment.alternatives
                )
                if ranges:
                    expected.append(Bracket(what=what, ranges=ranges, sure=moment.sure))
    return Brackets(expected=tuple(expected), never=tuple(never))


def _allowed(
    what: str, value: Instant | tuple[Instant, ...], case: Case, upstream: str
) -> list[tuple[Moment, float]]:
    """The instants in question, each with what is granted on top."""
    if not isinstance(value, tuple) and what != "probes":
        return [single(what, value, lambda: case.forecast.of(upstream))]
    given = value if isinstance(value, tuple) else (value,)
    left = any(isinstance(one, Contract) for one in given)
    known = moments_of(case.forecast.of(upstream), what) if left else ()
    allowed, tolerance_s = listed(given, known)
    return [(moment, tolerance_s) for moment in allowed]


def moments_of(predicted: Prediction, what: str) -> tuple[Moment, ...]:
    """All moments of one kind: `opens`, `probes` or `closes`."""
    return {
        "opens": predicted.opening_moments,
        "probes": predicted.probe_moments,
        "closes": predicted.closing_moments,
    }[what]


def single(
    what: str, value: Instant | str, predicted: Callable[[], Prediction]
) -> tuple[Moment, float]:
    """The first opening or the last closing that is allowed, and with what tolerance on top; no
    moment for `never`.
    """
    if isinstance(value, Around):
        return around(value), 0.0
    if isinstance(value, Contract):
        own = predicted()
        return own.opened if what == "opens" else own.closed_for_good, value.tolerance_s
    return Moment(), 0.0


def around(wanted: Around) -> Moment:
    """An instant as an author writes it."""
    low_s, high_s = wanted.at_s - wanted.tolerance_s, wanted.at_s + wanted.tolerance_s
    return Moment(alternatives=(Range(low_s, high_s),), sure=True)


def listed(
    given: Sequence[Instant], predicted: Sequence[Moment]
) -> tuple[tuple[Moment, ...], float]:
    """What a list allows, and with what tolerance on top; `contract` alone stands for all."""
    if len(given) == 1 and isinstance(given[0], Contract):
        return tuple(predicted), given[0].tolerance_s
    moments: list[Moment] = []
    tolerance_s = 0.0
    for instant in given:
        if isinstance(instant, Contract):
            known = len(moments) < len(predicted)
            moments.append(predicted[len(moments)] if known else Moment())
            tolerance_s = instant.tolerance_s
        else:
            moments.append(around(instant))
    return tuple(moments), tolerance_s
