"""What holds in every run, expected or not: the promises of a contract, whatever a scenario says.

A promise is a function from a case to findings: one finding for each claim that the run can show,
none where the promise has nothing to say of such a run. `PROMISES` lists them all, in the order in
which reports show them. A scenario without `expect:` is judged by them alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.checks.case import Case
from harness.checks.ending import stays_up
from harness.checks.scope import owed
from harness.verdict import Finding, Verdict

Promise = Callable[[Case], Iterator[Finding]]
"""Pure: same case, same findings. Its docstring's first line says what is promised."""

PROMISES: tuple[Promise, ...] = (stays_up,)


def promises_of(case: Case) -> tuple[Finding, ...]:
    """Judge all promises; one that breaks is inconclusive, and the others are judged all the same.

    A promise that names claims which the target does without is out of scope.
    """
    return tuple(finding for promise in PROMISES for finding in _findings(promise, case))


def _findings(promise: Promise, case: Case) -> tuple[Finding, ...]:
    try:
        return tuple(owed(finding, case) for finding in promise(case))
    except Exception as error:  # whatever broke: it says nothing about the target
        name = promise.__name__.strip("_").replace("_", " ")
        return (
            Finding(
                name=name,
                claims=(),
                verdict=Verdict.INCONCLUSIVE,
                expected=(promise.__doc__ or name).strip().partition("\n")[0].rstrip("."),
                observed=f"the check broke: {type(error).__name__}: {error}",
                evidence="a defect of the harness, please report it",
            ),
        )
