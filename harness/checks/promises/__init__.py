"""What holds in every run, expected or not: the promises of a contract, whatever a scenario says.

A promise is a function from facts to violations: the first of each kind that a play shows. One that
is broken is a failure with its own claims; one that held although something could have broken it is
a pass. A scenario without `expect:` is judged by them alone, and exploration looks for what breaks
them. A sound target is never accused: where the evidence leaves room, the target has its benefit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.checks.case import Case
from harness.checks.ending import stays_up
from harness.checks.patience import tempered
from harness.checks.promises.access import let_in, login_cookie, others_sources, served_without
from harness.checks.promises.answers import hung, never_5xx, unanswered, unflagged, wrong_answer
from harness.checks.promises.breakers import breaker, slow_rejection, status_endpoint
from harness.checks.promises.deadlines import cut_short
from harness.checks.promises.facts import Facts
from harness.checks.promises.idling import idling
from harness.checks.promises.logs import log
from harness.checks.promises.money import charged_twice, charged_unknown, said_charged
from harness.checks.promises.recovery import back_to_normal
from harness.checks.promises.retries import retries
from harness.checks.promises.violation import Violation
from harness.checks.scope import owed
from harness.contracts.promises import given_up
from harness.frozen import Frozen
from harness.units import plural
from harness.verdict import Finding, Verdict

Check = Callable[[Facts], Iterator[Violation]]
"""Pure: same facts, same violations. Its docstring's first line says what is promised."""


class Promise(Frozen, kw_only=True):
    """One promise: what it says, and the check that finds it broken."""

    says: str
    check: Check
    timeless: bool = False
    """Whether no lateness of the machine could excuse that it is broken."""
    of_each_attempt: bool = False
    """Whether only an upstream can break it at which every attempt was seen."""


PROMISES: tuple[Promise, ...] = (
    Promise(says="no answer is a 5xx other than 503", check=never_5xx, timeless=True),
    Promise(says="every request gets an answer", check=unanswered),
    Promise(says="no request takes longer than the sum of its deadlines", check=hung),
    Promise(says="nobody is let in whom no upstream vouched for", check=let_in),
    Promise(says="nobody is answered well whose required call has failed",
            check=served_without),
    Promise(says="a login that fails sets no cookie", check=login_cookie, timeless=True),
    Promise(says="nobody is shown what is another's", check=others_sources,
            timeless=True),
    Promise(says="a request is charged at most once, and only if answered well",
            check=charged_twice),
    Promise(says="nothing is charged after the call that it needs has failed",
            check=charged_unknown, timeless=True),
    Promise(says="what an answer says of its charge is true", check=said_charged),
    Promise(says="an answer is one that its route may give in this outage",
            check=wrong_answer),
    Promise(says="an answer that had to do without an upstream says so", check=unflagged),
    Promise(says="breakers open, reject, probe and close as they should", check=breaker,
            of_each_attempt=True),
    Promise(says="whoever meets an open breaker goes on at once", check=slow_rejection,
            of_each_attempt=True),
    Promise(says="the status endpoint shows what crossed the wire", check=status_endpoint,
            of_each_attempt=True),
    Promise(says="what the log says of the breakers crossed the wire", check=log,
            of_each_attempt=True),
    Promise(says="attempts are repeated as they should be", check=retries,
            of_each_attempt=True),
    Promise(says="no attempt is given up before its deadline", check=cut_short),
    Promise(says="whoever has made its last attempt goes on at once", check=idling,
            of_each_attempt=True),
    Promise(says="all is back to normal soon after the last lift", check=back_to_normal),
)  # fmt: skip
"""All promises, the gravest first."""


def violations(case: Case) -> tuple[Violation, ...]:
    """All that is broken in one play, by gravity; the first of each kind.

    What the target does without is no violation.
    """
    facts = Facts(case)
    return tuple(v for p in PROMISES for v in _broken(p, facts) if not _given_up(v, facts))


def promises_of(case: Case) -> tuple[Finding, ...]:
    """Judge all promises; a check that breaks is inconclusive, and spoils no other's judgement."""
    facts = Facts(case)
    patient: list[Facts] = []  # made when first needed, and once

    def with_patience(promise: Promise) -> Callable[[Case], tuple[Finding, ...]]:
        def again(case: Case) -> tuple[Finding, ...]:
            if not patient:
                patient.append(Facts(case))
            return tuple(_findings(promise, patient[0]))

        return again

    found = [
        finding
        for promise in PROMISES
        for finding in tempered(tuple(_findings(promise, facts)), case, with_patience(promise))
    ]
    return tuple(owed(finding, case) for finding in (*stays_up(case), *found))


def _broken(promise: Promise, facts: Facts) -> Iterator[Violation]:
    found: dict[tuple[str, str], Violation] = {}
    for violation in promise.check(facts):
        known = found.get(violation.key)
        if known is None or violation.at_s < known.at_s:
            found[violation.key] = violation
    yield from found.values()


def _given_up(violation: Violation, facts: Facts) -> bool:
    """Whether the target declares that it doesn't promise this."""
    without = given_up(facts.history.run.without, violation.about)
    return bool(violation.claims) and without.issuperset(violation.claims)


def _findings(promise: Promise, facts: Facts) -> Iterator[Finding]:
    try:
        broken = list(_broken(promise, facts))
        answered = facts.answered
        could = not promise.of_each_attempt or any(map(facts.sees_all, facts.upstreams))
    except Exception as error:  # whatever broke: it says nothing about the target
        yield Finding(
            name=promise.says,
            verdict=Verdict.INCONCLUSIVE,
            expected=promise.says,
            observed=f"the check broke: {type(error).__name__}: {error}",
            evidence="a defect of the harness, please report it",
        )
        return
    seen = f"{plural(answered, 'answer')} and what crossed the wires"
    for violation in broken:
        finding = Finding(
            name=violation.name,
            claims=violation.claims,
            verdict=Verdict.FAILED,
            expected=promise.says,
            observed=violation.says,
            evidence=violation.evidence or seen,
            examples=() if violation.request is None else (violation.request,),
            at_s=violation.at_s,
            timeless=promise.timeless,
        )
        yield owed(finding, facts.case, violation.about)
    if not broken and answered and could and facts.scenario.faults:
        yield Finding(
            name=promise.says,
            verdict=Verdict.PASSED,
            expected=promise.says,
            observed="it held",
            evidence=seen,
        )
