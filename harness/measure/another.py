"""The same upstream called by another route: whether its calls go the same way, behind the same
breaker. A figure that holds for one route only is none of the upstream's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field

from harness.measure.findings import Findings, Span
from harness.measure.routes import Called

COMPARED = ("503", "500", "timeout", "cut")
"""Kinds of failure that another route's calls meet, too: those that are mostly tried again."""


class Another(Struct, kw_only=True):
    """What another route's calls showed."""

    route: Called
    tries: dict[str, int] = field(default_factory=dict)
    """How many attempts a call made, by what it met."""
    timeout: Span | None = None
    """How long an attempt is waited for that hears nothing."""
    let_through: bool | None = None
    """Whether it is called while the breaker is open by the first route's calls; None: unknown."""
    alike: bool = False
    """Whether what lets it through opens after as many of its own calls."""


def others_of(routes: Sequence[Called], upstream: str, most: int) -> tuple[Called, ...]:
    """The routes to compare with the first: each makes one call of the upstream, and another one
    than those before, or by another method.
    """
    first, *rest = routes
    if len(_at(first, upstream)) > 1:
        return ()
    known, found = {_sort(first, upstream)}, []
    for route in rest:
        sort = _sort(route, upstream)
        if len(_at(route, upstream)) == 1 and sort not in known:
            known.add(sort)
            found.append(route)
    return tuple(found[:most])


def _at(route: Called, upstream: str) -> tuple[str, ...]:
    return tuple(called for name, called in route.calls if name == upstream)


def _sort(route: Called, upstream: str) -> tuple[str, tuple[str, ...]]:
    return route.request.partition(" ")[0], _at(route, upstream)


def note_others(
    found: Findings, first: Called, tries: Mapping[str, int], others: Sequence[Another]
) -> None:
    """What other routes' calls say of what was found by the first: it is the upstream's only where
    they do the same.

    `tries`: how many attempts a call of the first route makes, by what it meets.
    """
    same = [f"by {one.route.request}" for one in others if not _differs(found, first, tries, one)]
    if same:
        found.saw(f"calls go the same way {', '.join(same)}")
    _note_scope(found, first, others)


def _differs(found: Findings, first: Called, tries: Mapping[str, int], one: Another) -> bool:
    """Whether a call of another route goes another way; then what it says holds for neither."""
    kinds = [kind for kind in one.tries if one.tries[kind] != tries.get(kind, one.tries[kind])]
    if kinds:
        told = f"{tries[kinds[0]]} by {first.request}, {one.tries[kinds[0]]} by {one.route.request}"
        known = found.attempts or found.most_attempts or max(tries.values())
        found.most_attempts = max(known, *one.tries.values())
        found.attempts = None
        found.cannot_tell("attempts", f"it depends on the route: {told} ({', '.join(kinds)})")
    own, its = found.timeout, one.timeout
    if own is None or its is None or (its.low_s <= own.high_s and own.low_s <= its.high_s):
        return bool(kinds)
    told = f"{own.middle_s:.3f} s by {first.request}, {its.middle_s:.3f} s by {one.route.request}"
    found.longest_timeout = max(own, its, key=lambda span: span.high_s)
    found.timeout = None
    found.cannot_tell("timeout_s", f"it depends on the route: {told}")
    return True


def _note_scope(found: Findings, first: Called, others: Sequence[Another]) -> None:
    """Whose calls the breaker counts: all of the upstream's, or those of each of its routes."""
    told = [one for one in others if one.let_through is not None]
    apart = [one for one in told if one.let_through]
    if not told or found.breaker.rule in (None, "none"):
        return
    if not apart:
        found.breaker.per = "upstream"
        found.saw(f"open for {' and '.join(one.route.request for one in told)}, too")
        return
    names = " and ".join(one.route.request for one in apart)
    found.saw(f"open for {first.request} while {names} is let through")
    why = next(_unsaid(found.upstream, first, told), None)
    if why is None:
        found.breaker.per = "route"
    else:
        found.breaker.per = "unknown"
        found.cannot_tell("breaker.per", why)


def _unsaid(upstream: str, first: Called, told: Sequence[Another]) -> Iterator[str]:
    """Why no file can say whose calls the breaker counts."""
    for one in told:
        same_call = _at(one.route, upstream) == _at(first, upstream)
        if one.let_through and same_call:
            yield (
                f"{first.request} and {one.route.request} make the same call of it, and it isn't "
                "open for both"
            )
        elif one.let_through and not one.alike:
            yield f"{one.route.request} is let through while it is open, by no breaker like it"
        elif not one.let_through and not same_call:
            yield f"it is open for some of its routes together, {one.route.request} among them"
