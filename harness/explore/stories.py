"""What can befall one upstream: strategies for the faults on it and the bursts that meet them.

Each story is aimed at a place where real breakers and clients are wrong: the edge of counting, the
moment of the probe, a straggler's late answer, a reply that was lost. Plain ones come first, since
that is where shrinking goes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from harness.contracts import Contract
from harness.explore import kinds
from harness.explore.kinds import Raw, evenly
from harness.explore.outage import step_up
from harness.frozen import Frozen
from harness.policy.outage import trip_s
from harness.policy.settings import ServiceSettings


class Chapter(Frozen, kw_only=True):
    """What befalls one upstream."""

    faults: tuple[Raw, ...]
    """`upstream`, `from` and `to` (in seconds) included."""
    bursts: tuple[tuple[int, float], ...] = ()
    """How many requests at once, and when."""
    busy_until_s: float = 0.0
    """Until when regular traffic matters; later only now and then."""

    @property
    def end_s(self) -> float:
        """When all of it is over."""
        faults = [fault["to"] for fault in self.faults]
        return float(max([*faults, self.busy_until_s, *(at_s for _, at_s in self.bursts)]))


class Scene(Frozen, kw_only=True):
    """Where a story plays."""

    upstream: str
    own: ServiceSettings
    routes: tuple[str, ...]
    """The upstream's routes that are called."""
    rate_per_s: float
    contract: Contract

    def fault(self, kind: Raw, from_s: float, to_s: float, **more: Any) -> Raw:
        """A fault on the upstream."""
        return {"upstream": self.upstream, **kind, **more, "from": from_s, "to": to_s}

    def trip_s(self, kind: Raw, start_s: float = 0.0) -> float:
        """When the breaker is likely to open."""
        found = trip_s(
            self.own,
            rate_per_s=self.rate_per_s,
            start_s=start_s,
            attempt_s=kinds.attempt_s(kind, self.own),
        )
        return step_up(found)


Draw = Callable[[st.SearchStrategy[Any]], Any]
Story = Callable[[Draw, Scene], Chapter]


def _opened(draw: Draw, scene: Scene) -> tuple[Raw, float]:
    """A fault from 0s on that opens the breaker, and when it has.

    Mostly one under which attempts fail at once: it opens when it was reckoned to, so that what is
    aimed at the probe meets it, and its plays are short.
    """
    kind = draw(draw(evenly((kinds.quick(), kinds.quick(), kinds.silent(scene.own)))))
    return kind, scene.trip_s(kind) + 0.5


def plain(draw: Draw, scene: Scene) -> Chapter:
    """One fault, from here to there."""
    own = scene.own
    kind = draw(kinds.any_kind(own))
    trip = scene.trip_s(kind)
    lengths = [trip + 1, 2.0, trip + own.wait_s / 2, trip + own.wait_s + 3, own.timeout_s + 2]
    length_s = step_up(draw(evenly(lengths)))
    start_s = draw(evenly([0.0, 1.5, 4.0]))
    bursts = draw(_bursts((start_s + 0.2, start_s + length_s - 0.3)))
    return Chapter(
        faults=(scene.fault(kind, start_s, start_s + length_s),),
        bursts=bursts,
        busy_until_s=start_s + min(length_s, trip + 4) + 1,
    )


def counted(draw: Draw, scene: Scene) -> Chapter:
    """Only some calls fail: the first few, every other one, a share, two runs with a gap."""
    own = scene.own
    kind = draw(kinds.failing(own).filter(kinds.selectable))
    few = sorted({1, own.failures - 1, own.failures, own.failures + 1, own.failures * 2 - 2})
    count = draw(evenly([number for number in few if number >= 1]))
    ends = [{"first": count}, {"one_in": 2}, {"share": draw(evenly(["30%", "60%"]))}]
    gap = {"calls": f"{count + 2}..{count + 1 + draw(evenly(few or [1]))}"}
    choice = draw(st.integers(0, 3))
    to_s = step_up(scene.trip_s(kind) * 2 + 4)
    if choice == 1:
        first = scene.fault(kind, 0.0, to_s, calls=f"1..{count}")
        return Chapter(faults=(first, scene.fault(kind, 0.0, to_s, **gap)), busy_until_s=to_s)
    selector = ends[0] if choice == 0 else ends[choice - 1]
    return Chapter(faults=(scene.fault(kind, 0.0, to_s, **selector),), busy_until_s=to_s)


def at_the_probe(draw: Draw, scene: Scene) -> Chapter:
    """Something else is wrong, or just slow, when the probe comes; several requests meet it."""
    own = scene.own
    other = draw(draw(evenly((kinds.slow(own), kinds.odd(), kinds.failing(own)))))
    return _at_the_probe(draw, scene, other, [3.0, own.timeout_s + 2, own.wait_s + 3])


def busy_at_the_probe(draw: Draw, scene: Scene) -> Chapter:
    """The probe is answered 429: it gives its slot back, and the next call probes (B1)."""
    other: Raw = {"fault": "status", "status": 429}
    return _at_the_probe(draw, scene, other, [3.0, scene.own.wait_s + 3])


def refused_at_the_probe(draw: Draw, scene: Scene) -> Chapter:
    """The probe is answered with another refusal: the upstream is back, and the breaker closes."""
    other: Raw = {"fault": "status", "status": draw(evenly([401, 404]))}
    return _at_the_probe(draw, scene, other, [3.0, scene.own.wait_s + 3])


def _at_the_probe(draw: Draw, scene: Scene, other: Raw, lengths_s: Sequence[float]) -> Chapter:
    kind, opened_s = _opened(draw, scene)
    due_s = opened_s + scene.own.wait_s
    long_s = draw(evenly(lengths_s))
    second = scene.fault(other, opened_s + 1, step_up(due_s + long_s))
    if draw(st.booleans()) and kinds.selectable(other):
        second["first"] = 1
    after = tuple((1, step_up(due_s) + 4 + index * 1.5) for index in range(draw(st.integers(0, 4))))
    return Chapter(
        faults=(scene.fault(kind, 0.0, opened_s), second),
        bursts=(*_crowds(draw(evenly([1, 3, 12])), due_s), *after),
        busy_until_s=opened_s + 1,
    )


def crowd_at_the_probe(draw: Draw, scene: Scene) -> Chapter:
    """All is well but slow when the probe comes, and a crowd arrives while it is under way."""
    kind, opened_s = _opened(draw, scene)
    due_s = opened_s + scene.own.wait_s
    late = draw(kinds.late(scene.own))
    second = scene.fault(late, opened_s + 1, step_up(due_s + 4))
    return Chapter(
        faults=(scene.fault(kind, 0.0, opened_s), second),
        bursts=_crowds(draw(evenly([3, 12])), due_s),
        busy_until_s=opened_s + 1,
    )


def _crowds(crowd: int, due_s: float) -> tuple[tuple[int, float], ...]:
    """So many at once, several times about when a probe is due.

    The breaker may have opened a little earlier or later than reckoned: whichever crowd comes first
    when the probe is due meets it.
    """
    return tuple((crowd, step_up(due_s) + late_s) for late_s in (-0.4, 0.3, 1.1, 2.4))


def after_recovery(draw: Draw, scene: Scene) -> Chapter:
    """A few failures right after the breaker has closed again."""
    kind, opened_s = _opened(draw, scene)
    well_s = step_up(opened_s + scene.own.wait_s + scene.own.timeout_s + 1)
    again = draw(kinds.quick().filter(kinds.selectable))
    count = draw(evenly([1, *range(2, scene.own.failures)]))
    # Whenever the probe comes, it succeeds, and the very next calls fail.
    later = scene.fault(again, opened_s + 0.6, well_s + 12, calls=f"2..{count + 1}")
    if draw(evenly([0, 1, 2])) == 2:
        # Calls that succeed lie between.
        later = scene.fault(again, well_s + 2.1, well_s + 12, first=count)
    bursts = tuple((1, well_s + index * 1.0) for index in range(8))
    return Chapter(
        faults=(scene.fault(kind, 0.0, opened_s), later), bursts=bursts, busy_until_s=opened_s + 1
    )


def straggler(draw: Draw, scene: Scene) -> Chapter:
    """A few calls take long, and end when the others have long opened the breaker."""
    own = scene.own
    quick = draw(kinds.quick().filter(lambda kind: kind["fault"] not in ("refused", "kill")))
    late_s = draw(evenly([0.8, 1.5]))
    count = draw(st.integers(1, 3))
    late = kinds.delay(late_s * own.timeout_s)
    opened_s = scene.trip_s(quick, 0.5) + 1
    bursts = ((count, 0.0), *((draw(evenly([1, own.failures])), 0.7) for _ in range(1)))
    due_s = step_up(opened_s + own.wait_s)
    probes = tuple((1, due_s + index * 1.0) for index in range(4))
    faults = [scene.fault(late, 0.0, 0.5, first=count)]
    if kinds.selectable(quick):
        faults.append(scene.fault(quick, 0.5, opened_s))
    return Chapter(
        faults=tuple(faults), bursts=(*bursts, *probes), busy_until_s=opened_s + own.timeout_s
    )


def one_route(draw: Draw, scene: Scene) -> Chapter:
    """Only one of the upstream's routes is wrong."""
    own = scene.own
    route = draw(evenly(scene.routes))
    some = draw(evenly((kinds.failing(own), kinds.odd(), kinds.slow(own))))
    kind = draw(some.filter(kinds.selectable))
    to_s = step_up(draw(evenly([4.0, scene.trip_s(kind) + 2])))
    more: Raw = {"on": route}
    if draw(st.booleans()):
        more["first"] = draw(st.integers(1, 3))
    return Chapter(faults=(scene.fault(kind, 0.0, to_s, **more),), busy_until_s=to_s + 1)


def lost_reply(draw: Draw, scene: Scene) -> Chapter:
    """The work is done, and its answer doesn't get through: on a route that changes something."""
    own = scene.own
    writing = [route for route in scene.routes if not route.startswith("GET")] or scene.routes
    route = draw(evenly(writing[::-1]))
    late = kinds.delay(1.5 * own.timeout_s)
    kind = draw(
        evenly([{"fault": "reply_lost"}, {"fault": "truncate"}, late, {"fault": "undecodable"}])
    )
    to_s = step_up(own.timeout_s + 6)
    which = draw(evenly([{"first": 1}, {"first": 3}, {"one_in": 2}, {}]))
    return Chapter(faults=(scene.fault(kind, 0.0, to_s, on=route, **which),), busy_until_s=8.0)


def flapping(draw: Draw, scene: Scene) -> Chapter:
    """On and off, several times."""
    kind = draw(kinds.failing(scene.own))
    on_s, off_s = draw(evenly([1.0, 2.5, 4.0])), draw(evenly([1.0, 2.5]))
    times = draw(st.integers(2, 5))
    faults = tuple(
        scene.fault(kind, index * (on_s + off_s), index * (on_s + off_s) + on_s)
        for index in range(times)
    )
    return Chapter(faults=faults, busy_until_s=times * (on_s + off_s) + 2)


def ramping(draw: Draw, scene: Scene) -> Chapter:
    """Slower and slower, then out, then slowly back."""
    own = scene.own
    step_s = draw(evenly([2.0, 4.0]))
    delays = [0.2 * own.timeout_s, 0.6 * own.timeout_s, 1.3 * own.timeout_s, 0.5 * own.timeout_s]
    faults = tuple(
        scene.fault(kinds.delay(delay_s), index * step_s, (index + 1) * step_s)
        for index, delay_s in enumerate(delays[: draw(st.integers(2, 4))])
    )
    return Chapter(faults=faults, busy_until_s=step_s * 4 + 2)


def identity(draw: Draw, scene: Scene) -> Chapter:
    """Who vouches for tokens says no, or not who somebody is."""
    step = scene.contract.vouching("token")
    assert step is not None
    return _said(draw, scene, kinds.of_identity(step, tuple(scene.contract.users)))


def ownership(draw: Draw, scene: Scene) -> Chapter:
    """Who vouches for owners doesn't say whose something is."""
    step = scene.contract.vouching("owner")
    assert step is not None
    return _said(draw, scene, kinds.of_ownership(step))


def redirected(draw: Draw, scene: Scene) -> Chapter:
    """Whoever asks for an owner is sent to another's."""
    step = scene.contract.vouching("owner")
    assert step is not None
    return _said(draw, scene, st.just(kinds.redirected(step, _owned(scene.contract))))


def _owned(contract: Contract) -> tuple[str, ...]:
    """One thing of each owner's."""
    return tuple(user.owns[0] for user in contract.users.values() if user.owns)


def _said(draw: Draw, scene: Scene, what: st.SearchStrategy[Raw]) -> Chapter:
    kind = draw(what)
    start_s = draw(evenly([1.5, 0.0]))
    fault = scene.fault(kind, start_s, start_s + draw(evenly([3.0, 6.0])))
    return Chapter(faults=(fault,), busy_until_s=fault["to"] + 1)


def restarted(draw: Draw, scene: Scene) -> Chapter:
    """The service is stopped and started at once: kept-alive connections are gone."""
    instants = [2.2, 4.2, 7.2][: draw(st.integers(1, 3))]
    faults = tuple(scene.fault({"fault": "restart"}, at_s, at_s + 0.5) for at_s in instants)
    return Chapter(faults=faults, busy_until_s=10.0)


_STORIES: tuple[Story, ...] = (
    plain,
    counted,
    at_the_probe,
    crowd_at_the_probe,
    busy_at_the_probe,
    refused_at_the_probe,
    one_route,
    one_route,
    lost_reply,
    after_recovery,
    after_recovery,
    straggler,
    flapping,
    ramping,
    restarted,
)
"""Stories of any upstream; those that stand twice are drawn twice as often."""


def stories_of(contract: Contract, upstream: str) -> tuple[Story, ...]:
    """All that can befall an upstream: one that vouches may also say what opens nothing."""
    more: list[Story] = []
    token, owner = contract.vouching("token"), contract.vouching("owner")
    if token is not None and token.upstream == upstream:
        more.append(identity)
    if owner is not None and owner.upstream == upstream:
        more.append(ownership)
        if len(_owned(contract)) > 1:
            more.append(redirected)
    return (*_STORIES, *more)


def _bursts(window: tuple[float, float]) -> st.SearchStrategy[tuple[tuple[int, float], ...]]:
    instants = [round(window[0], 1), round((window[0] + window[1]) / 2, 1)]
    burst = st.tuples(evenly([4, 12]), evenly(instants))
    return st.one_of(st.just(()), st.tuples(burst))
