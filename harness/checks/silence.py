"""Evidence that a target file configures and that never said anything: named, so that it is mended.

Nothing of it is a verdict: what needed such evidence is inconclusive by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.checks.case import Case, unless_broken
from harness.history.columns import column
from harness.history.events import Called, Event, Logged, Run, Sent
from harness.history.view import History
from harness.log_patterns import MOST_LINES

_STATES = ("closed", "open", "half_open")
_TELLING = {"opened": "open", "half_open": "half_open", "closed": "closed"}
"""Marks of log lines, and the change of state that each tells of."""


def silent_evidence(case: Case) -> tuple[str, ...]:
    """What was configured for one run and told nothing, though it had occasion to."""
    return (*_status(case), *_states(case), *_ready(case), *_log(case), *_proxy(case))


def uncalled_routes(runs: Iterable[Sequence[Event]]) -> tuple[str, ...]:
    """The routes that the target file adds to stubs, and that were called in none of several runs.

    What one scenario leaves alone another may need, so runs of one command are looked at together;
    and of an upstream that no request asked anything nothing is known to be amiss.
    """
    given: dict[str, None] = {}
    called: set[str] = set()
    by_itself: set[str] = set()
    for events in runs:
        history = History(events)
        if history.all(Sent):
            given |= dict.fromkeys(route for run in history.all(Run) for route in run.stub_routes)
        made = history.all(Called)
        routes = set(zip(column(made, "upstream"), column(made, "route"), strict=True))
        called |= {_plainly(f"{upstream} {route}") for upstream, route in routes}
        by_itself |= {_plainly(route) for run in history.all(Run) for route in run.background}
    asked = {route.partition(" ")[0] for route in called - by_itself}
    silent = [r for r in given if _plainly(r) not in called and r.partition(" ")[0] in asked]
    return (f"nobody called what the target file adds to stubs: {', '.join(silent)}",) * bool(
        silent
    )


def _plainly(route: str) -> str:
    """A route as stubs record it, without doubled and trailing slashes."""
    named, _, path = route.rpartition(" ")
    return f"{named} /{'/'.join(part for part in path.split('/') if part)}"


def _proxy(case: Case) -> Iterator[str]:
    """A proxy that tells of connections only, where that left no upstream's attempts all seen."""
    evidence = case.history.run.evidence
    if "proxy connections" not in evidence or "proxy requests" in evidence:
        return
    called = (name for name in case.history.run.upstreams if case.history.calls_to(name))
    if not unless_broken(lambda: any(case.wire(n).sight.sees_ends for n in called), True):
        yield (
            "this proxy tells of connections, not of requests: whom a breaker lets through one by "
            "one is not judged (the embedded one tells: --proxy embedded)"
        )


def _status(case: Case) -> Iterator[str]:
    """A status endpoint that was never answered as one, or ceased to be."""
    looks = case.history.looks("status")
    if not looks:
        return
    last, good = looks[-1], [look for look in looks if look.status == 200]
    said = "gives no answer" if last.status is None else f"answers {last.status}"
    if not good:
        yield f"the status endpoint {last.request} {said}: it was no evidence of anything"
    elif last.status != 200:
        yield f"the status endpoint {last.request} {said} since {last.at_s:.1f} s"
    looked = [set(look.missing) for look in good]
    missing = {
        name
        for name in (set.intersection(*looked) if looked else ())
        if not case.settings(name).breaker.absent  # of none there is no state to show
    }
    if missing:
        names = ", ".join(sorted(missing))
        yield f"the status endpoint {last.request} shows no state of {names} where `state` says"


def _states(case: Case) -> Iterator[str]:
    """Words for states that nobody understands."""
    for upstream in case.history.run.upstreams:
        seen = dict.fromkeys(event.state for event in case.history.reported(upstream))
        strange = [state for state in seen if state not in _STATES]
        if strange:
            yield (
                f"the status endpoint says {', '.join(map(repr, strange))} of {upstream}, which is "
                f"none of {', '.join(_STATES)}"
            )


def _ready(case: Case) -> Iterator[str]:
    for look in case.history.looks("ready"):
        if look.status is not None and look.status >= 400:
            yield f"`ready: {look.request}` answers {look.status}: that something listens is all"


def _log(case: Case) -> Iterator[str]:
    """Patterns for what happened that no line matched, where all lines were kept."""
    history = case.history
    if "log" not in history.run.evidence:
        return
    lines = [event for event in history.all(Logged) if event.by == "target"]
    if not lines:
        yield "the target logged nothing, so that the patterns of `log` say nothing"
    if not 0 < len(lines) < MOST_LINES:
        return
    matched = {mark for event in lines for mark in event.marks}
    unheard = [mark for mark in history.run.marks if mark not in matched]
    changes = {name: _changes(case, name) for name in history.run.upstreams} if unheard else {}
    for mark in unheard:
        what = _occasion(case, mark, changes)
        if what is not None:
            yield f"the log pattern `{mark}` matched no line, though {what}"


def _occasion(case: Case, mark: str, changes: dict[str, dict[str, float]]) -> str | None:
    """What happened that a line of this mark should have told; None where nothing did."""
    for upstream, seen in changes.items():
        at_s = seen.get(_TELLING.get(mark, ""))
        if at_s is not None:
            state = _TELLING[mark].replace("_", " ")
            return f"the breaker of {upstream} was seen {state} at {at_s:.1f} s"
        if mark == "rejected" and "open" in seen and case.wire(upstream).turned_away:
            return f"the breaker of {upstream} turned requests away"
    return None


def _changes(case: Case, upstream: str) -> dict[str, float]:
    """When each state of a breaker was first seen after 0s: by its own account where it has one."""
    found: dict[str, float] = {}
    reported = case.history.reported(upstream)
    if reported:
        for event in reported:
            if event.at_s > 0:
                found.setdefault(event.state, event.at_s)
        return found
    for each in unless_broken(lambda: case.wire(upstream).transitions, ()):
        if each.at_s >= 0:
            found.setdefault(each.state, each.at_s)
    return found
