"""Whole outages, drawn: which upstreams are hit, what befalls each, and what traffic meets it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import chain, count

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.explore.deck import Aim
from harness.explore.kinds import evenly
from harness.explore.outage import LONGEST_S, Flow, Outage
from harness.explore.stories import Chapter, Draw, Scene, stories_of
from harness.explore.surface import Route, Surface
from harness.policy.outage import needed_rate_per_s
from harness.routes import route_matches

_MOST_REQUESTS = 240
_SEEDS = (0, 0, 1, 2, 3, 4, 5, 6, 7, 8)
"""Seed 0 plays without switch points; half of the others' power is in races."""
_RATES = (1.0, 2.0, 0.5)
_OFFSETS_S = (0.0, 0.35, 0.65, 0.85)
"""Streams begin apart, so that most requests are alone on their way."""


def try_all(
    surface: Surface,
    aim: Aim,
    chosen_seed: int,
    attempt: Callable[[Outage], None],
    phases: Sequence[Phase] = (Phase.generate,),
) -> None:
    """Let hypothesis draw what an aim asks for, and give it to `attempt`; nothing is kept.

    Raises: what `attempt` does; HypothesisException.
    """

    @seed(chosen_seed)
    @settings(
        max_examples=aim.examples,
        database=None,
        deadline=None,
        derandomize=False,
        phases=phases,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
        print_blob=False,
    )
    @given(outages(surface, aim))
    def drawn(outage: Outage) -> None:
        attempt(outage)

    drawn()


@st.composite
def outages(draw: Draw, surface: Surface, aim: Aim | None = None) -> Outage:
    """Outages for a target with this surface; `aim` says what befalls the first upstream."""
    hit = draw(_hit(surface.upstreams, aim))
    needed = max(needed_rate_per_s(surface.settings[upstream]) for upstream in hit)
    rate_per_s = needed * draw(evenly(_RATES))
    flows: list[Flow] = []
    faults: list[dict[str, object]] = []
    chapters: list[Chapter] = []
    for number, upstream in enumerate(hit):
        scene = Scene(
            upstream=upstream,
            own=surface.settings[upstream],
            routes=surface.routes_at(upstream),
            rate_per_s=rate_per_s,
            contract=surface.contract,
        )
        story = (
            aim.story
            if aim is not None and number == 0
            else draw(evenly(stories_of(surface.contract, upstream)))
        )
        chapter = story(draw, scene)
        chapters.append(chapter)
        faults += chapter.faults
        wanted = draw(_routes(_concerned(surface.calling(upstream), upstream, chapter)))
        for index, route in enumerate(wanted):
            flows.append(_flow(flows, route, chapter, rate_per_s, bursts=index == 0))
    end_s = _end_s(draw, surface, hit, chapters)
    if draw(st.integers(0, 3)) == 3:
        flows.append(_bystander(draw, surface, flows, end_s))
    quiet = draw(st.booleans())
    flows += _afterwards(flows, chapters, end_s, quiet=quiet)
    outage = Outage(
        flows=tuple(flows),
        faults=tuple(faults),
        duration_s=end_s,
        seed=draw(evenly(_SEEDS)),
    )
    return _bounded(outage)


def _hit(upstreams: Sequence[str], aim: Aim | None) -> st.SearchStrategy[list[str]]:
    """Which upstreams something befalls, up to three: in half of the outages just one.

    An outage of whom all ask hides what is behind it; every further fault makes a play longer.
    """
    first = evenly(upstreams) if aim is None else st.just(aim.upstream)
    more = evenly([0, 0, 1, 2]).flatmap(
        lambda count: st.lists(evenly(upstreams), min_size=count, max_size=count)
    )
    return st.builds(lambda one, others: list(dict.fromkeys([one, *others])), first, more)


def _concerned(offered: Sequence[Route], upstream: str, chapter: Chapter) -> Sequence[Route]:
    """The routes that a story of some of the upstream's routes is about; else all that call it."""
    aimed = {str(fault["on"]) for fault in chapter.faults if "on" in fault}
    if not aimed or any("on" not in fault for fault in chapter.faults):
        return offered
    hit = [item for item in offered if any(_is_aimed(upstream, aimed, one) for one in item.calls)]
    return hit or offered


def _is_aimed(upstream: str, aimed: Collection[str], call: tuple[str, str]) -> bool:
    name, route = call
    path = route.partition(" ")[2]
    return name == upstream and any(route_matches(on, route, path) for on in aimed)


def _routes(offered: Sequence[Route]) -> st.SearchStrategy[list[Route]]:
    return st.lists(evenly(offered), min_size=1, max_size=2, unique_by=lambda item: item.name)


def _flow(
    flows: Sequence[Flow], route: Route, chapter: Chapter, rate_per_s: float, *, bursts: bool
) -> Flow:
    return Flow(
        name=_fresh(route.name, flows),
        route=route.name,
        raw=route.raw,
        from_s=_OFFSETS_S[len(flows) % len(_OFFSETS_S)],
        to_s=max(chapter.busy_until_s, 2.0),
        rate_per_s=rate_per_s,
        bursts=chapter.bursts if bursts else (),
    )


def _fresh(name: str, flows: Sequence[Flow]) -> str:
    taken = {flow.name for flow in flows}
    names = chain([name], (f"{name}_{number}" for number in count(2)))
    return next(fresh for fresh in names if fresh not in taken)


def _end_s(draw: Draw, surface: Surface, hit: Sequence[str], chapters: Sequence[Chapter]) -> float:
    """Until all is told; in half of the outages, until all must be well again."""
    end_s = max(chapter.end_s for chapter in chapters) + 2.0
    slowest_s = max(
        surface.settings[name].open_after_s(end_s) + surface.settings[name].timeout_s
        for name in hit
    )
    return min(LONGEST_S, end_s + slowest_s + 5.0 if draw(st.booleans()) else end_s)


def _bystander(draw: Draw, surface: Surface, flows: Sequence[Flow], end_s: float) -> Flow:
    """A stream that may have nothing to do with what fails."""
    route = draw(evenly(surface.offered))
    return Flow(
        name=_fresh(route.name, flows),
        route=route.name,
        raw=route.raw,
        from_s=0.5,
        to_s=min(end_s, 20.0),
        rate_per_s=1.0,
    )


def _afterwards(
    flows: Sequence[Flow], chapters: Sequence[Chapter], end_s: float, *, quiet: bool
) -> list[Flow]:
    """Now and then a request until the end, and a few more at the end: is all well again?

    `quiet`: not before all that was planned has happened, so that nobody else is the probe.
    """
    busy_s = max(chapter.end_s if quiet else chapter.busy_until_s for chapter in chapters)
    found: list[Flow] = []
    seen: set[str] = set()
    for number, flow in enumerate(flows):
        if flow.route in seen or end_s - busy_s < 6:
            continue
        seen.add(flow.route)
        offset_s = _OFFSETS_S[number % len(_OFFSETS_S)] / 2
        last = tuple((1, round(end_s - 4.2 + index + offset_s, 2)) for index in range(4))
        quiet_s = end_s - 5 - busy_s
        found.append(
            Flow(
                name=_fresh(f"{flow.route}_later", [*flows, *found]),
                route=flow.route,
                raw=flow.raw,
                from_s=round(busy_s + 1 + offset_s, 2),
                to_s=round(end_s - 5, 2),
                rate_per_s=1 / max(1.0, min(10.0, round(quiet_s / 12))),
                bursts=last,
            )
        )
    return found


def _bounded(outage: Outage) -> Outage:
    """With no more requests than a play can afford: traffic is thinned out where it must be."""
    sends = outage.sends()
    if sends <= _MOST_REQUESTS:
        return outage
    share = _MOST_REQUESTS / sends
    flows = tuple(
        flow if flow.rate_per_s is None else replace(flow, rate_per_s=flow.rate_per_s * share)
        for flow in outage.flows
    )
    return replace(outage, flows=flows)
