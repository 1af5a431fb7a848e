"""Faults that pick calls by number, where calls of the target's own were counted, too.

A health check of its own may be every call `first: 2` was written for: then the traffic met another
outage than the file's. A route (`on:`) says which calls are meant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial

from harness.checks.case import Case, unless_broken
from harness.checks.met import Struck
from harness.routes import route_matches
from harness.units import plural
from harness.verdict import Finding, of_run
from harness.wire.attempts import Attempt


def miscounted(case: Case, in_force: Iterator[Struck]) -> Iterator[Finding]:
    """One finding for each fault that counted calls which no request caused.

    `in_force`: the faults as they came, each time.
    """
    counting = (each for each in in_force if each.fault.counts)
    told: dict[int, tuple[Struck, Counter[str]]] = {}
    for struck in counting:
        number = case.scenario.number_of(struck.real.fault)
        _, routes = told.setdefault(number, (struck, Counter()))
        routes.update(attempt.route for attempt in _own_calls(case, struck))
    for number, (struck, routes) in told.items():
        if routes:
            fault, own = struck.fault, plural(routes.total(), "call")
            shown = ", ".join(f"{route} {count}x" for route, count in routes.most_common())
            yield of_run(
                f"fault {number}, {fault.fault} on {fault.subject}, counts calls of requests",
                "none that the target makes by itself",
                f"{own} that no request caused counted, too: {shown}",
                "what came to the stub; `on:` names the route that is meant",
            )


def _own_calls(case: Case, struck: Struck) -> Iterator[Attempt]:
    """Calls that no request caused, up to the last that the fault met."""
    fault, mark = struck.fault, struck.real.mark
    for name in struck.upstreams:
        calls = case.history.calls_to(name)
        last_s = max((c.at_s for c in calls if mark in (c.called.met or ())), default=0.0)
        wire = unless_broken(partial(case.wire, name), None)
        for attempt in () if wire is None else wire.background:
            if struck.window.start_s <= attempt.start_s <= last_s and (
                fault.on is None or route_matches(fault.on, attempt.route, attempt.path)
            ):
                yield attempt
