"""Which windows and which requests an expectation speaks of.

`during` selects by planned instant where it names seconds, and as `while` where it names events
(`events.py`). `while` selects by when a request left; it takes its windows
from the inferred breaker, without the instants at which either answer is right (B4: a quarter of a
second around a change of state).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.checks.case import Case
from harness.checks.events import windows_between
from harness.checks.wording import window
from harness.frozen import Frozen
from harness.history.requests import Request
from harness.policy.waits import EITHER_S
from harness.scenario.expectations import While, Windowed
from harness.scenario.expectations.moving import Moving
from harness.units import Range, Window


class Span(Frozen, kw_only=True):
    """The windows of an expectation, in words too."""

    windows: tuple[Window, ...]
    words: str
    """`in 10s..68s`, `while mail is open`, or `throughout`."""
    inferred: str = ""
    """Where windows were inferred: which ones."""
    as_sent: bool = False
    """Whether requests are chosen by when they really left: a breaker's state is what it was then,
    a plan is an author's word."""

    def __contains__(self, at_s: float) -> bool:
        """Whether an instant lies in one of the windows."""
        return any(at_s in each for each in self.windows)

    @property
    def nothing(self) -> str:
        """Why there is nothing to judge by, if there are no windows."""
        return self.inferred or "no request was planned in this window"


WHOLE = Span(windows=(Window(0.0, math.inf),), words="throughout")
"""The whole play."""


def span_of(expectation: Windowed, case: Case) -> Span:
    """The windows that an expectation names; the whole play if it names none."""
    if expectation.moving is not None:
        return span_between(expectation.moving, case)
    if isinstance(expectation.during, Window):
        return Span(windows=(expectation.during,), words=f"in {expectation.during}")
    if expectation.while_ is not None:
        return _while(expectation.while_, case)
    return WHOLE


def span_between(moving: Moving, case: Case) -> Span:
    """The window that events of the play make; none where one of them never came."""
    found, told = windows_between(moving, case)
    return Span(windows=found, words=f"in {moving}", inferred=told, as_sent=True)


def _while(condition: While, case: Case) -> Span:
    upstream = condition.upstream
    wire = case.wire(upstream)
    if condition.state == "open":
        words, found = f"while {upstream} is open", wire.open_windows
        missing = f"{upstream}'s breaker was never seen open"
    elif condition.state == "closed":
        opened = wire.opened
        end_s = math.inf if opened is None else opened.at_s - opened.error_s
        words, found = f"before {upstream} opens", (Window(-EITHER_S, end_s),)
        missing = f"{upstream}'s breaker was open from the start"
    else:
        closed = wire.closed
        words = f"once {upstream} has recovered"
        found = () if closed is None else (Window(closed.at_s + closed.error_s, math.inf),)
        missing = f"{upstream}'s breaker was never seen to open and close again"
    windows = tuple(
        Window(each.start_s + EITHER_S, each.end_s - EITHER_S)
        for each in found
        if each.end_s - each.start_s > 2 * EITHER_S
    )
    shown = ", ".join(window(each) for each in windows)
    inferred = f"{upstream}'s breaker as inferred: {shown}" if windows else missing
    return Span(windows=windows, words=words, inferred=inferred, as_sent=True)


def requests_in(case: Case, span: Span, stream: str | None = None) -> tuple[Request, ...]:
    """The requests in a span, of one stream or of all, in order of their planned instants."""
    requests = case.history.requests if stream is None else case.history.stream(stream)
    return tuple(r for r in requests if (r.at_s if span.as_sent else r.planned_s) in span)


def only_numbers(requests: Sequence[Request], wanted: Range | None) -> tuple[Request, ...]:
    """Those requests whose number in their stream is wanted; all if no number is."""
    return tuple(r for r in requests if wanted is None or r.number in wanted)


def last_tries(requests: Sequence[Request]) -> tuple[Request, ...]:
    """Those after which their clients tried no more: what these ended up with."""
    return tuple(request for request in requests if request.given_up)
