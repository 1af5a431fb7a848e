"""What a target doesn't promise is out of scope: claims it does without, upstreams it lacks.

A route that it lacks is found in the warm-up (`steady.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from harness.checks.case import Case
from harness.contracts.promises import ONE_BREAKER, OPENS
from harness.scenario.expectations import Expectation, Windowed
from harness.units import Window
from harness.verdict import Finding, Verdict


def out_of_scope(expectation: Expectation, case: Case) -> str | None:
    """Why a target owes nothing here; None where it does."""
    run = case.history.run
    reason = _done_without(case.claims(expectation), case)
    if reason is not None:
        return reason
    if expectation.of_effects and not case.contract.ledgers:
        return "the contract names no call with an effect that happens at most once"
    ledgers = case.contract.ledgers if expectation.of_effects else ()
    for upstream in (*ledgers, *expectation.upstreams):
        if upstream not in run.upstreams:
            return f"the target has no upstream {upstream}"
    return _unplayable(expectation, case)


def owed(finding: Finding, case: Case) -> Finding:
    """A finding as it stands: out of scope where the target declares to do without its claims."""
    reason = _done_without(finding.claims, case)
    if reason is None:
        return finding
    return replace(finding, verdict=Verdict.OUT_OF_SCOPE, observed="not judged", evidence=reason)


def promised(case: Case, names: Iterable[str]) -> tuple[str, ...]:
    """Of these promises those that the target makes.

    One breaker for each upstream is promised only by who promises that a breaker opens.
    """
    without = set(case.history.run.without)
    given_up = {
        each for each in (OPENS, *names) if without.issuperset(case.contract.claims_of(each))
    }
    if OPENS in given_up:
        given_up.add(ONE_BREAKER)
    return tuple(name for name in names if name not in given_up)


def _done_without(claims: tuple[str, ...], case: Case) -> str | None:
    if claims and set(claims) <= set(case.history.run.without):
        return f"the target does without {', '.join(claims)}"
    return None


def _unplayable(expectation: Expectation, case: Case) -> str | None:
    """A fault that comes before or into the window can't hit an upstream which isn't there."""
    fixed = expectation.fixed if isinstance(expectation, Windowed) else None
    window = fixed or Window(0.0, math.inf)
    faults = [fault for fault in case.scenario.faults if fault.from_ < window.end_s]
    missing = [fault for fault in faults if not case.has_any(fault.upstreams)]
    enough = len(faults) if expectation.under_each_fault else 1
    if missing and len(missing) >= enough:
        names = ", ".join(dict.fromkeys(name for fault in missing for name in fault.upstreams))
        return f"its outage can't be played: the target has no upstream {names}"
    return None
