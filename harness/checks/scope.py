"""What a target doesn't promise is out of scope: claims it does without, upstreams it lacks.

A route that it lacks is found in the warm-up (`steady.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from harness.checks.case import Case
from harness.contracts.promises import ONE_BREAKER, OPENS, given_up
from harness.scenario.expectations import Expectation, Windowed
from harness.units import Window
from harness.verdict import Finding, Verdict


def out_of_scope(expectation: Expectation, case: Case) -> str | None:
    """Why a target owes nothing here; None where it does."""
    run = case.history.run
    reason = _done_without(case.claims(expectation), case, expectation.upstreams)
    if reason is not None:
        return reason
    if expectation.of_effects and not case.contract.ledgers:
        return "the contract names no call with an effect that happens at most once"
    ledgers = case.contract.ledgers if expectation.of_effects else ()
    for upstream in (*ledgers, *expectation.upstreams):
        if upstream not in run.upstreams:
            return f"the target has no upstream {upstream}"
    return _unplayable(expectation, case)


def owed(finding: Finding, case: Case, *upstreams: str) -> Finding:
    """A finding as it stands: out of scope where the target declares to do without its claims, at
    all or at these upstreams.
    """
    reason = _done_without(finding.claims, case, upstreams)
    if reason is None:
        return finding
    return replace(finding, verdict=Verdict.OUT_OF_SCOPE, observed="not judged", evidence=reason)


def promised(case: Case, names: Iterable[str], upstream: str = "") -> tuple[str, ...]:
    """Of these promises those that the target makes, at an upstream where one is named.

    One breaker for each upstream is promised only by who promises that a breaker opens.
    """
    without = given_up(case.history.run.without, upstream)
    gone = {each for each in (OPENS, *names) if without.issuperset(case.contract.claims_of(each))}
    if OPENS in gone:
        gone.add(ONE_BREAKER)
    return tuple(name for name in names if name not in gone)


def _done_without(claims: tuple[str, ...], case: Case, upstreams: Sequence[str] = ()) -> str | None:
    """Why nothing is owed of claims: given up at all, or at each of the upstreams meant."""
    without = case.history.run.without
    if claims and given_up(without).issuperset(claims):
        return f"the target does without {', '.join(claims)}"
    if claims and upstreams and all(given_up(without, u).issuperset(claims) for u in upstreams):
        return f"the target does without {', '.join(claims)} at {', '.join(upstreams)}"
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
