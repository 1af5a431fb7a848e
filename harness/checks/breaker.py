"""When a breaker opens, rejects, probes and closes: expectations against what the wire says.

Instants are judged with their bounds: inside what is allowed is a pass, outside whatever the bounds
a failure, and what the wire can't tell from either is inconclusive.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from harness.checks.brackets import listed, moments_of, single
from harness.checks.breaker_counts import attempts, first_rejection, probes
from harness.checks.breaker_subject import DRAWN, UNREADABLE, Subject, expected_words, instant
from harness.checks.case import Case
from harness.checks.keeping import keeps
from harness.contract import Moment
from harness.scenario.expectations.breaker import ExpectBreaker
from harness.scenario.expectations.values import Instant
from harness.verdict import Finding, Transition, Verdict, worst


def check(expectation: ExpectBreaker, case: Case) -> tuple[Finding, ...]:
    """One finding for each thing that the expectation says.

    With the scenario's end its last faults are lifted: what that sets free comes after all that was
    asked about, and may be what was meant. What another story allows that explains as much as the
    plainest is no failure.
    """
    plainest = Subject(expectation, case)
    found = list(_findings(plainest))
    end_s = case.scenario.duration
    came_s = [change.at_s - change.error_s for change in plainest.changes]
    came_s += [probe.attempt.start_s for probe in plainest.probes_made]
    if any(at_s >= end_s for at_s in came_s):
        within = _findings(Subject(expectation, case, until_s=end_s))
        found = [_better(one, two) for one, two in zip(found, within, strict=True)]
    for changes in plainest.wire.otherwise:
        if all(finding.verdict is not Verdict.FAILED for finding in found):
            break
        other = _findings(Subject(expectation, case, changes=changes, until_s=end_s))
        found = [_doubted(one, two) for one, two in zip(found, other, strict=True)]
    if plainest.wire.changes.more:
        found = [
            _untold(one, "more stories would explain as much than can be told") for one in found
        ]
    elif plainest.wire.unreadable and plainest.wire.refutation is None:
        found = [_untold(one, UNREADABLE) for one in found]
    if expectation.keeps is not None and not plainest.untold():
        found.append(keeps(case, plainest.wire.upstream))
    return tuple(found)


def _better(one: Finding, two: Finding) -> Finding:
    return two if worst((one.verdict, two.verdict)) is one.verdict else one


def _doubted(plainest: Finding, other: Finding) -> Finding:
    if plainest.verdict is not Verdict.FAILED or other.verdict is Verdict.FAILED:
        return plainest
    evidence = f"{other.observed} would explain as much"
    return replace(plainest, verdict=Verdict.INCONCLUSIVE, evidence=evidence)


def _untold(one: Finding, why: str) -> Finding:
    """By a breaker that may have changed in more ways than are told."""
    if one.verdict is not Verdict.FAILED:
        return one
    return replace(one, verdict=Verdict.INCONCLUSIVE, evidence=why)


def _findings(subject: Subject) -> Iterator[Finding]:
    wanted = subject.expectation
    untold = subject.untold()
    if untold:
        name, observed = "contract", "nothing was held against it"
        told = f"can't be told: {untold}"
        yield subject.finding(name, Verdict.INCONCLUSIVE, told, observed, subject.sight())
        return
    if isinstance(wanted.opens, tuple):
        yield _each(subject, "opens", wanted.opens)
    elif wanted.opens is not None:
        yield _opens(subject, wanted.opens)
    if wanted.first_rejection is not None:
        yield first_rejection(subject)
    if wanted.attempts is not None:
        yield attempts(subject)
    if wanted.probes is not None:
        yield probes(subject)
    if isinstance(wanted.closes, tuple):
        yield _each(subject, "closes", wanted.closes)
    elif wanted.closes is not None:
        yield _closes(subject, wanted.closes)


# Each aspect


def _opens(subject: Subject, wanted: Instant | str) -> Finding:
    opened = subject.opened
    allowed, tolerance_s = single("opens", wanted, subject.predicted)
    if not allowed:
        return _opens_never(subject)
    expected = expected_words(allowed, tolerance_s)
    if opened is None:
        return subject.unopened("opens", expected, fine=not allowed.sure)
    verdict = _judged(subject, opened, allowed, tolerance_s)
    evidence = opened.evidence
    if verdict is Verdict.PASSED and not subject.wire.changes.opens_always:
        verdict = Verdict.INCONCLUSIVE
        evidence = "nothing that came later shows that it opened"
    return subject.finding("opens", verdict, expected, instant(opened), evidence)


def _opens_never(subject: Subject) -> Finding:
    opened, wire = subject.opened, subject.wire
    if opened is not None:
        surely = wire.changes.opens_always and not subject.by_chance(opened.at_s)
        verdict = Verdict.FAILED if surely else Verdict.INCONCLUSIVE
        observed = f"opened at {instant(opened)}"
        evidence = opened.evidence
        if not surely:
            evidence = "so many failures would open it, and nothing later shows whether it did"
        return subject.finding("opens", verdict, "never", observed, evidence)
    if not wire.demands or wire.unknown:
        observed = "nothing could tell"
        return subject.finding("opens", Verdict.INCONCLUSIVE, "never", observed, subject.sight())
    if wire.changes.differences:
        observed = "no request is known to have been rejected"
        said = "; ".join(wire.changes.differences)
        return subject.finding("opens", Verdict.INCONCLUSIVE, "never", observed, said)
    away = len(wire.turned_away)
    observed = f"{away} of {len(wire.demands)} requests rejected"
    if away:
        why = "nothing that was seen would have opened it"
        return subject.finding("opens", Verdict.INCONCLUSIVE, "never", observed, why)
    return subject.finding("opens", Verdict.PASSED, "never", observed, subject.sight())


def _each(subject: Subject, what: str, wanted: Sequence[Instant]) -> Finding:
    """Every opening, or every closing, in order: exactly those that are allowed."""
    known = moments_of(subject.predicted(), what)
    moments, tolerance_s = listed(wanted, known)
    state = "open" if what == "opens" else "closed"
    found = [t for t in subject.changes if t.state == state]
    expected = ", ".join(expected_words(moment, tolerance_s) for moment in moments) or "never"
    if subject.opened is None and any(moment.sure for moment in moments):
        return subject.unopened(what, expected)
    observed = ", ".join(map(instant, found)) or "never"
    evidence = "; ".join(dict.fromkeys(t.evidence for t in found)) or subject.sight()
    verdict = _judged_all(subject, found, moments, tolerance_s)
    spread_s = tolerance_s + subject.wire.sight.fine_s
    if verdict is Verdict.FAILED and subject.late_misfit(
        what, [t.at_s for t in found], moments, spread_s
    ):
        verdict, evidence = Verdict.INCONCLUSIVE, DRAWN
    return subject.finding(what, verdict, expected, observed, evidence)


def _judged_all(
    subject: Subject, found: Sequence[Transition], moments: Sequence[Moment], tolerance_s: float
) -> Verdict:
    """The worst of all, each held against the next that allows it; unsure ones may be
    missing.
    """
    if subject.by_chance(math.inf) and len(found) != len(moments):
        return Verdict.INCONCLUSIVE
    left, verdicts = list(found), [Verdict.PASSED]
    for moment in moments:
        verdict = _judged(subject, left[0], moment, tolerance_s) if left else Verdict.FAILED
        if verdict is Verdict.FAILED and not moment.sure:
            continue
        verdicts.append(verdict)
        left = left[1:]
    return Verdict.FAILED if left else worst(verdicts)


def _closes(subject: Subject, wanted: Instant | str) -> Finding:
    closed = subject.closed
    allowed, tolerance_s = single("closes", wanted, subject.predicted)
    expected = expected_words(allowed, tolerance_s) if allowed else "never"
    if subject.opened is None:
        verdict, observed = subject.never_opened()
        if not allowed.sure and not subject.predicted().opened.sure:
            verdict = _opens_never(subject).verdict  # what never opens needs not close
        return subject.finding("closes", verdict, expected, observed, subject.sight())
    wrong = Verdict.INCONCLUSIVE if subject.by_chance(math.inf) else Verdict.FAILED
    if not allowed:
        verdict = Verdict.PASSED if closed is None else wrong
        observed = "stayed open" if closed is None else f"closed at {instant(closed)}"
        return subject.finding("closes", verdict, expected, observed, subject.sight())
    if closed is None:
        unseen = subject.wire.sight.only_connections
        verdict = wrong if allowed.sure and not unseen else Verdict.INCONCLUSIVE
        return subject.finding(
            "closes", verdict, expected, "it did not close again", subject.sight()
        )
    verdict = _judged(subject, closed, allowed, tolerance_s)
    return subject.finding("closes", verdict, expected, instant(closed), closed.evidence)


def _judged(subject: Subject, found: Transition, allowed: Moment, tolerance_s: float) -> Verdict:
    """Inside with all of its bounds, outside with all of them, or neither."""
    spread_s = tolerance_s + subject.wire.sight.fine_s
    low_s, high_s = found.at_s - found.error_s, found.at_s + found.error_s
    wide = [(r.low - spread_s, r.high + spread_s) for r in allowed.alternatives]
    if any(from_s <= low_s and high_s <= to_s for from_s, to_s in wide):
        return Verdict.PASSED
    touches = any(low_s <= to_s and from_s <= high_s for from_s, to_s in wide)
    return Verdict.INCONCLUSIVE if touches else Verdict.FAILED
