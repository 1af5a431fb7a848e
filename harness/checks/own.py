"""Checks of an author's own: a function `check(history, **given)`, found by its entry point.

It gives what is wrong, a sentence each; nothing where all is well; None where it found nothing to
judge by. It gets a `History` (harness/history/view.py) and nothing that knows which engine ran.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from harness.checks.case import Case
from harness.history.view import History
from harness.scenario.expectations.own import ExpectOwn, installed
from harness.units import plural
from harness.verdict import Finding, Verdict

OwnCheck = Callable[..., Iterable[str] | None]
_MOST_TOLD = 3


def check(expectation: ExpectOwn, case: Case) -> tuple[Finding, ...]:
    """One finding. What the function raises is told as such: it says nothing about the target."""
    verdict, observed = _judged(expectation, case.history)
    return (
        Finding(
            name=expectation.subject,
            verdict=verdict,
            expected=expectation.demand,
            observed=observed,
            evidence=f"the check {expectation.check}, of the author's own",
        ),
    )


def _judged(expectation: ExpectOwn, history: History) -> tuple[Verdict, str]:
    found = [each for each in installed() if each.name == expectation.check]
    if not found:
        return Verdict.INCONCLUSIVE, "no such check is installed here"
    try:
        function: OwnCheck = found[0].load()
        answer = function(history, **expectation.given)
        wrong = None if answer is None else [str(each) for each in answer]
    except Exception as error:  # whatever broke: it says nothing about the target
        return Verdict.INCONCLUSIVE, f"the check raised {type(error).__name__}: {error}"
    if wrong is None:
        return Verdict.INCONCLUSIVE, "the check found nothing to judge by"
    if not wrong:
        return Verdict.PASSED, "nothing"
    more = f" and {len(wrong) - _MOST_TOLD} more" if len(wrong) > _MOST_TOLD else ""
    told = "; ".join(wrong[:_MOST_TOLD])
    return Verdict.FAILED, f"{plural(len(wrong), 'thing')}: {told}{more}"
