"""An attempt at an upstream: when it began, when it ended, and all that it may have been.

Where the evidence leaves open how or when an attempt ended, all of it is kept: `results` is a set,
and the end lies between `ends_from_s` and `end_s`. An attempt ends at its deadline at the latest,
however long its connection lives on (B8).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from operator import attrgetter

from msgspec.structs import force_setattr, replace

from harness.frozen import Frozen
from harness.policy.counting import Result, endings_of

FAILURE = frozenset({Result.FAILURE})
SUCCESS = frozenset({Result.SUCCESS})
NEUTRAL = frozenset({Result.NEUTRAL})
EITHER = frozenset({Result.SUCCESS, Result.FAILURE})
ANYTHING = frozenset(Result)


class Attempt(Frozen, kw_only=True):
    """One attempt at an upstream. Instants are seconds since 0s."""

    id: int = 0
    """Unique among the attempts at this upstream, once they are numbered."""
    start_s: float
    end_s: float
    """When a sound target is done with it at the latest: at its deadline T, or when it was seen
    to end."""
    ends_from_s: float
    """When it may have ended at the earliest; `end_s` where the end was seen."""
    results: frozenset[Result]
    """All that it may have been."""
    source: str
    """Who saw it: `proxy`, `stub`, `connection`, or `latency` where it is implied."""
    method: str = ""
    path: str = ""
    status: int | None = None
    met: tuple[str, ...] | None = None
    """Ids of the behaviours that its stub says changed it; None where it isn't known to say."""
    of: str = ""
    """What is attempted, by its stub's record: equal for attempts of one call, other for others."""
    trace: str = ""
    """The trace that it belongs to, by its stub's record."""
    done_s: float = math.inf
    """When its stub was done with it; infinite where it never was, or none is known to be."""
    altered: bool = False
    """Whether its answer may not have been what was agreed, as a fault replaced some then."""
    over_s: float = 0.0
    """When its connection was seen to be done with it, where that was after `end_s`; infinite where
    it never was. Who keeps a deadline has left it by then."""
    held_s: float = 0.0
    """How much later than `start_s` it may have been made, if no fault held it back after all."""
    old: bool = False
    """Whether it may have been made long before and come only now, when nobody waits for it: no
    attempt at all, to its breaker."""
    request: int | None = None
    """Id of the request whose wait implies it, where nobody saw it."""

    @property
    def result(self) -> Result | None:
        """What it was, where that is certain."""
        return next(iter(self.results)) if len(self.results) == 1 else None

    @property
    def ok(self) -> bool | None:
        """True for a certain success, False for a certain failure, else None."""
        return True if self.results == SUCCESS else False if self.results == FAILURE else None

    @property
    def route(self) -> str:
        """Method and path, without the query; empty for a bare connection."""
        return _route(self.method, self.path) if self.path else ""

    def made(self, at_s: float, timeout_s: float, slack_s: float) -> Attempt:
        """The same, made then and seen only when it was let go: by a client that had left it for
        dead at its deadline, where that was before.
        """
        over_s, held_s = at_s + timeout_s, self.start_s - at_s
        held = replace(self, start_s=at_s, held_s=held_s)
        if self.start_s <= over_s + slack_s:
            return held
        return replace(held, ends_from_s=over_s, end_s=over_s, results=FAILURE)

    def ended_by(self, at_s: float) -> Attempt:
        """The same, known to be over then, if it may have been."""
        return replace(self, end_s=max(self.ends_from_s, min(self.end_s, at_s)))


@lru_cache(maxsize=4096)  # asked for again and again, of a few routes
def _route(method: str, path: str) -> str:
    return f"{method} {path.partition('?')[0]}"


_EARLY_S = 0.1
"""Who ends sooner than this before its deadline was cut."""
_AGAIN_S = 0.01
"""So soon a client sends again by itself what was cut."""
_CUT = ("hang-up", "broken")
_Late = Callable[[float, float], float]


def unsure(
    attempts: Iterable[Attempt], unknown: Collection[str], timeout_s: float, late_s: _Late
) -> list[Attempt]:
    """The same, by start, of which those may have been anything that ended in an `unknown` way.

    Where that is so of what was cut, what follows it at once is taken for the same attempt, sent
    again by its client: no breaker was asked. `late_s`: how late anything may be seen that happens
    between two instants.
    """
    joined = _joined(attempts, timeout_s, late_s) if _CUT[0] in unknown else list(attempts)
    return [_unsure(attempt, unknown, timeout_s) for attempt in joined]


def _unsure(attempt: Attempt, unknown: Collection[str], timeout_s: float) -> Attempt:
    if _is_cut(attempt, timeout_s):
        endings: tuple[str, ...] = _CUT
    elif attempt.results != FAILURE and attempt.status is not None:
        endings = (*endings_of(attempt.status), *(("nonsense",) if attempt.altered else ()))
    else:
        return attempt
    sure = not any(ending in unknown for ending in endings)
    return attempt if sure else replace(attempt, results=attempt.results | EITHER | NEUTRAL)


def _is_cut(attempt: Attempt, timeout_s: float) -> bool:
    lasted_s = attempt.end_s - attempt.start_s
    plain = attempt.results == FAILURE and (attempt.status or 0) < 500
    return plain and 0 < lasted_s < timeout_s - _EARLY_S


def _joined(attempts: Iterable[Attempt], timeout_s: float, late_s: _Late) -> list[Attempt]:
    made: list[Attempt] = []
    cut: list[tuple[int, float]] = []
    for attempt in attempts:
        cut = [(k, by_s) for k, by_s in cut if attempt.start_s <= by_s]
        again = next((one for one in cut if _may_be_again(attempt, made[one[0]])), None)
        if again is not None:
            cut.remove(again)
            made[again[0]] = replace(attempt, start_s=made[again[0]].start_s)
            continue
        if _is_cut(attempt, timeout_s):
            by_s = attempt.end_s + _AGAIN_S
            cut.append((len(made), by_s + late_s(attempt.end_s, by_s)))
        made.append(attempt)
    return made


def _may_be_again(attempt: Attempt, cut: Attempt) -> bool:
    alike = attempt.route == cut.route or not attempt.route or not cut.route
    return attempt.start_s >= cut.end_s and alike


def numbered(attempts: Sequence[Attempt]) -> Sequence[Attempt]:
    """The same, each with its place for an id: set before anybody else has seen them, as of a
    million there is no room for a second one of each.
    """
    for index, attempt in enumerate(attempts):
        force_setattr(attempt, "id", index)
    return attempts


def bare(
    start_s: float,
    end_s: float,
    source: str,
    *,
    from_s: float | None = None,
    results: frozenset[Result] = FAILURE,
) -> Attempt:
    """One of which no more is known than when it was made; it failed, if nothing else is said.

    `from_s`: when it ended at the earliest, where that isn't at `end_s`.
    """
    ends_from_s = end_s if from_s is None else from_s
    return Attempt(
        start_s=start_s, end_s=end_s, ends_from_s=ends_from_s, results=results, source=source
    )


def in_order(attempts: Iterable[Attempt]) -> list[Attempt]:
    """Attempts by start, then by end; of a million no pair is made for each."""
    return sorted(sorted(attempts, key=attrgetter("end_s")), key=attrgetter("start_s"))
