"""What closes a breaker that lets several trials through at once: each alone, or all together.

Trials are made one after another, failing ones first; then many at once show how many places are
left. All of them pass where it is closed, none where it is open again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.frozen import Frozen
from harness.measure.findings import Findings, Span
from harness.units import plural

MOST_TRIALS = 6
"""Of more at once it is not found out what closes it: that takes a play for each of them."""


class Tried(Frozen, kw_only=True):
    """Trials one after another, and what became of many at once after them."""

    failed: int
    good: int
    let: int
    """So many of those at once were let through."""
    asked: int

    @property
    def closed(self) -> bool:
        """Whether everybody was let through."""
        return self.let >= self.asked


def first_wanted(trials: int) -> Iterator[tuple[int, int]]:
    """Numbers of failing and good trials by which it is told whether they are judged alone."""
    yield 1, 0
    yield from ((0, good) for good in range(1, trials + 1))


def then_wanted(trials: int) -> Iterator[tuple[int, int]]:
    """The same for what share of failures opens it, where all are judged together."""
    yield from ((failed, trials - failed) for failed in range(1, trials + 1))


def judged_together(trials: int, seen: Sequence[Tried]) -> bool:
    """Whether one that fails leaves the others' places, so that all of them are judged at last."""
    return any(one.failed == 1 and not one.good and 0 < one.let < trials for one in seen)


def note_closing(found: Findings, seen: Sequence[Tried]) -> None:
    """What closes it, as far as what was tried tells."""
    trials = found.breaker.trials
    assert trials is not None
    if judged_together(trials, seen):
        _together(found, trials, [one for one in seen if one.failed + one.good == trials])
        return
    good = [one for one in seen if not one.failed]
    closed = min((one.good for one in good if one.closed), default=None)
    held = max((one.good for one in good if not one.closed), default=0)
    failing = [one for one in seen if one.failed]
    if closed != held + 1:
        shown = ", ".join(f"{one.let} after {one.good}" for one in good) or "nothing"
        found.cannot_tell("breaker.successes", f"let through after so many good trials: {shown}")
    elif not failing or any(one.let for one in failing):
        found.cannot_tell("breaker.successes", "what one trial does that fails was not seen")
    else:
        found.breaker.successes = closed
        found.saw(f"closed after {plural(closed, 'good trial')} in turn")


def _together(found: Findings, trials: int, all_in: Sequence[Tried]) -> None:
    """Between which shares of failures it opens again."""
    opened = min((one.failed for one in all_in if not one.let), default=None)
    closed = max((one.failed for one in all_in if one.closed), default=None)
    if opened is None or closed != opened - 1:
        why = "its trials are judged together, but by what share is not clear"
        found.cannot_tell("breaker.successes", why)
        return
    found.breaker.trials_share = Span(low_s=closed / trials, high_s=opened / trials)
    found.cannot_tell("breaker.successes", "its trials are judged together, by a share")
    found.saw(f"{opened} failures of {trials} trials open it again, {closed} don't")
